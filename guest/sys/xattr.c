/* xattr.c - extended attributes: no file has any.  The answers are those of
 * Linux's tmpfs for a file without them. */
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/path.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "arch/syscall.h"

#define XATTR_NAME_ROOM 256

/* Namespaces that could hold an attribute, and those that could not. */
static long name_check(uaddr_t name)
{
    static const char *const known[] = { "security.", "trusted.", "system.posix_acl_" };
    char text[XATTR_NAME_ROOM];
    long len = strncpy_from_user(text, name, sizeof(text));

    if (len == -ENAMETOOLONG || len == 0)
        return -ERANGE;
    if (len < 0)
        return len;
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
        if (strncmp(text, known[i], strlen(known[i])) == 0)
            return -ENODATA;
    return -EOPNOTSUPP;
}

static long path_check(uaddr_t path, uint32_t flags)
{
    struct path p;
    int err = path_lookup_user(AT_FDCWD, path, flags, &p);

    if (!err)
        path_put(&p);
    return err;
}

static long fd_check(int fd)
{
    WITH_FILE(f, fd);

    return !f || f->flags & O_PATH ? -EBADF : 0;
}

SYSCALL2(getxattr, uaddr_t, path, uaddr_t, name)
{
    long err = path_check(path, WALK_FOLLOW);

    return err ? err : name_check(name);
}

SYSCALL2(lgetxattr, uaddr_t, path, uaddr_t, name)
{
    long err = path_check(path, 0);

    return err ? err : name_check(name);
}

SYSCALL2(fgetxattr, int, fd, uaddr_t, name)
{
    long err = fd_check(fd);

    return err ? err : name_check(name);
}

SYSCALL1(listxattr, uaddr_t, path) { return path_check(path, WALK_FOLLOW); }

SYSCALL1(llistxattr, uaddr_t, path) { return path_check(path, 0); }

SYSCALL1(flistxattr, int, fd) { return fd_check(fd); }
