/* node.c - what a node is about: its task, that task's memory, the text that an entry makes
 * of them, and what it does with a line that was written. */
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include "procfs/internal.h"

uint32_t proc_number(const struct pfs_node *n, uint32_t pid)
{
    if (!proc_ns(n))
        return pid;
    spin_lock(&tree_lock);
    pid = pid_in(proc_ns(n), pid);
    spin_unlock(&tree_lock);
    return pid;
}

struct task *proc_task_locked(const struct pfs_node *n)
{
    struct task *t = task_find(n->tid);
    return t && t->start_ns == n->born ? t : NULL; /* another may have its number */
}

struct task *proc_task(const struct pfs_node *n)
{
    spin_lock(&tree_lock);
    struct task *t = proc_task_locked(n);
    if (t)
        task_get(t);
    spin_unlock(&tree_lock);
    return t;
}

struct mm *proc_mm(const struct pfs_node *n)
{
    struct task *t = proc_task(n);
    if (!t)
        return NULL;
    struct mm *mm = task_get_mm(t);
    task_put(t);
    return mm;
}

static int show_of_task(struct text *t, const struct pfs_node *n)
{
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    n->entry->show_task(t, task);
    task_put(task);
    return 0;
}

static int show_of_mm(struct text *t, const struct pfs_node *n)
{
    struct mm *mm = proc_mm(n);
    if (mm) {
        n->entry->show_mm(t, mm);
        mm_put(mm, PT_exit_teardown);
    }
    return 0;
}

int proc_make_text(struct text *t, const struct pfs_node *n)
{
    return n->entry->kind == PROC_IS_TASK ? show_of_task(t, n) : show_of_mm(t, n);
}

long proc_ioctl(const struct pfs_node *n, uint32_t cmd, uaddr_t arg)
{
    bool maps = n->entry->kind == PROC_IS_MM && n->entry->show_mm == show_maps;

    return maps && cmd == MAP_QUERY ? proc_map_query(n, arg) : -ENOTTY;
}

int proc_store_line(const struct pfs_node *n, char *line)
{
    if (n->entry->kind == PROC_IS_MM)
        return n->entry->store(n, line);
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    int err = n->entry->store_task(task, line);
    task_put(task);
    return err;
}
