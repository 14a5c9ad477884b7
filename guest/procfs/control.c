/* control.c - what of a process can be set by its files, and what the unprivileged may not see. */
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/refs.h"
#include "proc/task.h"
#include "procfs/internal.h"
#include "sys/dispatch.h"
#include <linux/capability.h>

/* --- coredump_filter ------------------------------------------------------------- */

void show_core_filter(struct text *t, struct mm *mm)
{
    text_printf(t, "%08x\n", mm->image.core_filter);
}

/* Decimal, 0x hexadecimal or 0 octal, as C has it; what lies beyond the known bits is lost. */
int store_core_filter(const struct pfs_node *n, char *line)
{
    uint64_t value;
    int err = pfs_number(line, 0, UINT32_MAX, &value);

    if (err != 0)
        return err;
    struct mm *mm = proc_mm(n);
    if (mm == NULL)
        return -ESRCH;
    mm->image.core_filter = value & CORE_FILTER_BITS;
    mm_put(mm, PT_exit_teardown);
    return 0;
}

/* --- clear_refs ------------------------------------------------------------------ */

#define CLEAR_HIGH_WATER 5 /* 1 to 4: enum refs_of */

int show_no_refs(struct text *t, const struct pfs_node *n)
{
    (void)t;
    (void)n;
    return -EINVAL; /* it can only be written */
}

/* 1 to 4: pages count as not used, or not written, until they are again.  5: the most memory that was used
 * (VmHWM) counts from now on. */
int store_clear_refs(const struct pfs_node *n, char *line)
{
    uint64_t what;
    int err = 0;

    if (!pfs_setting(line, &what) || what < REFS_ALL || what > CLEAR_HIGH_WATER)
        return -EINVAL;
    struct task *task = proc_task(n);
    if (task == NULL)
        return -ESRCH;
    struct mm *mm = task_get_mm(task);
    task_put(task);
    if (mm == NULL)
        return 0;
    if (what == CLEAR_HIGH_WATER) {
        mutex_lock(&mm->lock);
        mm->hiwater_rss = mm->pages_mapped;
        mutex_unlock(&mm->lock);
    } else {
        err = mm_clear_refs(mm, (enum refs_of)what);
    }
    mm_put(mm, PT_exit_teardown);
    return err;
}

/* --- timerslack_ns --------------------------------------------------------------- */

/* The task with a reference, if it is current's own or current may set how others are scheduled. */
static int slack_task(const struct pfs_node *n, struct task **out)
{
    struct task *t = proc_task(n);

    if (t == NULL)
        return -ESRCH;
    *out = t;
    if (t == current || has_cap(CAP_SYS_NICE))
        return 0;
    task_put(t);
    return -EPERM;
}

int show_slack(struct text *t, const struct pfs_node *n)
{
    struct task *task;
    int err = slack_task(n, &task);

    if (err != 0)
        return err;
    text_printf(t, "%lu\n", task_slack(task));
    task_put(task);
    return 0;
}

int store_slack(const struct pfs_node *n, char *line)
{
    struct task *task;
    uint64_t ns;
    int err = pfs_number(line, 10, UINT64_MAX, &ns);

    if (err == 0)
        err = slack_task(n, &task);
    if (err != 0)
        return err;
    task_set_slack(task, ns);
    task_put(task);
    return 0;
}

/* --- the one user namespace ------------------------------------------------------ */

/* Its maps are what they are. */
int store_id_map(const struct pfs_node *n, char *line)
{
    (void)n;
    (void)line;
    return -EPERM;
}

/* setgroups(2) is allowed in it, and stays so. */
int store_setgroups(const struct pfs_node *n, char *line)
{
    bool allow = strncmp(line, "allow", 5) == 0;
    const char *rest = line + (allow ? 5 : 4);

    (void)n;
    if (strlen(line) >= 8 || (!allow && strncmp(line, "deny", 4) != 0))
        return -EINVAL;
    while (*rest == ' ' || *rest == '\t')
        rest++;
    if (*rest != 0)
        return -EINVAL;
    return allow ? 0 : -EPERM;
}

/* --- stack ----------------------------------------------------------------------- */

/* Where a task stands in the kernel, the innermost first: what it waits in, by the name that wchan has, and
 * its system call.  Of who neither waits nor asks, nothing is known. */
int show_stack(struct text *t, const struct pfs_node *n)
{
    struct task *task = proc_task(n);

    if (task == NULL)
        return -ESRCH;
    bool waits, calls = task == current;
    spin_lock(&task->lock); /* it does not wake */
    const char *where = proc_wchan(task->rec);
    const char *name = syscall_name(task->rec->syscall);
    waits = *where != '0';
    calls |= waits && !task->kthread && task->uregs->vector == TRAP_SYSCALL;
    spin_unlock(&task->lock);
    task_put(task);
    if (!capable())
        return -EACCES;
    if (waits)
        text_printf(t, "[<0>] %s\n", where);
    if (calls && name != NULL)
        text_printf(t, "[<0>] __x64_sys_%s\n", name);
    return 0;
}
