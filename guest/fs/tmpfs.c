/* tmpfs.c - directories' contents: make, link, remove.  The tree of dentries is
 * the directory, so there is nothing else to keep in step.
 * fs_tree is held throughout; a directory's nlink is 2 and one for each
 * subdirectory, its size 20 bytes a name, "." and ".." included, as in Linux's tmpfs. */
#include "fs/tmpfs.h"
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/mount.h"
#include "fs/pages_io.h"
#include "fs/pipe.h"
#include "fs/stored.h"
#include "fs/xattr.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include <linux/fs.h>
#include <linux/magic.h>

#define DIRENT_BYTES 20

static void node_evict(struct inode *in)
{
    if (S_ISFIFO(in->mode))
        fifo_evict(in);
    else if (S_ISREG(in->mode))
        inode_drop_pages(in);
    else if (S_ISLNK(in->mode) && !in->borrowed)
        kfree(in->private);
    xattr_drop_all(in);
}

const struct inode_ops tmpfs_dir_ops = { .evict = xattr_drop_all };
const struct inode_ops tmpfs_link_ops = { .evict = node_evict };
const struct inode_ops tmpfs_node_ops = { .evict = node_evict };
const struct file_ops tmpfs_file_ops = {
    .read = file_regular_read,
    .write = file_regular_write,
    .seek = file_regular_seek,
};

void tmpfs_set_ops(struct inode *in)
{
    in->ops = &tmpfs_node_ops;
    switch (in->mode & S_IFMT) {
    case S_IFREG: in->fops = &tmpfs_file_ops; break;
    case S_IFIFO: in->fops = &fifo_fops; break;
    case S_IFLNK: in->ops = &tmpfs_link_ops; break;
    case S_IFDIR:
        in->ops = &tmpfs_dir_ops;
        in->fops = &dir_file_ops;
        in->nlink = 2;
        in->size = 2 * DIRENT_BYTES;
        break;
    }
}

/* The new inode for a name in dir; NULL dir: a root. */
struct inode *tmpfs_inode(struct superblock *sb, const struct new_node *n, struct inode *dir)
{
    struct inode *in = inode_alloc(sb, n->mode);

    if (!in)
        return NULL;
    in->rdev = n->rdev;
    tmpfs_set_ops(in);
    if (dir &&
        dir->mode & S_ISGID) { /* the group comes from the directory, and so does that rule */
        in->gid = dir->gid;
        if (is_dir(in))
            in->mode |= S_ISGID;
        else if ((in->mode & S_IXGRP) && !inode_keeps_setgid(in))
            in->mode &= ~(uint32_t)S_ISGID; /* nobody hands out a group that is not theirs */
    }
    if (S_ISLNK(n->mode)) {
        char *text = kmalloc(n->target_len + 1);

        if (!text) {
            inode_put(in);
            return NULL;
        }
        memcpy(text, n->target, n->target_len);
        text[n->target_len] = 0;
        in->private = text;
        in->size = n->target_len;
    }
    return in;
}

bool is_tmpfs(const struct superblock *sb) { return sb->root != NULL && on_tmpfs(sb->root->inode); }

int tmpfs_new(const char *type, uint32_t mode, struct superblock **out)
{
    struct superblock *sb = sb_create(type, TMPFS_MAGIC);
    struct new_node root = { .mode = S_IFDIR | mode };
    struct inode *in;

    if (!sb)
        return -ENOMEM;
    in = tmpfs_inode(sb, &root, NULL);
    if (!in || dentry_new(NULL, "", 0, in, &sb->root) != 0) {
        kfree(sb);
        return -ENOMEM;
    }
    in->born_ns = (uint64_t)in->mtime.tv_sec * NSEC_PER_SEC + (uint64_t)in->mtime.tv_nsec;
    *out = sb;
    return 0;
}

/* In a file system of another kind nobody may, whose rights have been asked first. */
static SLOW_PATH int refuse_names(struct path *dir)
{
    int err = inode_permission(dir->dentry->inode, MAY_WRITE | MAY_EXEC);

    return mount_readonly(dir->mnt) ? -EROFS : err ? err : -EPERM;
}

/* May names be added to or taken out of dir? */
static int dir_writable(struct path *dir)
{
    if (!on_tmpfs(dir->dentry->inode))
        return refuse_names(dir);
    if (mount_readonly(dir->mnt))
        return -EROFS;
    if (dir->dentry->unlinked)
        return -ENOENT;
    return inode_may_write(dir->dentry->inode, MAY_WRITE | MAY_EXEC);
}

static void dir_grew(struct inode *dir, bool subdir)
{
    dir->size += DIRENT_BYTES;
    dir->nlink += subdir;
    inode_modified(dir);
}

static void dir_shrank(struct inode *dir, bool subdir)
{
    dir->size -= DIRENT_BYTES;
    dir->nlink -= subdir;
    inode_modified(dir);
}

/* Names are made and removed with the tree held, so only O_TMPFILE can be one too many. */
static bool has_room(const struct superblock *sb)
{
    return likely(!sb->max_inodes) || sb->inodes < sb->max_inodes;
}

/* A file has a name more, or less, besides its first one. */
static void count_name(struct inode *in, int64_t by)
{
    __atomic_add_fetch(&in->sb->inodes, (uint64_t)by, __ATOMIC_RELAXED);
}

int tmpfs_create(struct path *dir, const char *name, size_t len, const struct new_node *n,
                 struct dentry **out)
{
    struct inode *parent = dir->dentry->inode, *in;
    struct dentry *d;
    int err = dir_writable(dir);

    if (!err && (S_ISCHR(n->mode) || S_ISBLK(n->mode)) && !has_cap(CAP_MKNOD) &&
        !(S_ISCHR(n->mode) && n->rdev == 0)) /* a whiteout stands for no device */
        err = -EPERM;
    if (unlikely(parent->sb->max_inodes) && !err && !has_room(parent->sb))
        err = -ENOSPC;
    if (err)
        return err;
    in = tmpfs_inode(parent->sb, n, parent);
    if (!in)
        return -ENOMEM;
    in->born_ns = (uint64_t)in->mtime.tv_sec * NSEC_PER_SEC + (uint64_t)in->mtime.tv_nsec;
    err = dentry_new(dir->dentry, name, len, in, &d);
    if (err)
        return err;
    dentry_hang(d);
    dir_grew(parent, is_dir(in));
    notify_entry(parent, name, len, in, IN_CREATE, 0);
    if (out)
        *out = d;
    else
        dentry_put(d);
    return 0;
}

int tmpfs_unnamed(struct superblock *sb, uint32_t mode, struct dentry *dir, const char *name,
                  struct dentry **out)
{
    struct new_node n = { .mode = S_IFREG | mode };
    struct inode *in;
    char number[24];
    int err;

    if (!has_room(sb))
        return -ENOSPC;
    in = tmpfs_inode(sb, &n, dir ? dir->inode : NULL);
    if (!in)
        return -ENOMEM;
    in->born_ns = (uint64_t)in->mtime.tv_sec * NSEC_PER_SEC + (uint64_t)in->mtime.tv_nsec;
    in->nlink = 0;
    if (dir) {
        ksnprintf(number, sizeof number, "#%llu", (unsigned long long)in->ino);
        name = number;
    }
    err = dentry_new(dir, name, strlen(name), in, out);
    if (err == 0)
        (*out)->unlinked = true;
    return err;
}

int tmpfs_link(struct path *dir, const char *name, size_t len, struct inode *in)
{
    struct dentry *d;
    int err = dir_writable(dir);

    if (err)
        return err;
    if (is_dir(in) || in->attributes & INODE_KEPT)
        return -EPERM;
    if (in->nlink && !has_room(in->sb))
        return -ENOSPC;
    inode_get(in);
    err = dentry_new(dir->dentry, name, len, in, &d);
    if (err)
        return err;
    dentry_hang(d);
    dentry_put(d);
    if (in->nlink++)
        count_name(in, 1);
    inode_changed(in);
    dir_grew(dir->dentry->inode, false);
    notify_inode(in, IN_ATTRIB);
    notify_entry(dir->dentry->inode, name, len, in, IN_CREATE, 0);
    return 0;
}

/* In a sticky directory only the owner of the file or of the directory may. */
static int may_delete(struct path *dir, struct dentry *d)
{
    struct inode *in = dir->dentry->inode;
    int err = dir_writable(dir);

    if (err)
        return err;
    if (in->attributes & INODE_APPEND || d->inode->attributes & INODE_KEPT)
        return -EPERM;
    if (in->mode & S_ISVTX && !inode_owner_or_root(d->inode) && !inode_owner_or_root(in))
        return -EPERM;
    return 0;
}

/* The checks of unlink(2) and rmdir(2), also for what a rename replaces. */
static int removable(struct path *dir, struct dentry *d, bool rmdir)
{
    int err = may_delete(dir, d);

    if (err)
        return err;
    if (rmdir && !is_dir(d->inode))
        return -ENOTDIR;
    if (!rmdir && is_dir(d->inode))
        return -EISDIR;
    if (mounted_here(d))
        return -EBUSY;
    if (rmdir && d->stored && d->stored->ops->take_all(d) != 0)
        return -ENOMEM;
    return rmdir && d->children.node ? -ENOTEMPTY : 0;
}

/* d leaves its directory for good. */
static void remove(struct inode *dir, struct dentry *d)
{
    bool subdir = is_dir(d->inode);

    d->inode->nlink -= subdir ? 2 : 1;
    if (!subdir && d->inode->nlink)
        count_name(d->inode, -1);
    inode_changed(d->inode);
    dentry_drop(d);
    if (d->mounted)
        mounts_off(d);
    dir_shrank(dir, subdir);
    if (!subdir)
        notify_inode(d->inode, IN_ATTRIB);
    if (d->inode->nlink == 0 && ref_read(&d->refs) == 1) /* nobody has it open */
        notify_gone(d->inode);
    notify_entry(dir, d->name, d->name_len, d->inode, IN_DELETE, 0);
}

int tmpfs_unlink(struct path *dir, struct dentry *d, bool rmdir)
{
    int err = removable(dir, d, rmdir);

    if (err == 0)
        remove(dir->dentry->inode, d);
    return err;
}

/* d was `old` in a, and has its name in b now. */
static void told_moved(struct inode *a, struct inode *b, const char *old, size_t old_len,
                       struct dentry *d, struct inode *victim)
{
    static uint32_t last_cookie; /* [fs_tree] */

    if (!notify_wanted())
        return;
    last_cookie++;
    notify_entry(a, old, old_len, d->inode, IN_MOVED_FROM | (a == b ? NOTIFY_RENAMED : 0),
                 last_cookie);
    notify_entry(b, d->name, d->name_len, d->inode, IN_MOVED_TO, last_cookie);
    if (victim)
        notify_inode(victim, IN_ATTRIB);
    notify_inode(d->inode, IN_MOVE_SELF);
}

/* RENAME_EXCHANGE: both stand; nothing is removed. */
static int exchange(struct path *from, struct dentry *d, struct path *to, struct dentry *other)
{
    struct inode *a = from->dentry->inode, *b = to->dentry->inode;
    int err = may_delete(to, other);

    if (err)
        return err;
    if (mounted_here(d) || mounted_here(other))
        return -EBUSY;
    err = dentry_exchange(d, other);
    if (err)
        return err;
    if (is_dir(d->inode) != is_dir(other->inode)) {
        a->nlink += (uint32_t)is_dir(other->inode) - (uint32_t)is_dir(d->inode);
        b->nlink += (uint32_t)is_dir(d->inode) - (uint32_t)is_dir(other->inode);
    }
    inode_modified(a);
    inode_modified(b);
    inode_changed(d->inode);
    inode_changed(other->inode);
    told_moved(b, a, other->name, other->name_len, d, NULL);
    told_moved(a, b, d->name, d->name_len, other, NULL);
    return 0;
}

/* What is left under d's name when it has been renamed with RENAME_WHITEOUT: a device 0, 0. */
static int whiteout_new(struct path *dir, struct dentry *d, struct dentry **out)
{
    struct inode *in = tmpfs_inode(dir->dentry->inode->sb, &(struct new_node){ .mode = S_IFCHR },
                                   dir->dentry->inode);

    return in ? dentry_new(dir->dentry, d->name, d->name_len, in, out) : -ENOMEM;
}

static int rename_onto(struct path *from, struct dentry *d, struct path *to, const char *name,
                       size_t len, struct dentry *victim);

static int rename_whiteout(struct path *from, struct dentry *d, struct path *to, const char *name,
                           size_t len, struct dentry *victim)
{
    struct dentry *left;
    int err = whiteout_new(from, d, &left);

    if (err)
        return err;
    err = rename_onto(from, d, to, name, len, victim);
    if (!err) {
        dentry_hang(left);
        dir_grew(from->dentry->inode, false);
    }
    dentry_put(left);
    return err;
}

/* d in from becomes name in to, where victim (NULL: nothing) has that name.
 * The caller has ruled out that one is above the other, and that they are the
 * same inode. */
int tmpfs_rename(struct path *from, struct dentry *d, struct path *to, const char *name, size_t len,
                 struct dentry *victim, uint32_t flags)
{
    int err = may_delete(from, d);

    if (err)
        return err;
    if (flags & RENAME_EXCHANGE)
        return exchange(from, d, to, victim);
    return flags & RENAME_WHITEOUT ? rename_whiteout(from, d, to, name, len, victim)
                                   : rename_onto(from, d, to, name, len, victim);
}

static int rename_onto(struct path *from, struct dentry *d, struct path *to, const char *name,
                       size_t len, struct dentry *victim)
{
    struct inode *a = from->dentry->inode, *b = to->dentry->inode;
    bool subdir = is_dir(d->inode);

    int err = victim ? removable(to, victim, subdir) : dir_writable(to);
    if (err)
        return err;
    if (subdir && a != b) { /* its ".." changes */
        err = inode_may_write(d->inode, MAY_WRITE);
        if (err)
            return err;
    }
    if (mounted_here(d))
        return -EBUSY;
    char old[NAME_MAX_BYTES + 1];
    size_t old_len = d->name_len;
    if (notify_wanted())
        memcpy(old, d->name, old_len);
    if (victim) {
        struct dentry *kept = victim;

        dentry_get(kept); /* the move may still fail */
        dentry_drop(kept);
        kept->unlinked = false;
        err = dentry_move(d, to->dentry, name, len);
        if (err) {
            dentry_hang(kept);
            dentry_put(kept);
            return err;
        }
        kept->unlinked = true;
        if (kept->mounted)
            mounts_off(kept);
        kept->inode->nlink -= is_dir(kept->inode) ? 2 : 1;
        if (!is_dir(kept->inode) && kept->inode->nlink)
            count_name(kept->inode, -1);
        inode_changed(kept->inode);
        dir_shrank(b, is_dir(kept->inode));
    } else {
        err = dentry_move(d, to->dentry, name, len);
        if (err)
            return err;
    }
    dir_shrank(a, subdir);
    dir_grew(b, subdir);
    inode_changed(d->inode);
    told_moved(a, b, old, old_len, d, victim ? victim->inode : NULL);
    if (victim)
        dentry_put(victim); /* which may be the end of its inode */
    return 0;
}
