/* cwd.c - a task's place in the tree: working directory, root, umask. */
#include "arch/syscall.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "arch/uaccess.h"
#include "mm/heap.h"
#include "proc/task.h"

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
enum which_dir { DIR_CWD, DIR_ROOT };

static long move_to(struct path *p, enum which_dir which)
{
    struct fs_ctx *c = current->fs;
    struct path *at = which == DIR_ROOT ? &c->root : &c->cwd, old;
    long err = is_dir(p->dentry->inode) ? inode_permission(p->dentry->inode, MAY_EXEC) : -ENOTDIR;

    if (!err && which == DIR_ROOT && !has_cap(CAP_SYS_CHROOT))
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

static long move_to_name(uaddr_t name, enum which_dir which)
{
    struct path p;
    long err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);

    return err ? err : move_to(&p, which);
}

SYSCALL1(chdir, uaddr_t, name) { return move_to_name(name, DIR_CWD); }

SYSCALL1(chroot, uaddr_t, name) { return move_to_name(name, DIR_ROOT); }

SYSCALL1(fchdir, int, fd)
{
    WITH_FILE(f, fd);
    struct path p;

    if (!f)
        return -EBADF;
    if (!f->path.dentry)
        return -ENOTDIR;
    p = f->path;
    path_get(&p);
    return move_to(&p, DIR_CWD);
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
