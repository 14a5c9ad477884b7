/* mount.c - mount(2) and umount2(2).
 * Kinds of mount(2), told by flags: MS_REMOUNT changes a mount's flags and its
 * file system's options; MS_BIND shows a directory at a second place; without
 * either a new file system.  MS_MOVE and shared subtrees are left out: -EINVAL. */
#include "fs/internal.h"
#include "arch/uaccess.h"
#include "mm/heap.h"
#include "lib/string.h"
#include "proc/task.h"
#include "sys/syscall.h"
#include <linux/fs.h>

#define PER_MOUNT \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#ifndef MNT_DETACH /* umount2's flags are in no kernel header */
#define MNT_FORCE       1
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8
#endif

struct request { /* the texts of a mount(2), in one page */
    char *type, *data;
    struct user_name source;
    char page[];
};
#define TYPE_ROOM 64
#define DATA_ROOM 1024

static long new_mount(const struct path *on, struct request *rq, uint32_t flags)
{
    struct superblock *sb;
    long err = fs_type_create(rq->type, rq->data, &sb);

    if (err)
        return err;
    /* Linux's proc would be another instance; ours has only this one. */
    if (sb == on->mnt->sb && on->dentry == on->mnt->root && strcmp(rq->type, "proc") != 0)
        return -EBUSY;
    err = mount_add(sb, sb->root, on, flags & PER_MOUNT, rq->source.len ? rq->source.text : "none");
    if (err && !sb->permanent) {
        dentry_free_tree(sb->root);
        kfree(sb);
    }
    return err;
}

static long bind_mount(const struct path *on, struct request *rq)
{
    struct walker w;
    bool missing;
    long err = walk_start(&w, AT_FDCWD, rq->source.text, rq->source.len, 0);

    if (err)
        return err;
    err = walk_last(&w, WALK_FOLLOW, &missing);
    if (!err && is_dir(w.at.dentry->inode) != is_dir(on->dentry->inode))
        err = -ENOTDIR;
    if (!err)
        err = mount_add(w.at.mnt->sb, w.at.dentry, on, w.at.mnt->flags, w.at.mnt->source);
    walk_end(&w);
    return err;
}

static long remount(const struct path *on, struct request *rq, uint32_t flags)
{
    if (on->dentry != on->mnt->root)
        return -EINVAL;
    if (!(flags & MS_BIND) && on_tmpfs(on->mnt->sb->root->inode)) {
        long err = tmpfs_options(on->mnt->sb, rq->data);

        if (err)
            return err;
    }
    on->mnt->flags = flags & PER_MOUNT;
    return 0;
}

/* fs_tree held */
static long mount_at(const struct path *on, struct request *rq, uint32_t flags)
{
    if (flags & MS_REMOUNT)
        return remount(on, rq, flags);
    if (flags & PROPAGATION)
        return flags & MS_PRIVATE ? 0 : -EINVAL; /* private is what all mounts are */
    if (flags & MS_MOVE)
        return -EINVAL;
    if (flags & MS_BIND)
        return bind_mount(on, rq);
    if (!is_dir(on->dentry->inode))
        return -ENOTDIR;
    return new_mount(on, rq, flags);
}

/* A text argument that may be NULL: then it is "". */
static long text_get(char *to, uaddr_t from, size_t room)
{
    long n;

    *to = 0;
    if (!from)
        return 0;
    n = strncpy_from_user(to, from, room);
    return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? n : 0;
}

static long request_get(struct request *rq, uaddr_t source, uaddr_t type, uaddr_t data)
{
    long err;

    rq->type = rq->page;
    rq->data = rq->page + TYPE_ROOM;
    rq->source.text = rq->source.own;
    rq->source.len = 0;
    err = text_get(rq->type, type, TYPE_ROOM);
    if (!err)
        err = text_get(rq->data, data, DATA_ROOM);
    if (!err && source)
        err = name_get(&rq->source, source);
    return err;
}

/* A dentry of procfs hangs nowhere, so nothing mounted on it would be found. */
static bool can_be_covered(const struct path *p)
{
    return p->dentry == p->mnt->root || !list_empty(&p->dentry->sibling);
}

SYSCALL5(mount, uaddr_t, source, uaddr_t, target, uaddr_t, type, uint64_t, flags, uaddr_t, data)
{
    struct request *rq;
    struct path on;
    long err;

    if (!capable())
        return -EPERM;
    if ((flags & 0xffff0000) == MS_MGC_VAL)
        flags &= 0xffff;
    rq = kmalloc(sizeof(*rq) + TYPE_ROOM + DATA_ROOM);
    if (!rq)
        return -ENOMEM;
    err = request_get(rq, source, type, data);
    if (!err)
        err = path_lookup_user(AT_FDCWD, target, WALK_FOLLOW, &on);
    if (!err) {
        mutex_lock(&fs_tree);
        err = can_be_covered(&on) ? mount_at(&on, rq, (uint32_t)flags) : -EINVAL;
        mutex_unlock(&fs_tree);
        path_put(&on);
    }
    if (rq->source.len)
        name_put(&rq->source);
    kfree(rq);
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
    if (p.dentry != p.mnt->root || flags & MNT_EXPIRE)
        err = -EINVAL;
    else
        err = mount_remove(p.mnt, flags & MNT_DETACH);
    mutex_unlock(&fs_tree);
    path_put(&p);
    return err;
}
