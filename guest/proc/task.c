/* task.c - tasks as objects: their memory and references.
 *
 * A task has a reference for its place in the PID table, which the one that
 * reaps it drops, and one for being alive, which the scheduler drops when the
 * CPU has left its stack for the last time; so neither the reaper nor the
 * dying task has to wait for the other.  A task holds its process. */
#include "proc/task.h"
#include "arch/clock.h"
#include "arch/fpu.h"
#include "arch/hypercall.h"
#include "fs/groups.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kmap.h"
#include "mm/kstack.h"
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sched/record.h"
#include "sched/sched.h"
#include <linux/resource.h>

static struct task idle_task; /* of the boot CPU */

/* The idle task of a CPU: it never leaves the kernel, has no number and is in no list. */
static void make_idle(struct task *t, struct cpu *c)
{
    t->kthread = true;
    t->cred.cap_effective = UINT64_MAX; /* the first one makes devices */
    t->on_cpu = true;
    t->cpu = t->rec->cpu = c->id;
    t->rec->state = TASK_running;
    strlcpy(t->rec->comm, "idle", sizeof t->rec->comm);
    t->last_tsc = tsc_stamp();
    c->idle = c->running = t;
}

static void free_fpu(struct task *t)
{
    kfree(fpu_unplace(t->fpu));
    t->fpu = NULL;
}

/* What runs since boot becomes the idle task of its CPU. */
void task_init(void)
{
    struct cpu *c = this_cpu();

    record_init();
    idle_task.rec = record_alloc(); /* the first: there is room */
    spin_class(&idle_task.lock, LOCK_task);
    ref_init(&idle_task.refs, 1);
    idle_task.kstack = c->kstack_top;
    make_idle(&idle_task, c);
}

int task_make_idle(struct cpu *c)
{
    struct task *t;
    int err = task_alloc(&t);

    if (err != 0)
        return err;
    free_fpu(t); /* its CPU keeps the last user task's vector state */
    make_idle(t, c);
    return 0;
}

/* --- tasks -------------------------------------------------------------------- */

int task_alloc(struct task **out)
{
    struct task *t = kmalloc(sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    memset(t, 0, offsetof(struct task, cred));
    spin_class(&t->lock, LOCK_task);
    ref_init(&t->refs, 2);
    list_init(&t->thread_link);
    list_init(&t->run_link);
    sigpending_init(&t->pending);
    t->rec = record_alloc();
    t->kstack = kstack_alloc();
    void *fpu = kmalloc(fpu_block_bytes());
    if (fpu != NULL)
        t->fpu = fpu_place(fpu);
    if (t->rec == NULL || t->kstack == 0 || fpu == NULL) {
        task_free_unborn(t);
        return -ENOMEM;
    }
    t->uregs = (struct regs *)t->kstack - 1;
    t->cpu = HERE->id;
    t->start_ns = clock_mono_ns();
    *out = t;
    return 0;
}

static void task_free(struct task *t)
{
    if (t->fpu != NULL)
        free_fpu(t);
    if (t->kstack != 0)
        kstack_free(t->kstack);
    if (t->rec != NULL)
        record_free(t->rec);
    if (unlikely(t->groups != NULL))
        groups_put(t->groups);
    if (t->sighand != NULL)
        sighand_put(t->sighand);
    if (t->proc != NULL)
        process_put(t->proc);
    kfree(t);
}

void task_free_unborn(struct task *t) { task_free(t); }

void task_get(struct task *t) { ref_get(&t->refs); }

static SLOW_PATH void task_end(struct task *t)
{
    sigpending_flush(&t->pending);
    task_free(t);
}

void task_put(struct task *t)
{
    if (ref_put(&t->refs))
        task_end(t);
}

bool task_dumpable(struct task *t, bool ended)
{
    spin_lock(&t->lock);
    bool is = t->mm != NULL ? t->mm->image.dumpable == 1 : ended;
    spin_unlock(&t->lock);
    return is;
}

/* As that user, with those capabilities: t has no others. */
static bool may_access(struct task *t, uint32_t uid, uint32_t gid, uint64_t caps)
{
    const struct cred *c = &t->cred;

    if (t->proc == current->proc || has_cap(CAP_SYS_PTRACE))
        return true;
    return uid == c->uid && uid == c->euid && uid == c->suid && gid == c->gid && gid == c->egid &&
           gid == c->sgid && !(c->cap_permitted & ~caps) && task_dumpable(t, true);
}

bool task_may_attach(struct task *t)
{
    const struct cred *me = &current->cred;

    return may_access(t, me->uid, me->gid, me->cap_permitted);
}

bool task_may_look(struct task *t)
{
    const struct cred *me = &current->cred;

    return may_access(t, me->fsuid, me->fsgid, me->cap_effective);
}

#define SLACK_NS 50000ull /* of who has not set it, whose word is 0 */

uint64_t task_slack(const struct task *t)
{
    if (sched_realtime(t->policy))
        return 0;
    return t->slack_ns != 0 ? t->slack_ns : SLACK_NS;
}

void task_set_slack(struct task *t, uint64_t ns)
{
    if (!sched_realtime(t->policy))
        t->slack_ns = ns != 0 ? ns : t->slack_default_ns;
}

struct mm *task_get_mm(struct task *t)
{
    spin_lock(&t->lock);
    struct mm *mm = t->mm;
    if (mm != NULL)
        mm_get(mm);
    spin_unlock(&t->lock);
    return mm;
}
