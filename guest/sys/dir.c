/* dir.c - calls on names: mkdir, link, unlink, rename and so on.
 * Each copies its names from user space, then holds fs_tree from the walk to the
 * change, so that what it found is still so when it acts. */
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/path.h"
#include "fs/protect.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include "arch/syscall.h"
#include <linux/fs.h>

/* A name whose last component is to be made or removed: walked to its directory,
 * with fs_tree held. */
struct place {
    struct user_name name;
    struct walker w;
};

static int place_name(struct place *p, uaddr_t name) { return name_get(&p->name, name); }

/* fs_tree held.  After 0: place_end(). */
static int place_walk(struct place *p, int dfd)
{
    int err = walk_start(&p->w, dfd, p->name.text, p->name.len, 0);

    if (err)
        return err;
    err = walk_parent(&p->w);
    if (err)
        walk_end(&p->w);
    return err;
}

static int place_begin(struct place *p, int dfd, uaddr_t name)
{
    int err = place_name(p, name);

    if (err)
        return err;
    mutex_lock(&fs_tree);
    err = place_walk(p, dfd);
    if (err) {
        mutex_unlock(&fs_tree);
        name_put(&p->name);
    }
    return err;
}

static void place_end(struct place *p)
{
    mutex_unlock(&fs_tree);
    walk_end(&p->w);
    name_put(&p->name);
}

/* --- making names --- */

/* Nothing has the name yet, and one may be made. */
static int name_is_free(struct walker *w, bool dir)
{
    struct dentry *d;
    int err;

    if (w->kind != LAST_NAME)
        return -EEXIST;
    if (w->last_len > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    err = dentry_find(w->at.dentry, w->last, w->last_len, &d);
    if (err == 0) {
        dentry_put(d);
        return -EEXIST;
    }
    if (err != -ENOENT || !(on_tmpfs(w->at.dentry->inode) || w->at.dentry->inode->sb->names_closed))
        return err;
    if (w->slash && !dir)
        return -ENOENT;
    return mount_readonly(w->at.mnt) ? -EROFS : 0;
}

static long make_node(int dfd, uaddr_t name, struct new_node *n)
{
    struct place p;
    long err = place_begin(&p, dfd, name);

    if (err)
        return err;
    err = name_is_free(&p.w, S_ISDIR(n->mode));
    if (!err)
        err = tmpfs_create(&p.w.at, p.w.last, p.w.last_len, n, NULL);
    place_end(&p);
    return err;
}

static uint32_t masked(uint32_t mode) { return mode & ~current->fs->umask; }

static long mkdir_at(int dfd, uaddr_t name, uint32_t mode)
{
    struct new_node n = { .mode = S_IFDIR | masked(mode & 01777) };

    return make_node(dfd, name, &n);
}

SYSCALL2(mkdir, uaddr_t, name, uint32_t, mode) { return mkdir_at(AT_FDCWD, name, mode); }

SYSCALL3(mkdirat, int, dfd, uaddr_t, name, uint32_t, mode) { return mkdir_at(dfd, name, mode); }

static long mknod_at(int dfd, uaddr_t name, uint32_t mode, uint32_t dev)
{
    struct new_node n = { .mode = (mode & S_IFMT) | masked(mode & 07777) };

    switch (mode & S_IFMT) {
    case 0: n.mode |= S_IFREG; break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK: break;
    case S_IFCHR:
    case S_IFBLK: n.rdev = dev; break;
    case S_IFDIR: return -EPERM;
    default: return -EINVAL;
    }
    return make_node(dfd, name, &n);
}

SYSCALL3(mknod, uaddr_t, name, uint32_t, mode, uint32_t, dev)
{
    return mknod_at(AT_FDCWD, name, mode, dev);
}

SYSCALL4(mknodat, int, dfd, uaddr_t, name, uint32_t, mode, uint32_t, dev)
{
    return mknod_at(dfd, name, mode, dev);
}

static long symlink_at(uaddr_t target, int dfd, uaddr_t name)
{
    struct new_node n = { .mode = S_IFLNK | 0777 };
    struct user_name text;
    long err = name_get(&text, target);

    if (err)
        return err;
    n.target = text.text;
    n.target_len = text.len;
    err = text.len ? make_node(dfd, name, &n) : -ENOENT;
    name_put(&text);
    return err;
}

SYSCALL2(symlink, uaddr_t, target, uaddr_t, name) { return symlink_at(target, AT_FDCWD, name); }

SYSCALL3(symlinkat, uaddr_t, target, int, dfd, uaddr_t, name)
{
    return symlink_at(target, dfd, name);
}

static int link_checked(struct path *old, struct walker *w)
{
    struct inode *in = old->dentry->inode;
    int err = name_is_free(w, false);

    if (err)
        return err;
    if (old->mnt != w->at.mnt)
        return -EXDEV;
    err = protect_link(in);
    if (err)
        return err;
    if (in->nlink == 0 && !in->linkable) /* removed */
        return -ENOENT;
    err = tmpfs_link(&w->at, w->last, w->last_len, in);
    if (err == 0)
        in->linkable = false;
    return err;
}

static long link_at(int old_dfd, uaddr_t old_name, int dfd, uaddr_t name, uint32_t flags)
{
    struct path old;
    struct place p;
    long err;

    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = path_lookup_user(old_dfd, old_name,
                           (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                               (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                           &old);
    if (err)
        return err;
    err = place_begin(&p, dfd, name);
    if (!err) {
        err = link_checked(&old, &p.w);
        place_end(&p);
    }
    path_put(&old);
    return err;
}

SYSCALL2(link, uaddr_t, old, uaddr_t, name) { return link_at(AT_FDCWD, old, AT_FDCWD, name, 0); }

SYSCALL5(linkat, int, old_dfd, uaddr_t, old, int, dfd, uaddr_t, name, uint32_t, flags)
{
    return link_at(old_dfd, old, dfd, name, flags);
}

/* --- removing them --- */

/* flags: AT_REMOVEDIR or 0. */
static long remove_at(int dfd, uaddr_t name, uint32_t flags)
{
    bool rmdir = flags & AT_REMOVEDIR;
    struct place p;
    struct dentry *d = NULL;
    long err = place_begin(&p, dfd, name);

    if (err)
        return err;
    switch (p.w.kind) {
    case LAST_NAME: break;
    case LAST_DOT: err = rmdir ? -EINVAL : -EISDIR; break;
    case LAST_DOTDOT: err = rmdir ? -ENOTEMPTY : -EISDIR; break;
    case LAST_ROOT: err = rmdir ? -EBUSY : -EISDIR; break;
    }
    if (!err && mount_readonly(p.w.at.mnt))
        err = -EROFS; /* whether the name is there or not */
    if (!err && p.w.last_len > NAME_MAX_BYTES)
        err = -ENAMETOOLONG;
    if (!err)
        err = dentry_find(p.w.at.dentry, p.w.last, p.w.last_len, &d);
    if (!err && p.w.slash && !rmdir)
        err = is_dir(d->inode) ? -EISDIR : -ENOTDIR;
    if (!err)
        err = tmpfs_unlink(&p.w.at, d, rmdir);
    mutex_unlock(&fs_tree);
    if (d)
        dentry_put(d); /* perhaps a large file: without the lock */
    walk_end(&p.w);
    name_put(&p.name);
    return err;
}

SYSCALL1(unlink, uaddr_t, name) { return remove_at(AT_FDCWD, name, 0); }

SYSCALL3(unlinkat, int, dfd, uaddr_t, name, uint32_t, flags)
{
    return flags & ~(uint32_t)AT_REMOVEDIR ? -EINVAL : remove_at(dfd, name, flags);
}

SYSCALL1(rmdir, uaddr_t, name) { return remove_at(AT_FDCWD, name, AT_REMOVEDIR); }

/* --- rename --- */

/* Both directories are known; d is the old name's dentry, victim the new name's
 * or NULL. */
static int rename_checked(struct walker *from, struct dentry *d, struct walker *to,
                          struct dentry *victim, uint32_t flags)
{
    bool exchange = flags & RENAME_EXCHANGE;

    if (victim && flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (!victim && exchange)
        return -ENOENT;
    if (!is_dir(d->inode)) {
        if (from->slash || (!exchange && to->slash))
            return -ENOTDIR;
    }
    if (exchange && to->slash && !is_dir(victim->inode))
        return -ENOTDIR;
    if (dentry_is_below(to->at.dentry, d)) /* into itself */
        return -EINVAL;
    if (victim && dentry_is_below(from->at.dentry, victim))
        return exchange ? -EINVAL : -ENOTEMPTY;
    if (victim && victim->inode == d->inode)
        return 0; /* two names of one file: nothing happens */
    return tmpfs_rename(&from->at, d, &to->at, to->last, to->last_len, victim, flags);
}

/* fs_tree held */
static int rename_walked(struct walker *from, struct walker *to, uint32_t flags,
                         struct dentry **victim)
{
    struct dentry *d;
    int err;

    if (from->at.mnt != to->at.mnt)
        return -EXDEV;
    if (from->kind != LAST_NAME || to->kind != LAST_NAME)
        return flags & RENAME_NOREPLACE && to->kind != LAST_NAME ? -EEXIST : -EBUSY;
    if (mount_readonly(to->at.mnt))
        return -EROFS;
    if (from->last_len > NAME_MAX_BYTES || to->last_len > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    err = dentry_find(from->at.dentry, from->last, from->last_len, &d);
    if (err)
        return err;
    err = dentry_find(to->at.dentry, to->last, to->last_len, victim);
    if (err == -ENOENT) {
        *victim = NULL;
        err = 0;
    }
    if (!err)
        err = rename_checked(from, d, to, *victim, flags);
    dentry_put(d);
    return err;
}

static long rename_at(int old_dfd, uaddr_t old, int dfd, uaddr_t name, uint32_t flags)
{
    struct place *from, *to; /* two of them are much for a stack */
    struct dentry *victim = NULL;
    long err;

    if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) ||
        (flags & RENAME_EXCHANGE && flags != RENAME_EXCHANGE))
        return -EINVAL;
    from = kmalloc(2 * sizeof(*from));
    if (!from)
        return -ENOMEM;
    to = from + 1;
    err = place_name(from, old);
    if (err)
        goto free;
    err = place_begin(to, dfd, name);
    if (err)
        goto put_from;
    err = place_walk(from, old_dfd);
    if (!err) {
        err = rename_walked(&from->w, &to->w, flags, &victim);
        walk_end(&from->w);
    }
    place_end(to);
    if (victim)
        dentry_put(victim);
put_from:
    name_put(&from->name);
free:
    kfree(from);
    return err;
}

SYSCALL2(rename, uaddr_t, old, uaddr_t, name)
{
    return rename_at(AT_FDCWD, old, AT_FDCWD, name, 0);
}

SYSCALL4(renameat, int, old_dfd, uaddr_t, old, int, dfd, uaddr_t, name)
{
    return rename_at(old_dfd, old, dfd, name, 0);
}

SYSCALL5(renameat2, int, old_dfd, uaddr_t, old, int, dfd, uaddr_t, name, uint32_t, flags)
{
    return rename_at(old_dfd, old, dfd, name, flags);
}

/* --- reading --- */

static long get_entries(int fd, uaddr_t to, uint32_t room, bool old)
{
    WITH_FILE(f, fd);

    if (!f)
        return -EBADF;
    long n = dir_read(f, to, room, old);
    if (n >= 0)
        notify_file(f, IN_ACCESS);
    return n;
}

SYSCALL3(getdents64, int, fd, uaddr_t, to, uint32_t, room)
{
    return get_entries(fd, to, room, false);
}

SYSCALL3(getdents, int, fd, uaddr_t, to, uint32_t, room) { return get_entries(fd, to, room, true); }
