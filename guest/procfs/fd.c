/* fd.c - /proc/PID/fd, fdinfo, and the links exe, cwd, root.
 * These links lead to the very object, also when it has no name any more. */
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/pidfd.h"
#include "proc/task.h"
#include "procfs/internal.h"

/* The descriptor table of the node's task, with a reference: 0, -ENOENT, -EACCES. */
static int task_files(const struct proc_node *n, struct files **out)
{
    struct task *t = proc_task(n);
    int err = -ENOENT;
    if (!t)
        return err;
    if (!proc_may_look(t)) {
        err = -EACCES;
    } else {
        spin_lock(&t->lock);
        *out = t->files;
        if (*out) {
            files_get(*out);
            err = 0;
        }
        spin_unlock(&t->lock);
    }
    task_put(t);
    return err;
}

static int task_file(const struct proc_node *n, struct file **out)
{
    struct files *fs;
    int err = task_files(n, &fs);
    if (err)
        return err;
    *out = files_peek(fs, n->fd);
    files_put(fs);
    return *out ? 0 : -ENOENT;
}

unsigned proc_fd_numbers(const struct proc_node *dir, uint32_t from, uint32_t *out, unsigned room)
{
    struct files *fs;
    unsigned n = 0;
    if (task_files(dir, &fs) != 0)
        return 0;
    for (int fd = (int)from; n < room && (fd = files_next(fs, fd)) >= 0; fd++)
        out[n++] = (uint32_t)fd;
    files_put(fs);
    return n;
}

static int has_fd(uint32_t nr, struct proc_node *child)
{
    struct file *f;
    child->fd = (int32_t)nr;
    int err = task_file(child, &f);
    if (!err)
        file_put(f);
    return err;
}

/* A name as readlink(2) gives it: not terminated, cut to the room. */
static long give_name(const char *name, char *buf, size_t room)
{
    if (!name)
        return -ENAMETOOLONG;
    size_t n = MIN(strlen(name), room);
    memmove(buf, name, n);
    return (long)n;
}

static long name_of_file(struct file *f, char *buf, size_t room)
{
    char *page = text_page();
    if (!page)
        return -ENOMEM;
    long n = give_name(file_name(f, page, PAGE_SIZE), buf, room);
    kfree(page);
    return n;
}

static long name_of_path(const struct path *p, char *buf, size_t room)
{
    char *page = text_page();
    if (!page)
        return -ENOMEM;
    long n = give_name(path_name(p, page, PAGE_SIZE), buf, room);
    kfree(page);
    return n;
}

static long readlink_fd(const struct proc_node *n, char *buf, size_t room)
{
    struct file *f;
    long ret = task_file(n, &f);
    if (ret == 0) {
        ret = name_of_file(f, buf, room);
        file_put(f);
    }
    return ret;
}

/* A pipe has no place in a tree, but can be opened again (/dev/stdin): it gets
 * a dentry of its own. */
static int go_to_pipe(struct file *f, struct path *out)
{
    char name[32];
    const char *text = file_name(f, name, sizeof name);
    if (!S_ISFIFO(f->inode->mode) || !text)
        return -ENXIO;
    inode_get(f->inode);
    out->mnt = NULL;
    return dentry_new(NULL, text, strlen(text), f->inode, &out->dentry);
}

/* Follows the link; fs_tree held. */
static int go_to_file(struct file *f, struct path *out)
{
    if (!f->path.dentry)
        return go_to_pipe(f, out);
    *out = f->path;
    path_get(out);
    return 0;
}

static int follow_fd(const struct proc_node *n, struct path *out)
{
    struct file *f;
    int err = task_file(n, &f);
    if (!err) {
        err = go_to_file(f, out);
        file_put(f);
    }
    return err;
}

static int show_fdinfo(struct text *t, const struct proc_node *n)
{
    struct file *f;
    int err = task_file(n, &f);
    if (err)
        return err;
    text_printf(t, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", (unsigned long long)f->pos,
                f->flags, f->path.mnt ? f->path.mnt->id : 0, (unsigned long long)f->inode->ino);
    if (pidfd_process(f)) {
        int pid = pidfd_number(f);
        text_printf(t, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
    }
    file_put(f);
    return 0;
}

static const struct proc_entry fd_link = {
    .name = "",
    .mode = S_IFLNK | 0700,
    .readlink = readlink_fd,
    .follow = follow_fd,
};
static const struct proc_entry fdinfo_file = PROC_FILE("", 0400, show_fdinfo);

int proc_fd_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child)
{
    *child = *dir;
    child->entry = &fd_link;
    return has_fd(nr, child);
}

int proc_fdinfo_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child)
{
    *child = *dir;
    child->entry = &fdinfo_file;
    return has_fd(nr, child);
}

/* --- exe, cwd, root ------------------------------------------------------ */

static int task_exe(const struct proc_node *n, struct file **out)
{
    struct task *t = proc_task(n);
    if (!t)
        return -ENOENT;
    struct mm *mm = proc_may_look(t) ? task_get_mm(t) : NULL;
    int err = proc_may_look(t) ? -ENOENT : -EACCES;
    task_put(t);
    if (mm && mm->image.exe) {
        *out = mm->image.exe;
        file_get(*out);
        err = 0;
    }
    if (mm)
        mm_put(mm, PT_exit_teardown);
    return err;
}

long readlink_exe(const struct proc_node *n, char *buf, size_t room)
{
    struct file *f;
    long ret = task_exe(n, &f);
    if (ret == 0) {
        ret = name_of_file(f, buf, room);
        file_put(f);
    }
    return ret;
}

int follow_exe(const struct proc_node *n, struct path *out)
{
    struct file *f;
    int err = task_exe(n, &f);
    if (!err) {
        err = go_to_file(f, out);
        file_put(f);
    }
    return err;
}

static int task_place(const struct proc_node *n, bool root, struct path *out)
{
    struct task *t = proc_task(n);
    struct fs_ctx *c = NULL;
    if (!t)
        return -ENOENT;
    int err = proc_may_look(t) ? -ENOENT : -EACCES;
    if (err == -ENOENT) {
        spin_lock(&t->lock);
        c = t->fs;
        if (c)
            fs_ctx_get(c);
        spin_unlock(&t->lock);
    }
    task_put(t);
    if (!c)
        return err;
    spin_lock(&c->lock);
    *out = root ? c->root : c->cwd;
    path_get(out);
    spin_unlock(&c->lock);
    fs_ctx_put(c);
    return 0;
}

static long readlink_place(const struct proc_node *n, bool root, char *buf, size_t room)
{
    struct path p;
    long ret = task_place(n, root, &p);
    if (ret == 0) {
        ret = name_of_path(&p, buf, room);
        path_put(&p);
    }
    return ret;
}

long readlink_cwd(const struct proc_node *n, char *buf, size_t room)
{
    return readlink_place(n, false, buf, room);
}

long readlink_root(const struct proc_node *n, char *buf, size_t room)
{
    return readlink_place(n, true, buf, room);
}

int follow_cwd(const struct proc_node *n, struct path *out) { return task_place(n, false, out); }
int follow_root(const struct proc_node *n, struct path *out) { return task_place(n, true, out); }
