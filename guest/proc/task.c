/* task.c - tasks and processes as objects: their memory, references, records,
 * and their places in the family.
 *
 * A task has a reference for its place in the PID table, which the one that
 * reaps it drops, and one for being alive, which the scheduler drops when the
 * CPU has left its stack for the last time; so neither the reaper nor the
 * dying task has to wait for the other.  A task holds its process.
 *
 * Records (shared/inspect.h) lie in pages of their own, which are never given
 * back, as someone may be reading them from outside.  A free record has pid 0
 * and keeps the next free one's address in since_tsc. */
#include "proc/internal.h"
#include "arch/clock.h"
#include "arch/fpu.h"
#include "arch/hypercall.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "proc/pid.h"
#include <linux/resource.h>

struct spinlock tree_lock = SPINLOCK_INIT(LOCK_tree);
struct process *init_process;
struct list all_processes = LIST_INIT(all_processes);
uint32_t nprocesses, nthreads_total;

static struct inspect_root inspect;
static struct inspect_page *newest_page; /* [records_lock] */
static struct task_record *free_records; /* [records_lock] */
static uint32_t fresh_record;            /* [records_lock] first unused one of newest_page */
static struct spinlock records_lock = SPINLOCK_INIT(LOCK_records); /* innermost but frame */

static struct task idle_task; /* of the boot CPU */

/* --- records ------------------------------------------------------------------ */

static int records_grow(void)
{
    pfn_t pfn = frame_alloc_zeroed();
    if (pfn == 0)
        return -ENOMEM;
    struct inspect_page *page = frame_va(pfn);
    page->next = inspect.first_page;
    inspect.first_page = virt_to_phys(page);
    newest_page = page;
    fresh_record = 0;
    return 0;
}

static struct task_record *record_alloc(void)
{
    struct task_record *rec = NULL;

    spin_lock(&records_lock);
    if (free_records != NULL) {
        rec = free_records;
        free_records = (struct task_record *)rec->since_tsc;
    } else if (fresh_record < INSPECT_RECORDS_PER_PAGE || records_grow() == 0) {
        rec = &newest_page->record[fresh_record++];
    }
    spin_unlock(&records_lock);
    if (rec != NULL) {
        memset(rec, 0, sizeof *rec);
        rec->syscall = 0xffff;
    }
    return rec;
}

static void record_free(struct task_record *rec)
{
    rec->pid = 0;
    spin_lock(&records_lock);
    rec->since_tsc = (uint64_t)free_records;
    free_records = rec;
    spin_unlock(&records_lock);
}

void task_inspect_running(uint32_t cpu, uint32_t tid) { inspect.running[cpu] = tid; }

/* The idle task of a CPU: it never leaves the kernel, has no number and is in no list. */
static void make_idle(struct task *t, struct cpu *c)
{
    t->kthread = true;
    t->on_cpu = true;
    t->cpu = t->rec->cpu = c->id;
    t->rec->state = TASK_running;
    strlcpy(t->rec->comm, "idle", sizeof t->rec->comm);
    t->last_tsc = tsc_stamp();
    c->idle = c->running = t;
}

/* What runs since boot becomes the idle task of its CPU. */
void task_init(void)
{
    struct cpu *c = this_cpu();

    inspect.magic = INSPECT_MAGIC;
    inspect.tsc_khz = tsc_khz;
    inspect.ncpus = ncpus;
    if (records_grow() != 0 || (idle_task.rec = record_alloc()) == NULL)
        panic("no memory for the first task");
    spin_class(&idle_task.lock, LOCK_task);
    idle_task.refs = 1;
    idle_task.kstack = c->kstack_top;
    make_idle(&idle_task, c);
    if (hc_present)
        hypercall(HC_INSPECT, virt_to_phys(&inspect), 0, 0, 0);
}

int task_make_idle(struct cpu *c)
{
    struct task *t;
    int err = task_alloc(&t);

    if (err != 0)
        return err;
    fpu_free(t); /* its CPU keeps the last user task's vector state */
    make_idle(t, c);
    return 0;
}

/* More CPUs run now. */
void task_inspect_cpus(void) { inspect.ncpus = ncpus; }

/* --- tasks -------------------------------------------------------------------- */

int task_alloc(struct task **out)
{
    struct task *t = kmalloc(sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    memset(t, 0, offsetof(struct task, cred));
    spin_class(&t->lock, LOCK_task);
    t->refs = 2;
    list_init(&t->thread_link);
    list_init(&t->run_link);
    sigpending_init(&t->pending);
    t->rec = record_alloc();
    t->kstack = kstack_alloc();
    if (t->rec == NULL || t->kstack == 0 || fpu_alloc(t) != 0) {
        task_free_unborn(t);
        return -ENOMEM;
    }
    t->uregs = (struct regs *)t->kstack - 1;
    t->cpu = this_cpu()->id;
    t->start_ns = clock_mono_ns();
    *out = t;
    return 0;
}

static void task_free(struct task *t)
{
    if (t->fpu != NULL)
        fpu_free(t);
    if (t->kstack != 0)
        kstack_free(t->kstack);
    if (t->rec != NULL)
        record_free(t->rec);
    if (t->sighand != NULL)
        sighand_put(t->sighand);
    if (t->proc != NULL)
        process_put(t->proc);
    kfree(t);
}

void task_free_unborn(struct task *t) { task_free(t); }

void task_get(struct task *t) { __atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED); }

void task_put(struct task *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    sigpending_flush(&t->pending);
    task_free(t);
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

/* --- processes ---------------------------------------------------------------- */

int process_alloc(struct process **out)
{
    struct process *p = kmalloc(sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    memset(p, 0, offsetof(struct process, rlim));
    p->refs = 1;
    list_init(&p->threads);
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->all_link);
    waitq_init(&p->child_wait);
    waitq_init(&p->end_wait);
    itimer_init(p);
    sigpending_init(&p->shared_pending);
    *out = p;
    return 0;
}

void process_get(struct process *p) { __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED); }

void process_put(struct process *p)
{
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    sigpending_flush(&p->shared_pending);
    kfree(p);
}

struct process *process_find(uint32_t tgid)
{
    ASSERT_SPIN_HELD(&tree_lock);
    struct task *t = task_find(tgid);
    return t != NULL && t->proc->tgid == tgid ? t->proc : NULL;
}

void process_set_group(struct process *p, uint32_t pgid)
{
    pid_hold(pgid);
    if (p->pgid != 0)
        pid_drop(p->pgid);
    p->pgid = pgid;
}

void process_set_session(struct process *p, struct session *s)
{
    struct session *old = p->session;

    session_get(s);
    pid_hold(s->sid);
    p->session = s;
    if (old != NULL) {
        pid_drop(old->sid);
        session_put(old);
    }
}

void process_link(struct process *p)
{
    list_push_back(&all_processes, &p->all_link);
    if (p->parent != NULL)
        list_push_back(&p->parent->children, &p->sibling);
    nprocesses++;
}

void process_release(struct process *p)
{
    struct task *leader = p->leader;

    ASSERT_SPIN_HELD(&tree_lock);
    list_remove(&p->all_link);
    list_remove(&p->sibling);
    nprocesses--;
    pid_drop(p->pgid);
    pid_drop(p->session->sid);
    session_put(p->session);
    p->session = NULL;
    p->leader = NULL;
    thread_release(leader);
    process_put(p);
}

void thread_release(struct task *t)
{
    spin_lock(&t->lock);
    task_set_state(t, TASK_dead, BLOCK_none, 0);
    spin_unlock(&t->lock);
    list_remove(&t->thread_link);
    pid_free(t->tid);
    task_put(t);
}

bool pgrp_exists(uint32_t pgid, struct session *in)
{
    struct process *p;

    ASSERT_SPIN_HELD(&tree_lock);
    list_for_each(p, &all_processes, all_link)
        if (p->pgid == pgid && p->session == in)
            return true;
    return false;
}

/* POSIX: no member has a parent in the same session but another group.  Init
 * does not count as a parent that cares, and the dead do not count. */
bool pgrp_orphaned(uint32_t pgid)
{
    struct process *p;

    ASSERT_SPIN_HELD(&tree_lock);
    list_for_each(p, &all_processes, all_link) {
        if (p->pgid != pgid || p->zombie || p->parent == NULL || p->parent == init_process)
            continue;
        if (p->parent->pgid != pgid && p->parent->session == p->session)
            return false;
    }
    return true;
}

void session_get(struct session *s) { __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED); }

void session_put(struct session *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kfree(s);
}
