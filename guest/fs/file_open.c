/* file_open.c - open(2): from a name to an open file.
 * What it does in which order (errors come in this order, too):
 *   flags; the walk to the directory; the last name: is there (O_EXCL), missing
 *   (O_CREAT makes it), a symlink (O_NOFOLLOW); then kind of file, read-only
 *   mount and rights; then the file's own open; O_TRUNC last.
 * The walk and the creation are one step under fs_tree, so two O_CREAT|O_EXCL
 * cannot both succeed. */
#include "fs/file_open.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/mount.h"
#include "fs/pages_io.h"
#include "fs/path.h"
#include "fs/protect.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "sched/task.h"

#define TMPFILE_BIT ((uint32_t)O_TMPFILE & ~(uint32_t)O_DIRECTORY)

static uint32_t wanted_rights(uint32_t flags)
{
    static const uint8_t by_mode[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                       MAY_READ | MAY_WRITE };
    uint32_t mask = by_mode[flags & O_ACCMODE];

    return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

static int check_flags(uint32_t *flags)
{
    if (*flags & O_PATH) {
        *flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        return 0;
    }
    if (*flags & TMPFILE_BIT) {
        if (!(*flags & O_DIRECTORY) || *flags & O_CREAT || (*flags & O_ACCMODE) == O_RDONLY)
            return -EINVAL;
    } else if ((*flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT)) {
        return -EINVAL;
    }
    return 0;
}

/* May p be opened so?  It was not made just now. */
static int may_open(const struct path *p, uint32_t flags)
{
    struct inode *in = p->dentry->inode;
    uint32_t mask = wanted_rights(flags);
    int err;

    if (S_ISLNK(in->mode))
        return -ELOOP;
    if (is_dir(in) && (mask & MAY_WRITE || flags & O_CREAT))
        return -EISDIR;
    if ((S_ISCHR(in->mode) || S_ISBLK(in->mode)) && p->mnt && p->mnt->flags & MS_NODEV)
        return -EACCES;
    if (mask & MAY_WRITE && mount_readonly(p->mnt) && S_ISREG(in->mode))
        return -EROFS;
    err = mask & MAY_WRITE ? inode_may_write(in, mask) : inode_permission(in, mask);
    if (err)
        return err;
    if (unlikely(in->attributes & INODE_APPEND) &&
        (((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND)) || flags & O_TRUNC))
        return -EPERM;
    if (flags & O_NOATIME && !inode_owner_or_root(in))
        return -EPERM;
    return 0;
}

static int truncate_opened(struct inode *in)
{
    int err = inode_write_begin(in);

    if (err)
        return err;
    mutex_lock(&in->lock);
    err = inode_truncate(in, 0);
    if (!err) {
        inode_strip_suid(in);
        inode_modified(in);
    }
    mutex_unlock(&in->lock);
    inode_write_end(in);
    return err;
}

/* w->at is the directory; its last name is missing. */
static int create_last(struct walker *w, uint32_t mode)
{
    struct new_node n = { .mode =
                              S_IFREG | (mode & 07777 & ~(current->fs ? current->fs->umask : 0)) };
    struct dentry *d;
    int err;

    if (w->slash)
        return -EISDIR;
    if (!on_tmpfs(w->at.dentry->inode))
        return w->at.dentry->inode->sb->names_closed ? -EACCES : -ENOENT;
    err = tmpfs_create(&w->at, w->last, w->last_len, &n, &d);
    if (err)
        return err;
    dentry_put(w->at.dentry);
    w->at.dentry = d;
    return 0;
}

/* To what is to be opened.  *made: it is new.  fs_tree held */
static int find_or_create(struct walker *w, uint32_t flags, uint32_t mode, bool *made)
{
    bool follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    bool missing;
    int err = walk_last(w, (follow ? WALK_FOLLOW : 0) | (flags & O_DIRECTORY ? WALK_DIRECTORY : 0),
                        &missing);

    *made = false;
    if (err == 0) {
        if (flags & O_CREAT && w->slash)
            return -EISDIR;
        if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
            return -EEXIST;
        return flags & O_CREAT && w->kind == LAST_NAME ? protect_create(&w->at) : 0;
    }
    if (err == -ENOTDIR && flags & O_CREAT && w->slash)
        return -EISDIR;
    if (!missing || !(flags & O_CREAT))
        return err;
    err = create_last(w, mode);
    *made = err == 0;
    return err;
}

static int open_tmpfile(const struct path *at, uint32_t flags, uint32_t mode, struct file **out)
{
    struct inode *dir = at->dentry->inode;
    struct path p = { at->mnt, NULL };
    int err;

    if (!on_tmpfs(dir))
        return -EOPNOTSUPP;
    if (mount_readonly(at->mnt))
        return -EROFS;
    err = inode_may_write(dir, MAY_WRITE | MAY_EXEC);
    if (!err)
        err =
            tmpfs_unnamed(dir->sb, mode & 07777 & ~current->fs->umask, at->dentry, NULL, &p.dentry);
    if (err)
        return err;
    p.dentry->inode->linkable = !(flags & O_EXCL);
    err = file_new(&p, flags, out);
    dentry_put(p.dentry);
    return err;
}

/* Somebody watches, or has leases.  An error: f is gone, and has never been opened. */
static SLOW_PATH int opened_watched(struct file *f)
{
    int err = f->flags & O_PATH ? 0 : notify_leases(f->inode, f->flags);

    if (err == 0) {
        notify_file(f, IN_OPEN);
        return 0;
    }
    if (f->ops->release)
        f->ops->release(f);
    f->ops = NULL;
    file_put(f);
    return err;
}

/* What a walk has come to.  f is memory for it. */
static inline __attribute__((always_inline)) int open_found(const struct path *at, struct file *f,
                                                            uint32_t flags, bool made,
                                                            struct file **out)
{
    int err = !made && !(flags & O_PATH) ? may_open(at, flags) : 0;

    if (err) {
        file_unreserve(f);
        return err;
    }
    err = file_new_in(f, at, flags, &f);
    if (!err && notify_wanted())
        err = opened_watched(f);
    if (!err && !made && flags & O_TRUNC && S_ISREG(f->inode->mode)) {
        err = truncate_opened(f->inode);
        if (err)
            file_put(f);
        else
            notify_file(f, IN_MODIFY);
    }
    if (!err) {
        f->created = made;
        *out = f;
    }
    return err;
}

int file_open_walk(int dfd, const char *text, size_t len, uint32_t flags, uint32_t mode,
                   uint32_t walk, struct file **out)
{
    struct walker w;
    struct file *f = NULL;
    bool made;
    int err = check_flags(&flags);

    if (err)
        return err;
    if (flags & O_CREAT && !(f = file_reserve()))
        return -ENOMEM; /* before there is a new name */
    err = walk_start(&w, dfd, text, len, walk);
    if (err) {
        file_unreserve(f);
        return err;
    }
    mutex_lock(&fs_tree);
    err = find_or_create(&w, flags, mode, &made);
    mutex_unlock(&fs_tree);
    if (err)
        file_unreserve(f);
    else if (flags & TMPFILE_BIT)
        err = open_tmpfile(&w.at, flags, mode, out);
    else
        err = open_found(&w.at, f ? f : file_reserve(), flags, made, out);
    walk_end(&w);
    return err;
}

int file_open_path(const struct path *p, uint32_t flags, struct file **out)
{
    int err = check_flags(&flags);

    if (!err && flags & O_DIRECTORY && !is_dir(p->dentry->inode))
        err = -ENOTDIR;
    if (err)
        return err;
    return flags & TMPFILE_BIT ? open_tmpfile(p, flags, 0, out)
                               : open_found(p, file_reserve(), flags, false, out);
}

int file_open(int dfd, const char *text, size_t len, uint32_t flags, uint32_t mode,
              struct file **out)
{
    return file_open_walk(dfd, text, len, flags, mode, 0, out);
}

int file_open_kernel(const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
    return file_open(AT_FDCWD, path, strlen(path), flags, mode, out);
}

int file_unlink_kernel(const char *path)
{
    struct dentry *d = NULL;
    struct walker w;
    int err = walk_start(&w, AT_FDCWD, path, strlen(path), 0);

    if (err)
        return err;
    mutex_lock(&fs_tree);
    err = walk_parent(&w);
    if (!err && (w.kind != LAST_NAME || w.slash))
        err = -EISDIR;
    if (!err)
        err = dentry_find(w.at.dentry, w.last, w.last_len, &d);
    if (!err)
        err = tmpfs_unlink(&w.at, d, false);
    mutex_unlock(&fs_tree);
    if (d)
        dentry_put(d);
    walk_end(&w);
    return err;
}

int file_open_exec(int dfd, const char *path, uint32_t flags, struct file **out)
{
    struct path p;
    struct inode *in;
    struct file *f;
    uint32_t walk =
        (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
    int err = path_lookup(dfd, path, strlen(path), walk, &p);

    if (err)
        return err;
    in = p.dentry->inode;
    if (S_ISLNK(in->mode))
        err = -ELOOP;
    else if (!S_ISREG(in->mode) || (p.mnt && p.mnt->flags & MS_NOEXEC))
        err = -EACCES;
    if (!err)
        err = inode_permission(in, MAY_EXEC);
    if (!err)
        err = file_new(&p, O_RDONLY, &f);
    path_put(&p);
    if (err)
        return err;
    err = file_deny_write(f);
    if (err)
        file_put(f);
    else
        *out = f;
    return err;
}
