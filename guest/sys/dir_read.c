/* dir_read.c - getdents64, the working directory, the root, umask.
 * Entries are gathered in a kernel page with fs_tree held, and copied out when it
 * is free again.  Positions: 0 is ".", 1 is "..", what follows is the file
 * system's: tmpfs's never mean another entry, whatever is removed in between. */
#include "fs/internal.h"
#include "procfs/procfs.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/task.h"
#include "sys/syscall.h"
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

struct dirent_sink {
    char *buf;
    size_t used, room;
    bool full;
};

bool dirent_emit(struct dirent_sink *s, const char *name, size_t len, uint64_t ino, uint8_t d_type,
                 uint64_t next_pos)
{
    size_t n = (offsetof(struct dirent64, name) + len + 1 + 7) & ~7ul;
    struct dirent64 *d = (struct dirent64 *)(s->buf + s->used);

    if (n > s->room - s->used) {
        s->full = true;
        return false;
    }
    d->ino = ino;
    d->next = (int64_t)next_pos;
    d->bytes = (uint16_t)n;
    d->type = d_type;
    memcpy(d->name, name, len);
    memset(d->name + len, 0, n - offsetof(struct dirent64, name) - len);
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

static long read_dir(struct file *f, uaddr_t to, size_t room)
{
    struct dirent_sink s = { .room = MIN(room, KMALLOC_MAX) };
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
        inode_accessed(f->inode, f->path.mnt);
    kfree(s.buf);
    return ret;
}

SYSCALL3(getdents64, int, fd, uaddr_t, to, uint32_t, room)
{
    struct file *f = fd_get(fd);
    long ret;

    if (!f)
        return -EBADF;
    ret = read_dir(f, to, room);
    file_put(f);
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

/* --- working directory and root --- */

SYSCALL2(getcwd, uaddr_t, to, size_t, room)
{
    struct path cwd;
    char *buf, *name;
    long ret = -ENOENT;

    fs_get_cwd(&cwd);
    buf = kmalloc(PATH_MAX_BYTES);
    if (!buf) {
        path_put(&cwd);
        return -ENOMEM;
    }
    if (!cwd.dentry->unlinked) {
        name = path_name_reachable(&cwd, buf, PATH_MAX_BYTES);
        if (!name) {
            ret = -ENAMETOOLONG;
        } else {
            ret = (long)(buf + PATH_MAX_BYTES - name);
            if ((size_t)ret > room)
                ret = -ERANGE;
            else if (copy_to_user(to, name, (size_t)ret) != 0)
                ret = -EFAULT;
        }
    }
    path_put(&cwd);
    kfree(buf);
    return ret;
}

/* p's references become the context's; what was there is put. */
static long move_to(struct path *p, bool root)
{
    struct fs_ctx *c = current->fs;
    struct path *at = root ? &c->root : &c->cwd, old;
    long err = is_dir(p->dentry->inode) ? inode_permission(p->dentry->inode, MAY_EXEC) : -ENOTDIR;

    if (!err && root && !capable())
        err = -EPERM;
    if (!err) {
        spin_lock(&c->lock);
        old = *at;
        *at = *p;
        spin_unlock(&c->lock);
        *p = old;
    }
    path_put(p);
    return err;
}

static long move_to_name(uaddr_t name, bool root)
{
    struct path p;
    long err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);

    return err ? err : move_to(&p, root);
}

SYSCALL1(chdir, uaddr_t, name) { return move_to_name(name, false); }

SYSCALL1(chroot, uaddr_t, name) { return move_to_name(name, true); }

SYSCALL1(fchdir, int, fd)
{
    struct file *f = fd_get(fd);
    struct path p;

    if (!f)
        return -EBADF;
    if (!f->path.dentry) {
        file_put(f);
        return -ENOTDIR;
    }
    p = f->path;
    path_get(&p);
    file_put(f);
    return move_to(&p, false);
}

SYSCALL1(umask, uint32_t, mask)
{
    struct fs_ctx *c = current->fs;
    uint32_t old;

    spin_lock(&c->lock);
    old = c->umask;
    c->umask = mask & 0777;
    spin_unlock(&c->lock);
    return old;
}
