/* mount.c - mount(2) and umount2(2).
 * Kinds of mount(2), told by flags: MS_REMOUNT changes a mount's flags and its
 * file system's options; MS_BIND shows a directory at a second place (MS_REC: with what is mounted below); without
 * either a new file system; MS_MOVE takes one elsewhere; MS_SHARED and its like say whom a mount tells of all that
 * (fs/propagate.c). */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "fs/tmpfs_mount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include <linux/fs.h>

#ifndef MNT_DETACH /* umount2's flags are in no kernel header */
#define MNT_FORCE       1
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8
#endif

/* What a mount becomes that is made with these flags: times of access are kept as by MS_RELATIME
 * unless it is said otherwise. */
static uint32_t own_flags(uint32_t flags)
{
    uint32_t atime = flags & MS_STRICTATIME ? MS_STRICTATIME
                     : flags & MS_NOATIME   ? MS_NOATIME
                                            : MS_RELATIME;
    return (flags & MOUNT_OWN & ~(uint32_t)MOUNT_ATIME) | atime;
}

static uint32_t fs_flags(uint32_t flags)
{
    return (flags & MS_RDONLY ? MOUNT_FS_RDONLY : 0) | (flags & MS_SYNCHRONOUS);
}

struct request { /* the texts of a mount(2) */
    struct user_name type, source;
    char *data; /* NULL: none */
    bool no_type;
};

static long new_mount(const struct path *on, struct request *rq, uint32_t flags)
{
    struct superblock *sb;
    long err = rq->no_type ? -EINVAL : fs_type_get(rq->type.text, rq->data, &sb);

    if (err)
        return err;
    /* Linux's proc would be another instance, where ours has only this one, and it leaves mounting
     * /sys to init's scripts. */
    if (sb == on->mnt->sb && on->dentry == on->mnt->root && !sb->no_storage)
        return -EBUSY;
    return mount_add(sb, sb->root, on, own_flags(flags) | fs_flags(flags),
                     rq->source.len ? rq->source.text : "none");
}

static long bind(const struct path *on, const struct path *from, bool all)
{
    struct mount *copy;
    long err = mount_copy(from, all, &copy);

    if (err)
        return err;
    err = mount_attach(copy, on);
    mount_undo(copy);
    return err;
}

static long bind_mount(const struct path *on, const struct path *from)
{
    return bind(on, from, false);
}

static long bind_all(const struct path *on, const struct path *from)
{
    return bind(on, from, true);
}

static long move_mount(const struct path *on, const struct path *from)
{
    return from->mnt && from->mnt->ns == mount_ns_here() && from->dentry == from->mnt->root
               ? mount_move(from->mnt, on)
               : -EINVAL;
}

/* To do with the place that the source names. */
static long with_source(const struct path *on, struct request *rq,
                        long (*what)(const struct path *on, const struct path *from))
{
    struct walker w;
    bool missing;
    long err;

    if (!rq->source.len)
        return -EINVAL;
    err = walk_start(&w, AT_FDCWD, rq->source.text, rq->source.len, 0);
    if (err)
        return err;
    err = walk_last(&w, WALK_FOLLOW, &missing);
    if (!err)
        err = what(on, &w.at);
    walk_end(&w);
    return err;
}

static void change_fs(const struct superblock *sb, uint32_t flags)
{
    struct mount *m;

    list_for_each(m, &mounts, link)
        if (m->sb == sb)
            m->flags = (m->flags & ~MOUNT_OF_FS) | fs_flags(flags);
}

/* Of this mount alone (MS_BIND), or of its file system, too. */
static long remount(const struct path *on, struct request *rq, uint32_t flags)
{
    const uint32_t times = MOUNT_ATIME | MS_NODIRATIME;
    struct mount *m = on->mnt;
    uint32_t own = own_flags(flags);

    if (on->dentry != on->mnt->root)
        return -EINVAL;
    if (flags & MS_RDONLY && !mount_readonly(m) && (!(flags & MS_BIND) || mount_alone(m)) &&
        mount_has_writers(m))
        return -EBUSY;
    if (!(flags & MS_BIND) && is_tmpfs(on->mnt->sb)) {
        long err = tmpfs_remount(on->mnt->sb, rq->data);

        if (err)
            return err;
    }
    if (!(flags & times))
        own = (own & ~times) | (m->flags & times);
    m->flags = own | (m->flags & MOUNT_OF_FS);
    if (!(flags & MS_BIND))
        change_fs(m->sb, flags);
    return 0;
}

static long set_propagation(const struct path *on, uint32_t flags)
{
    uint32_t type = flags & ~(uint32_t)(MS_REC | MS_SILENT);
    struct mount *m;

    if (type & ~(uint32_t)PROPAGATION || type & (type - 1) || on->dentry != on->mnt->root)
        return -EINVAL;
    list_for_each(m, &mounts, link)
        if (m == on->mnt || (flags & MS_REC && mount_is_below(m, on->mnt)))
            propagation_set(m, type);
    return 0;
}

/* fs_tree held */
static long mount_at(struct path *on, struct request *rq, uint32_t flags)
{
    if (flags & MS_REMOUNT)
        return remount(on, rq, flags);
    if (flags & PROPAGATION && !(flags & MS_BIND))
        return set_propagation(on, flags);
    mount_top(on);
    if (flags & (MS_MOVE | MS_BIND))
        return with_source(on, rq,
                           !(flags & MS_BIND) ? move_mount
                           : flags & MS_REC   ? bind_all
                                              : bind_mount);
    if (!is_dir(on->dentry->inode))
        return -ENOTDIR;
    return new_mount(on, rq, flags);
}

/* A text argument; NULL is "". */
static long text_get(struct user_name *n, uaddr_t from)
{
    long err = from ? name_get(n, from) : 0;

    return err == -ENAMETOOLONG ? -EINVAL : err;
}

/* The options: a page at most, which may end where memory that can be read ends. */
static long data_get(char **data, uaddr_t from)
{
    size_t n = MIN(PAGE_SIZE - 1, PAGE_SIZE - from % PAGE_SIZE);

    if (!from)
        return 0;
    *data = kzalloc(PAGE_SIZE);
    if (!*data)
        return -ENOMEM;
    if (copy_from_user(*data, from, n) != 0)
        return -EFAULT;
    if (copy_from_user(*data + n, from + n, PAGE_SIZE - 1 - n) != 0)
        memset(*data + n, 0, PAGE_SIZE - n);
    return 0;
}

static void request_put(struct request *rq)
{
    name_put(&rq->type);
    name_put(&rq->source);
    kfree(rq->data);
    kfree(rq);
}

/* NULL and *err, or what request_put() takes. */
static struct request *request_get(uaddr_t source, uaddr_t type, uaddr_t data, long *err)
{
    struct request *rq = kmalloc(sizeof(*rq));

    *err = -ENOMEM;
    if (!rq)
        return NULL;
    name_empty(&rq->type);
    name_empty(&rq->source);
    rq->data = NULL;
    rq->no_type = !type;
    *err = text_get(&rq->type, type);
    if (!*err)
        *err = text_get(&rq->source, source);
    if (!*err)
        *err = data_get(&rq->data, data);
    if (!*err)
        return rq;
    request_put(rq);
    return NULL;
}

SYSCALL5(mount, uaddr_t, source, uaddr_t, target, uaddr_t, type, uint64_t, flags, uaddr_t, data)
{
    struct path on;
    long err;
    struct request *rq = request_get(source, type, data, &err);

    if (!rq)
        return err;
    if ((flags & 0xffff0000) == MS_MGC_VAL)
        flags &= 0xffff;
    err = path_lookup_user(AT_FDCWD, target, WALK_FOLLOW, &on);
    if (!err) {
        mutex_lock(&fs_tree);
        err = !capable()             ? -EPERM
              : mount_can_cover(&on) ? mount_at(&on, rq, (uint32_t)flags)
                                     : -EINVAL;
        mutex_unlock(&fs_tree);
        path_put(&on);
    }
    request_put(rq);
    return err;
}

SYSCALL2(umount2, uaddr_t, name, uint32_t, flags)
{
    struct path p;
    long err;

    if (flags & ~(uint32_t)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    if (!capable())
        return -EPERM;
    err = path_lookup_user(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &p);
    if (err)
        return err;
    mutex_lock(&fs_tree);
    if (!p.mnt || p.dentry != p.mnt->root || p.mnt->ns != mount_ns_here() ||
        (flags & MNT_EXPIRE && (!p.mnt->parent || flags & (MNT_FORCE | MNT_DETACH))))
        err = -EINVAL;
    else if (flags & MNT_EXPIRE && ref_read(&p.mnt->refs) <= 2 && !mount_expired(p.mnt))
        err = -EAGAIN;
    else
        err = mount_remove(p.mnt, flags & MNT_DETACH);
    mutex_unlock(&fs_tree);
    path_put(&p);
    return err;
}
