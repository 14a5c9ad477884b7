/* xattr.c - extended attributes: whose name is, who may, and the calls.
 *
 * As Linux: user.* belongs to who may read or write the file, and only regular files and directories
 * have it; trusted.* to the super-user; security.* is read by everybody and written by the super-user.
 * security.capability, which exec gives to who runs the file, wants CAP_SETFCAP and a form that it knows. Files that
 * are not in memory (procfs, pipes) have none. */
#include "fs/xattr.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "sched/task.h"
#include "sys/target.h"
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>

struct request {
    char name[XATTR_NAME_MAX + 1];
    struct xattr_part *value; /* of a set: taken over */
    uaddr_t to;               /* of a get or list */
    uint64_t size;
    uint32_t flags;
};

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool has_any(const struct inode *in) { return of_tmpfs(in); }

/* --- rights ------------------------------------------------------------------------------ */

static int may(struct inode *in, const char *name, uint32_t mask)
{
    bool write = mask == MAY_WRITE;

    if (write && in->attributes & INODE_KEPT)
        return -EPERM;
    if (begins(name, XATTR_SECURITY_PREFIX) || begins(name, XATTR_SYSTEM_PREFIX))
        return 0;
    if (begins(name, XATTR_TRUSTED_PREFIX))
        return capable() ? 0 : write ? -EPERM : -ENODATA;
    if (begins(name, XATTR_USER_PREFIX)) {
        if (!S_ISREG(in->mode) && !is_dir(in))
            return write ? -EPERM : -ENODATA;
        if (write && is_dir(in) && in->mode & S_ISVTX && !inode_owner_or_root(in))
            return -EPERM;
    }
    return inode_permission(in, mask);
}

/* Is it a name that a file here could have?  0, -EOPNOTSUPP, -EINVAL: a prefix alone. */
static int known(struct inode *in, const char *name)
{
    static const char *const prefix[] = { XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX,
                                          XATTR_SECURITY_PREFIX };

    for (unsigned i = 0; has_any(in) && i < ARRAY_SIZE(prefix); i++)
        if (begins(name, prefix[i]))
            return name[strlen(prefix[i])] ? 0 : -EINVAL;
    return -EOPNOTSUPP;
}

static int may_change(struct inode *in, const char *name)
{
    int err = may(in, name, MAY_WRITE);

    if (!err && strcmp(name, XATTR_NAME_CAPS) == 0)
        err = has_cap(CAP_SETFCAP) ? 0 : -EPERM;
    else if (!err && begins(name, XATTR_SECURITY_PREFIX) && !capable())
        err = -EPERM;
    return err ? err : known(in, name);
}

/* --- one file ---------------------------------------------------------------------------- */

static bool caps_are_good(const struct request *r)
{
    uint32_t magic;

    if (r->size == 0) /* as Linux: gives nothing */
        return true;
    if (r->size != XATTR_CAPS_SZ_2 && r->size != XATTR_CAPS_SZ_3)
        return false;
    memcpy(&magic, r->value->byte, sizeof(magic));
    return (magic & VFS_CAP_REVISION_MASK) ==
           (r->size == XATTR_CAPS_SZ_2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3);
}

static long set(struct inode *in, struct request *r)
{
    long err = strcmp(r->name, XATTR_NAME_CAPS) == 0 && !caps_are_good(r) ? -EINVAL : 0;

    if (!err)
        err = may_change(in, r->name);
    if (err)
        return err;
    err = xattr_set(in, r->name, r->value, (uint32_t)r->size, r->flags);
    r->value = NULL;
    return err;
}

static long remove(struct inode *in, struct request *r)
{
    long err = may_change(in, r->name);

    return err ? err : xattr_remove(in, r->name);
}

static int copy_out(const struct xattr *x, uaddr_t to)
{
    uint32_t left = x->size;
    int err = 0;

    for (const struct xattr_part *p = x->parts; p && !err; p = p->next) {
        uint32_t n = MIN(left, (uint32_t)XATTR_PART_BYTES);

        err = copy_to_user(to, p->byte, n);
        to += n;
        left -= n;
    }
    return err;
}

static long get(struct inode *in, struct request *r)
{
    const struct xattr *x;
    long err = may(in, r->name, MAY_READ);

    if (!err && has_any(in) && begins(r->name, "system.posix_acl_"))
        return -ENODATA; /* there could be one */
    if (!err)
        err = known(in, r->name);
    if (err)
        return err;
    x = xattr_find(in, r->name);
    if (!x)
        return -ENODATA;
    if (!r->size)
        return x->size;
    if (r->size < x->size)
        return -ERANGE;
    err = copy_out(x, r->to);
    return err ? err : x->size;
}

static long list(struct inode *in, struct request *r)
{
    uint64_t n = 0;

    for (const struct xattr *x = in->xattrs; x; x = x->next) {
        size_t len = x->name_len + 1u;

        if (begins(x->name, XATTR_TRUSTED_PREFIX) && !capable())
            continue;
        if (r->size) {
            if (len > r->size - n)
                return -ERANGE;
            if (copy_to_user(r->to + n, x->name, len) != 0)
                return -EFAULT;
        }
        n += len;
    }
    return n > XATTR_LIST_MAX ? -E2BIG : (long)n;
}

/* --- the calls --------------------------------------------------------------------------- */

typedef long action(struct inode *in, struct request *r);

static long act(struct inode *in, const struct mount *mnt, action *what, struct request *r)
{
    bool changes = what == set || what == remove;
    long err = changes && mount_readonly(mnt) ? -EROFS : 0;

    mutex_lock(&in->lock);
    if (!err)
        err = what(in, r);
    if (!err && changes)
        inode_changed(in);
    mutex_unlock(&in->lock);
    return err;
}

static long by_path(uaddr_t path, uint32_t walk, action *what, struct request *r)
{
    struct path p;
    long err = path_lookup_user(AT_FDCWD, path, walk, &p);

    if (err)
        return err;
    err = act(p.dentry->inode, p.mnt, what, r);
    if (!err && (what == set || what == remove))
        notify_dentry(p.dentry, IN_ATTRIB);
    path_put(&p);
    return err;
}

static long by_fd(int fd, action *what, struct request *r)
{
    WITH_FILE(f, fd);
    long err;

    if (!f || f->flags & O_PATH)
        return -EBADF;
    err = act(f->inode, f->path.mnt, what, r);
    if (!err && (what == set || what == remove))
        notify_file(f, IN_ATTRIB);
    return err;
}

static long take_name(struct request *r, uaddr_t name)
{
    long len = strncpy_from_user(r->name, name, sizeof(r->name));

    if (len == -ENAMETOOLONG || len == 0)
        return -ERANGE;
    return len < 0 ? len : 0;
}

/* By a descriptor, one of O_PATH included, or by a name. */
static long by_target(int dfd, uaddr_t path, uint32_t at_flags, action *what, struct request *r)
{
    struct target t;
    long err;

    if (at_flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = target_get(&t, dfd, path, at_flags);
    if (err)
        return err;
    err = t.file && t.file->flags & O_PATH ? -EBADF : act(t.inode, t.path.mnt, what, r);
    if (!err && (what == set || what == remove)) {
        if (t.file)
            notify_file(t.file, IN_ATTRIB);
        else
            notify_dentry(t.path.dentry, IN_ATTRIB);
    }
    target_put(&t);
    return err;
}

static long take_value(struct request *r, uaddr_t name, uaddr_t value, uint64_t size,
                       uint32_t flags)
{
    uint64_t left = size;
    long err;

    *r = (struct request){ .size = size, .flags = flags };
    if (flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    err = take_name(r, name);
    if (!err && size > XATTR_SIZE_MAX)
        err = -E2BIG;
    if (!err)
        err = xattr_value_alloc((uint32_t)size, &r->value);
    for (struct xattr_part *p = r->value; p && !err; p = p->next) {
        uint64_t n = MIN(left, (uint64_t)XATTR_PART_BYTES);

        err = copy_from_user(p->byte, value, n);
        value += n;
        left -= n;
    }
    return err;
}

static long set_by_path(uaddr_t path, uint32_t walk, uaddr_t name, uaddr_t value, uint64_t size,
                        uint32_t flags)
{
    struct request r;
    long err = take_value(&r, name, value, size, flags);

    if (!err)
        err = by_path(path, walk, set, &r);
    xattr_value_free(r.value);
    return err;
}

SYSCALL5(setxattr, uaddr_t, path, uaddr_t, name, uaddr_t, value, uint64_t, size, uint32_t, flags)
{
    return set_by_path(path, WALK_FOLLOW, name, value, size, flags);
}

SYSCALL5(lsetxattr, uaddr_t, path, uaddr_t, name, uaddr_t, value, uint64_t, size, uint32_t, flags)
{
    return set_by_path(path, 0, name, value, size, flags);
}

SYSCALL5(fsetxattr, int, fd, uaddr_t, name, uaddr_t, value, uint64_t, size, uint32_t, flags)
{
    struct request r;
    long err = take_value(&r, name, value, size, flags);

    if (!err)
        err = by_fd(fd, set, &r);
    xattr_value_free(r.value);
    return err;
}

static long named_by_path(uaddr_t path, uint32_t walk, action *what, uaddr_t name, uaddr_t to,
                          uint64_t size)
{
    struct request r = { .to = to, .size = size };
    long err = take_name(&r, name);

    return err ? err : by_path(path, walk, what, &r);
}

static long named_by_fd(int fd, action *what, uaddr_t name, uaddr_t to, uint64_t size)
{
    struct request r = { .to = to, .size = size };
    long err = take_name(&r, name);

    return err ? err : by_fd(fd, what, &r);
}

SYSCALL4(getxattr, uaddr_t, path, uaddr_t, name, uaddr_t, to, uint64_t, size)
{
    return named_by_path(path, WALK_FOLLOW, get, name, to, size);
}

SYSCALL4(lgetxattr, uaddr_t, path, uaddr_t, name, uaddr_t, to, uint64_t, size)
{
    return named_by_path(path, 0, get, name, to, size);
}

SYSCALL4(fgetxattr, int, fd, uaddr_t, name, uaddr_t, to, uint64_t, size)
{
    return named_by_fd(fd, get, name, to, size);
}

SYSCALL3(listxattr, uaddr_t, path, uaddr_t, to, uint64_t, size)
{
    return by_path(path, WALK_FOLLOW, list, &(struct request){ .to = to, .size = size });
}

SYSCALL3(llistxattr, uaddr_t, path, uaddr_t, to, uint64_t, size)
{
    return by_path(path, 0, list, &(struct request){ .to = to, .size = size });
}

SYSCALL3(flistxattr, int, fd, uaddr_t, to, uint64_t, size)
{
    return by_fd(fd, list, &(struct request){ .to = to, .size = size });
}

SYSCALL2(removexattr, uaddr_t, path, uaddr_t, name)
{
    return named_by_path(path, WALK_FOLLOW, remove, name, 0, 0);
}

SYSCALL2(lremovexattr, uaddr_t, path, uaddr_t, name)
{
    return named_by_path(path, 0, remove, name, 0, 0);
}

SYSCALL2(fremovexattr, int, fd, uaddr_t, name) { return named_by_fd(fd, remove, name, 0, 0); }

/* --- setxattrat(2) and the others, Linux 6.13 --------------------------------------------- */

#ifndef XATTR_ARGS_SIZE_VER0
struct xattr_args {
    uint64_t value;
    uint32_t size, flags;
};
#endif

static long take_args(struct xattr_args *a, uaddr_t from, size_t size)
{
    if (size < sizeof(*a))
        return -EINVAL;
    return size > PAGE_SIZE ? -E2BIG : copy_struct_from_user(a, sizeof(*a), from, size);
}

SYSCALL6(setxattrat, int, dfd, uaddr_t, path, uint32_t, at_flags, uaddr_t, name, uaddr_t, args,
         size_t, size)
{
    struct xattr_args a;
    struct request r;
    long err = take_args(&a, args, size);

    if (err)
        return err;
    err = take_value(&r, name, a.value, a.size, a.flags);
    if (!err)
        err = by_target(dfd, path, at_flags, set, &r);
    xattr_value_free(r.value);
    return err;
}

SYSCALL6(getxattrat, int, dfd, uaddr_t, path, uint32_t, at_flags, uaddr_t, name, uaddr_t, args,
         size_t, size)
{
    struct xattr_args a;
    long err = take_args(&a, args, size);

    if (err || a.flags)
        return err ? err : -EINVAL;
    struct request r = { .to = a.value, .size = a.size };
    err = take_name(&r, name);
    return err ? err : by_target(dfd, path, at_flags, get, &r);
}

SYSCALL5(listxattrat, int, dfd, uaddr_t, path, uint32_t, at_flags, uaddr_t, to, uint64_t, size)
{
    return by_target(dfd, path, at_flags, list, &(struct request){ .to = to, .size = size });
}

SYSCALL4(removexattrat, int, dfd, uaddr_t, path, uint32_t, at_flags, uaddr_t, name)
{
    struct request r = { 0 };
    long err = take_name(&r, name);

    return err ? err : by_target(dfd, path, at_flags, remove, &r);
}
