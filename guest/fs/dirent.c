/* dirent.c - directories as open files: their entries in the form of getdents64(2).
 * Entries are gathered in a kernel page with fs_tree held, and copied out when it
 * is free again.  Positions: 0 is ".", 1 is "..", what follows is the file
 * system's: tmpfs's never mean another entry, whatever is removed in between. */
#include "fs/dirent.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/fs.h>

/* struct linux_dirent64 of getdents64(2), which no header brings. */
struct dirent64 {
    uint64_t ino;
    int64_t next;
    uint16_t bytes;
    uint8_t type;
    char name[];
};
_Static_assert(offsetof(struct dirent64, name) == 19, "as the ABI has it");

/* The older struct linux_dirent of getdents(2): the type is the last byte of the entry. */
#define OLD_NAME 18

struct dirent_sink {
    char *buf;
    size_t used, room;
    bool full, old;
};

bool dirent_emit(struct dirent_sink *s, const char *name, size_t len, uint64_t ino, uint8_t d_type,
                 uint64_t next_pos)
{
    size_t name_at = s->old ? OLD_NAME : offsetof(struct dirent64, name);
    size_t n = (name_at + len + 1 + s->old + 7) & ~7ul;
    struct dirent64 *d = (struct dirent64 *)(s->buf + s->used);

    if (n > s->room - s->used) {
        s->full = true;
        return false;
    }
    d->ino = ino;
    d->next = (int64_t)next_pos;
    d->bytes = (uint16_t)n;
    char *to = (char *)d + name_at;
    memcpy(to, name, len);
    memset(to + len, 0, n - name_at - len);
    if (s->old)
        ((uint8_t *)d)[n - 1] = d_type;
    else
        d->type = d_type;
    s->used += n;
    return true;
}

/* fs_tree held */
static void fill(struct file *f, struct dirent_sink *s)
{
    struct dentry *dir = f->path.dentry;
    struct dentry *up = dir;

    if (f->path.mnt && dir == f->path.mnt->root && f->path.mnt->on)
        up = f->path.mnt->on;
    if (f->pos == 0) {
        if (!dirent_emit(s, ".", 1, f->inode->ino, S_IFDIR >> 12, 1))
            return;
        f->pos = 1;
    }
    if (f->pos == 1) {
        if (!dirent_emit(s, "..", 2, up->parent->inode->ino, S_IFDIR >> 12, 2))
            return;
        f->pos = 2;
    }
    if (f->inode->ops && f->inode->ops->readdir)
        f->inode->ops->readdir(f->inode, &f->pos, s);
    else
        dentry_readdir(dir, &f->pos, s);
}

long dir_read(struct file *f, uaddr_t to, size_t room, bool old)
{
    struct dirent_sink s = { .room = MIN(room, KMALLOC_MAX), .old = old };
    uint64_t before;
    long ret;

    if (f->flags & O_PATH)
        return -EBADF;
    if (!is_dir(f->inode) || !f->path.dentry)
        return -ENOTDIR;
    s.buf = kmalloc(KMALLOC_MAX);
    if (!s.buf)
        return -ENOMEM;
    mutex_lock(&f->lock);
    before = f->pos;
    mutex_lock(&fs_tree);
    if (f->path.dentry->unlinked) {
        ret = -ENOENT;
    } else {
        fill(f, &s);
        ret = s.used || !s.full ? (long)s.used : -EINVAL; /* no room for a single one */
    }
    mutex_unlock(&fs_tree);
    if (ret > 0 && copy_to_user(to, s.buf, (size_t)ret) != 0) {
        f->pos = before;
        ret = -EFAULT;
    }
    mutex_unlock(&f->lock);
    if (ret >= 0)
        inode_accessed(f->inode, f->path.mnt, f->flags);
    kfree(s.buf);
    return ret;
}

static long dir_seek(struct file *f, int64_t off, int whence)
{
    if (whence == SEEK_CUR)
        off += (int64_t)f->pos;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (off < 0)
        return -EINVAL;
    f->pos = (uint64_t)off;
    return off;
}

const struct file_ops dir_file_ops = { .seek = dir_seek };
