/* open.c - open, openat, creat and openat2.
 * The first three ignore what they do not know; openat2 refuses it, and says how the name is
 * walked (fs/path.h). */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/path.h"
#include <linux/openat2.h>

static long open_at(int dfd, uaddr_t name, uint32_t flags, uint32_t mode, uint32_t walk)
{
    struct user_name n;
    struct file *f;
    int fd, err = name_get(&n, name);

    if (err)
        return err;
    fd = fd_alloc(0, flags);
    if (fd >= 0) {
        err = file_open_walk(dfd, n.text, n.len, flags, mode, walk, &f);
        if (err) {
            fd_cancel(fd);
            fd = err;
        } else {
            fd_install(fd, f);
        }
    }
    name_put(&n);
    return fd;
}

SYSCALL3(open, uaddr_t, name, uint32_t, flags, uint32_t, mode)
{
    return open_at(AT_FDCWD, name, flags, mode, 0);
}

SYSCALL4(openat, int, dfd, uaddr_t, name, uint32_t, flags, uint32_t, mode)
{
    return open_at(dfd, name, flags, mode, 0);
}

SYSCALL2(creat, uaddr_t, name, uint32_t, mode)
{
    return open_at(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode, 0);
}

/* --- openat2 --- */

/* All that open(2) knows.  It ignores the others; openat2 does not. */
#define OPEN_FLAGS \
    ((uint64_t)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | \
                O_SYNC | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | \
                O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE))
#define OPEN_PATH_FLAGS ((uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
#define MAKES_FILE      ((uint64_t)(O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))

/* RESOLVE_CACHED asks to wait for no disk, and all names are in memory.  But as on Linux it is not for
 * what changes something. */
static long resolve_flags(const struct open_how *how, uint32_t *walk)
{
    static const uint32_t by_bit[] = { WALK_NO_XDEV, WALK_NO_MAGIC, WALK_NO_SYMLINKS,
                                       WALK_BENEATH, WALK_IN_ROOT,  0 };
    const uint64_t scoped = RESOLVE_BENEATH | RESOLVE_IN_ROOT;

    if (how->resolve >> (sizeof(by_bit) / sizeof(by_bit[0])) || (how->resolve & scoped) == scoped)
        return -EINVAL;
    *walk = 0;
    for (unsigned i = 0; i < sizeof(by_bit) / sizeof(by_bit[0]); i++)
        if (how->resolve >> i & 1)
            *walk |= by_bit[i];
    return 0;
}

static long open_how_valid(const struct open_how *how)
{
    if (how->flags & ~OPEN_FLAGS || how->mode & ~(how->flags & MAKES_FILE ? 07777ull : 0))
        return -EINVAL;
    if (how->flags & O_PATH && how->flags & ~OPEN_PATH_FLAGS)
        return -EINVAL;
    return 0;
}

SYSCALL4(openat2, int, dfd, uaddr_t, name, uaddr_t, at, size_t, size)
{
    struct open_how how;
    uint32_t walk;
    long err;

    if (size < sizeof(how))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    err = copy_struct_from_user(&how, sizeof(how), at, size);
    if (!err)
        err = open_how_valid(&how);
    if (!err)
        err = resolve_flags(&how, &walk);
    if (err)
        return err;
    if (how.resolve & RESOLVE_CACHED && how.flags & (O_TRUNC | MAKES_FILE))
        return -EAGAIN;
    return open_at(dfd, name, (uint32_t)how.flags, (uint32_t)how.mode, walk);
}
