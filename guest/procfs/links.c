/* links.c - /proc/PID/fd, fdinfo, and the links exe, cwd, root, and those in ns.
 * These links lead to the very object, also when it has no name any more. */
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_lock.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/namespace.h"
#include "proc/task.h"
#include "procfs/internal.h"

/* The task of a node if current may look into it: 0, -ENOENT, -EACCES. */
static int task_open(const struct pfs_node *n, struct task **out)
{
    struct task *t = proc_task(n);
    if (!t)
        return -ENOENT;
    *out = t;
    if (task_may_look(t))
        return 0;
    task_put(t);
    return -EACCES;
}

/* --- descriptors --------------------------------------------------------- */

/* The descriptor table of the node's task, with a reference: 0, -ENOENT, -EACCES. */
static int task_files(const struct pfs_node *n, struct files **out)
{
    struct task *t;
    int err = task_open(n, &t);
    if (err)
        return err;
    spin_lock(&t->lock);
    *out = t->files;
    if (*out)
        files_get(*out);
    spin_unlock(&t->lock);
    task_put(t);
    return *out ? 0 : -ENOENT;
}

/* cloexec NULL: not asked for */
static int task_file(const struct pfs_node *n, struct file **out, bool *cloexec)
{
    struct files *fs;
    int err = task_files(n, &fs);
    if (err)
        return err;
    *out = files_peek(fs, n->fd);
    if (cloexec)
        *cloexec = files_peek_cloexec(fs, n->fd);
    files_put(fs);
    return *out ? 0 : -ENOENT;
}

unsigned proc_fd_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out, unsigned room)
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

static int goal_fd(const struct pfs_node *n, struct pfs_goal *to)
{
    return task_file(n, &to->file, NULL);
}

/* By what the file was opened for: nothing, to read, to write, both. */
static const struct pfs_entry fd_links[] = { PFS_GOAL("", 0000, goal_fd),
                                             PFS_GOAL("", 0500, goal_fd),
                                             PFS_GOAL("", 0300, goal_fd),
                                             PFS_GOAL("", 0700, goal_fd) };

static int has_fd(const struct pfs_node *dir, const struct pfs_entry *entry, uint32_t nr,
                  struct pfs_node *child)
{
    struct file *f;
    *child = (struct pfs_node){ .entry = entry,
                                .tid = dir->tid,
                                .born = dir->born,
                                .fd = (int32_t)nr,
                                .whole = dir->whole,
                                .space = dir->space };
    int err = task_file(child, &f, NULL);
    if (err)
        return err;
    if (entry == fd_links && !(f->flags & O_PATH))
        child->entry = &fd_links[((f->flags & O_ACCMODE) + 1) & 3];
    file_put(f);
    return 0;
}

struct info_text {
    struct file_info info;
    struct text *text;
};

static void put_info(struct file_info *to, const char *s, size_t n)
{
    text_put(container_of(to, struct info_text, info)->text, s, n);
}

struct lock_text {
    const struct pfs_node *node;
    struct text *text;
    const char *before;
    unsigned n;
};

static void put_lock(void *to, const struct lock_seen *l)
{
    struct lock_text *lt = to;
    uint32_t dev = l->inode->sb->dev;
    int pid = l->pid;

    if (pid > 0)
        pid = (int)proc_number(lt->node, (uint32_t)pid);
    if (pid == 0)
        return; /* nobody that is seen there has it */
    text_printf(lt->text, "%s%u: %-6s ADVISORY  %-5s %d %02x:%02x:%lu %lu ", lt->before, ++lt->n,
                l->kind, l->type, pid, DEV_MAJOR(dev), DEV_MINOR(dev), l->inode->ino,
                l->range.start);
    if (l->range.end >= INT64_MAX)
        text_printf(lt->text, "EOF\n");
    else
        text_printf(lt->text, "%lu\n", l->range.end);
}

int show_locks(struct text *t, const struct pfs_node *n)
{
    locks_each(NULL, put_lock, &(struct lock_text){ n, t, "", 0 });
    return 0;
}

static int show_fdinfo(struct text *t, const struct pfs_node *n)
{
    struct file *f;
    bool cloexec = false;
    int err = task_file(n, &f, &cloexec);
    if (err)
        return err;
    uint32_t flags = f->flags | (cloexec ? O_CLOEXEC : 0) |
                     (f->path.dentry && !(f->flags & O_PATH) ? O_LARGEFILE : 0);
    text_printf(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", f->pos, flags,
                f->path.mnt ? f->path.mnt->id : 0, f->inode->ino);
    locks_each(f, put_lock, &(struct lock_text){ n, t, "lock:\t", 0 });
    struct info_text to = { { put_info }, t };
    if (f->ops->info)
        f->ops->info(f, &to.info);
    file_put(f);
    return 0;
}

static const struct pfs_entry fdinfo_file = PFS_FILE("", 0400, show_fdinfo);

int proc_fd_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    return has_fd(dir, fd_links, nr, child);
}

int proc_fdinfo_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    return has_fd(dir, &fdinfo_file, nr, child);
}

/* --- exe, cwd, root ------------------------------------------------------ */

int goal_exe(const struct pfs_node *n, struct pfs_goal *to)
{
    struct task *t;
    int err = task_open(n, &t);
    if (err)
        return err;
    struct mm *mm = task_get_mm(t);
    task_put(t);
    if (mm) {
        to->file = mm_get_exe(mm);
        mm_put(mm, PT_exit_teardown);
    }
    return to->file ? 0 : -ENOENT;
}

/* Working directory or root, which lies so far into a struct fs_ctx. */
static int goal_place(const struct pfs_node *n, size_t which, struct pfs_goal *to)
{
    struct task *t;
    int err = task_open(n, &t);
    if (err)
        return err;
    struct fs_ctx *c = task_fs(t);
    task_put(t);
    if (!c)
        return -ENOENT;
    spin_lock(&c->lock);
    to->path = *(struct path *)((char *)c + which);
    path_get(&to->path);
    spin_unlock(&c->lock);
    fs_ctx_put(c);
    return 0;
}

int goal_cwd(const struct pfs_node *n, struct pfs_goal *to)
{
    return goal_place(n, offsetof(struct fs_ctx, cwd), to);
}

int goal_root(const struct pfs_node *n, struct pfs_goal *to)
{
    return goal_place(n, offsetof(struct fs_ctx, root), to);
}

/* --- ns ------------------------------------------------------------------------- */

static int goal_ns(const struct pfs_node *n, struct pfs_goal *to)
{
    struct task *t;
    int err = task_open(n, &t);

    if (err)
        return err;
    struct ns *ns =
        n->entry->value == NS_KINDS ? task_pid_children(t, true) : task_ns(t, n->entry->value);
    task_put(t);
    return ns ? namespace_path(ns, &to->path) : -ENOENT;
}

#define NS(n, k) PFS_ENTRY(n, S_IFLNK | 0777, PFS_IS_GOAL, .goal = goal_ns, .value = k)

const struct pfs_entry proc_ns_table[] = {
    NS("cgroup", NS_CGROUP),
    NS("ipc", NS_IPC),
    NS("mnt", NS_MNT),
    NS("net", NS_NET),
    NS("pid", NS_PID),
    NS("pid_for_children", NS_KINDS),
    NS("time", NS_TIME),
    NS("time_for_children", NS_TIME),
    NS("user", NS_USER),
    NS("uts", NS_UTS),
    PFS_END,
};
