/* file_attr.c - chmod, chown, utimensat and their relatives.
 * The owner or the super-user may; on a read-only mount nobody. */
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/seal.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/xattr.h"
#include "sched/task.h"
#include "arch/syscall.h"
#include <linux/time.h>
#include <linux/utime.h>
#include <linux/xattr.h>

/* tv_nsec of utimensat(2), which no kernel header brings. */
#define UTIME_NOW  ((1l << 30) - 1)
#define UTIME_OMIT ((1l << 30) - 2)

static long change_in(const struct mount *m, struct inode *in,
                      long (*change)(struct inode *, const void *), const void *how)
{
    if (in->sb->refuses)
        return in->sb->refuses;
    mutex_lock(&in->lock);
    long err = mount_readonly(m) ? -EROFS : change(in, how);
    mutex_unlock(&in->lock);
    return err;
}

/* allowed: O_PATH where such a descriptor will do. */
static long with_file(int fd, uint32_t allowed, long (*change)(struct inode *, const void *),
                      const void *how, uint32_t event)
{
    WITH_FILE(f, fd);
    long err;

    if (!f || f->flags & O_PATH & ~allowed)
        return -EBADF;
    err = change_in(f->path.mnt, f->inode, change, how);
    if (!err)
        notify_file(f, event);
    return err;
}

static long with_fd(int fd, long (*change)(struct inode *, const void *), const void *how,
                    uint32_t event)
{
    return with_file(fd, 0, change, how, event);
}

/* An inode to change: by name, or by descriptor where a call has that. */
static long with_path(int dfd, uaddr_t name, uint32_t walk,
                      long (*change)(struct inode *, const void *), const void *how, uint32_t event)
{
    struct user_name n;
    struct path p;
    long err = name_get(&n, name);

    if (err)
        return err;
    if (!n.len && walk & WALK_EMPTY && dfd != AT_FDCWD) /* perhaps a file without a place */
        return with_file(dfd, O_PATH, change, how, event);
    err = path_lookup(dfd, n.text, n.len, walk, &p);
    name_put(&n);
    if (err)
        return err;
    err = change_in(p.mnt, p.dentry->inode, change, how);
    if (!err)
        notify_dentry(p.dentry, event);
    path_put(&p);
    return err;
}

static uint32_t walk_flags(uint32_t at)
{
    return (at & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (at & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* --- mode --- */

static long change_mode(struct inode *in, const void *how)
{
    uint32_t mode = *(const uint32_t *)how & 07777;

    if (S_ISLNK(in->mode))
        return -EOPNOTSUPP;
    if (!inode_owner_or_root(in) || in->mode_kept || in->attributes & INODE_KEPT)
        return -EPERM;
    if (!inode_keeps_setgid(in))
        mode &= ~(uint32_t)S_ISGID;
    if ((in->mode ^ mode) & 0111 && inode_sealed(in, F_SEAL_EXEC))
        return -EPERM;
    in->mode = (in->mode & S_IFMT) | mode;
    inode_changed(in);
    return 0;
}

SYSCALL2(chmod, uaddr_t, name, uint32_t, mode)
{
    return with_path(AT_FDCWD, name, WALK_FOLLOW, change_mode, &mode, IN_ATTRIB);
}

SYSCALL2(fchmod, int, fd, uint32_t, mode) { return with_fd(fd, change_mode, &mode, IN_ATTRIB); }

SYSCALL3(fchmodat, int, dfd, uaddr_t, name, uint32_t, mode)
{
    return with_path(dfd, name, WALK_FOLLOW, change_mode, &mode, IN_ATTRIB);
}

SYSCALL4(fchmodat2, int, dfd, uaddr_t, name, uint32_t, mode, uint32_t, flags)
{
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return with_path(dfd, name, walk_flags(flags), change_mode, &mode, IN_ATTRIB);
}

/* --- owner --- */

#define UNCHANGED UINT32_MAX
struct owner {
    uint32_t uid, gid;
};

static long change_owner(struct inode *in, const void *how)
{
    struct owner to = *(const struct owner *)how;
    uint32_t me = current->cred.fsuid;

    if ((to.uid != UNCHANGED || to.gid != UNCHANGED) && in->attributes & INODE_KEPT)
        return -EPERM;
    bool may = has_cap(CAP_CHOWN);
    if (to.uid != UNCHANGED && !may && (me != in->uid || to.uid != in->uid))
        return -EPERM;
    if (to.gid != UNCHANGED && !may && (me != in->uid || (to.gid != in->gid && !in_group(to.gid))))
        return -EPERM;
    /* set-id bits were meant for the old owner: root's chown takes them, too */
    uint32_t lost = is_dir(in) ? 0 : S_ISUID | (in->mode & S_IXGRP ? S_ISGID : 0);
    if (in->mode & lost && !inode_owner_or_root(in)) /* who changes nothing else, too */
        return -EPERM;
    in->mode &= ~lost;
    if (to.uid != UNCHANGED)
        in->uid = to.uid;
    if (to.gid != UNCHANGED)
        in->gid = to.gid;
    if (in->xattrs)
        xattr_remove(in, XATTR_NAME_CAPS);
    inode_changed(in);
    return 0;
}

SYSCALL3(chown, uaddr_t, name, uint32_t, uid, uint32_t, gid)
{
    return with_path(AT_FDCWD, name, WALK_FOLLOW, change_owner, &(struct owner){ uid, gid },
                     IN_ATTRIB);
}

SYSCALL3(lchown, uaddr_t, name, uint32_t, uid, uint32_t, gid)
{
    return with_path(AT_FDCWD, name, 0, change_owner, &(struct owner){ uid, gid }, IN_ATTRIB);
}

SYSCALL3(fchown, int, fd, uint32_t, uid, uint32_t, gid)
{
    return with_fd(fd, change_owner, &(struct owner){ uid, gid }, IN_ATTRIB);
}

SYSCALL5(fchownat, int, dfd, uaddr_t, name, uint32_t, uid, uint32_t, gid, uint32_t, flags)
{
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return with_path(dfd, name, walk_flags(flags), change_owner, &(struct owner){ uid, gid },
                     IN_ATTRIB);
}

/* --- times --- */

struct times {
    struct __kernel_timespec t[2];
    bool now;
}; /* now: no times were given */

static long change_times(struct inode *in, const void *how)
{
    const struct times *to = how;
    struct __kernel_timespec now = fs_now(), *of[2] = { &in->atime, &in->mtime };
    bool both_now = to->now || (to->t[0].tv_nsec == UTIME_NOW && to->t[1].tv_nsec == UTIME_NOW);

    if (in->attributes & (both_now ? INODE_IMMUTABLE : INODE_KEPT))
        return -EPERM;
    if (!inode_owner_or_root(in)) { /* a writer may say "now", and no more */
        if (!both_now)
            return -EPERM;
        if (inode_permission(in, MAY_WRITE) != 0)
            return -EACCES;
    }
    for (int i = 0; i < 2; i++) {
        if (to->now || to->t[i].tv_nsec == UTIME_NOW)
            *of[i] = now;
        else if (to->t[i].tv_nsec != UTIME_OMIT)
            *of[i] = to->t[i];
    }
    in->ctime = now;
    return 0;
}

static bool nsec_ok(int64_t nsec)
{
    return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < (int64_t)NSEC_PER_SEC);
}

/* As if it had been read or written, if only one of them is set. */
static uint32_t event_of(const struct times *t)
{
    bool a = t->now || t->t[0].tv_nsec != UTIME_OMIT, m = t->now || t->t[1].tv_nsec != UTIME_OMIT;

    return a && m ? IN_ATTRIB : a ? IN_ACCESS : m ? IN_MODIFY : 0;
}

static long set_times(int dfd, uaddr_t name, struct times *t, uint32_t flags)
{
    if (!name && dfd != AT_FDCWD)
        return flags ? -EINVAL : with_fd(dfd, change_times, t, event_of(t));
    return with_path(dfd, name, walk_flags(flags), change_times, t, event_of(t));
}

SYSCALL4(utimensat, int, dfd, uaddr_t, name, uaddr_t, times, uint32_t, flags)
{
    struct times t = { .now = !times };

    if (times && copy_from_user(t.t, times, sizeof(t.t)) != 0)
        return -EFAULT;
    if (times && t.t[0].tv_nsec == UTIME_OMIT && t.t[1].tv_nsec == UTIME_OMIT)
        return 0; /* whatever the name */
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (times && (!nsec_ok(t.t[0].tv_nsec) || !nsec_ok(t.t[1].tv_nsec)))
        return -EINVAL;
    return set_times(dfd, name, &t, flags);
}

static long set_timevals(int dfd, uaddr_t name, uaddr_t times)
{
    struct times t = { .now = !times };
    struct timeval tv[2];

    if (times) {
        if (copy_from_user(tv, times, sizeof(tv)) != 0)
            return -EFAULT;
        for (int i = 0; i < 2; i++) {
            if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
                return -EINVAL;
            t.t[i] = (struct __kernel_timespec){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
        }
    }
    return set_times(dfd, name, &t, 0);
}

SYSCALL2(utimes, uaddr_t, name, uaddr_t, times) { return set_timevals(AT_FDCWD, name, times); }

SYSCALL3(futimesat, int, dfd, uaddr_t, name, uaddr_t, times)
{
    return set_timevals(dfd, name, times);
}

SYSCALL2(utime, uaddr_t, name, uaddr_t, times)
{
    struct times t = { .now = !times };
    struct utimbuf b;

    if (times) {
        if (get_user(b, times) != 0)
            return -EFAULT;
        t.t[0].tv_sec = b.actime;
        t.t[1].tv_sec = b.modtime;
    }
    return set_times(AT_FDCWD, name, &t, 0);
}
