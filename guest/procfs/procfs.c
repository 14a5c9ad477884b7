/* procfs.c - /proc as a file system: who may look, whose the files are. */
#include "procfs/procfs.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/fs_type.h"
#include "proc/namespace.h"
#include "proc/pid_ns.h"
#include "proc/task.h"
#include "procfs/internal.h"
#include <linux/magic.h>

/* Asked at each access: what the task runs, and as whom, may have changed. */
static int proc_may(const struct pfs_node *n, uint32_t flags, bool opening)
{
    if (opening && n->entry->flags & PROC_ADMIN && (flags & O_ACCMODE) != O_RDONLY && !capable())
        return -EACCES;
    if (!(n->entry->flags & (PROC_PRIVATE | PROC_LIVING)))
        return 0;
    struct task *t = proc_task(n);
    if (!t)
        return -ESRCH;
    bool may = !(n->entry->flags & PROC_PRIVATE) || task_may_look(t);
    task_put(t);
    return may ? 0 : -EACCES;
}

static bool is_everybodys(const struct pfs_node *n) { return n->entry->mode == (S_IFDIR | 0555); }

/* fd and fdinfo, where a process finds its own, whoever they belong to. */
static bool is_of_files(const struct pfs_node *n)
{
    return n->entry->mode == (S_IFDIR | 0500) && !(n->entry->flags & PFS_IS_NAMED);
}

/* What is of a task that may not be dumped is root's.  The files of a task keep their mode, and its directory all that it has. */
#define LINK_SIZE 64 /* Linux's, however long the name is */

static void proc_set_owner(struct inode *in, const struct pfs_node *n)
{
    in->mode_kept = n->tid != 0;
    if (n->entry->flags & PROC_LIVING && is_dir(in))
        in->attributes = INODE_IMMUTABLE;
    if (S_ISLNK(in->mode) && (in->mode & 0777) != 0777) /* to an open file, or a mapped one */
        in->size = LINK_SIZE;
    struct task *t = n->tid ? proc_task(n) : NULL;
    if (t) {
        bool its = is_everybodys(n) || task_dumpable(t, false) ||
                   (is_of_files(n) && t->proc == current->proc);
        in->uid = its ? t->cred.euid : 0;
        in->gid = its ? t->cred.egid : 0;
        task_put(t);
    }
}

static void proc_ended(const void *space) { ns_put(pid_ns_ns((struct pid_ns *)space)); }

static struct pseudofs proc = {
    .type = "proc",
    .magic = PROC_SUPER_MAGIC,
    .top = &proc_root_entry,
    .may = proc_may,
    .set_owner = proc_set_owner,
    .make_text = proc_make_text,
    .store_line = proc_store_line,
    .ioctl = proc_ioctl,
    .ended = proc_ended,
};

/* In a PID namespace below the first each mount is an instance of its own, which shows that. */
static int get_proc(char *data __attribute__((unused)), struct superblock **out)
{
    struct pid_ns *ns = pid_ns_here();
    if (!ns)
        return pseudofs_get(&proc, out);
    ref_get(&pid_ns_ns(ns)->refs);
    int err = pseudofs_new(&proc, ns, out);
    if (err)
        ns_put(pid_ns_ns(ns));
    return err;
}

int procfs_task(const struct file *f, struct task **out)
{
    if (f->inode->sb->magic != PROC_SUPER_MAGIC || !proc_is_process(f->inode->private) ||
        f->flags & O_PATH)
        return -EBADF;
    *out = proc_task(f->inode->private);
    return *out ? 0 : -ESRCH;
}

void procfs_register(void)
{
    static struct fs_type type = { .name = "proc", .get = get_proc };
    fs_type_register(&type);
}
