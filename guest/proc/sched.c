/* sched.c - who runs: a run queue per CPU, round robin with turns.
 *
 * A task owns a turn of slice_ns of CPU time.  While some of it is left it
 * waits in `active`, also after a sleep, so that what sleeps a lot answers
 * fast; when it is used up the task gets a new one and waits in `expired`,
 * which runs when `active` is empty: so nobody starves, however often the
 * others sleep.  A new task takes half of what its maker has left.
 *
 * Tickless.  Waking somebody only sets need_resched; the way back to user mode
 * arms the timer for the end of the turn, if somebody waits and it is not
 * armed already, and the timer's interrupt comes back here.  A task that
 * sleeps before it returns to user mode has cost no timer at all.
 *
 * Two CPUs and one task.  A task that goes to sleep is blocked (task.lock)
 * before schedule() leaves its stack, so a waker on another CPU may queue it
 * while that stack is in use; on_cpu says so, the next task clears it when it
 * stands on its own stack, and whoever picks the task waits for that.  `runnable` means
 * queued, exactly: both change together under the queue's lock.  Lock order:
 * task.lock, then the queue's.  A task stays on the CPU of its creator: moving
 * tasks, and the interrupt that tells another CPU, come with the second CPU.
 *
 * Load average counts who runs or could run.  A parent blocked in vfork has
 * state D, but is not counted, unlike in Linux: it waits for its own child's
 * instructions, not for a device, and the child is counted already.
 *
 * CPU time is exact in sum, and split where the kernel is entered and left:
 * task_enter_kernel(), task_leave_kernel().  What entry.asm does before and
 * after, and preemption on the way out, counts as user time. */
#include "proc/internal.h"
#include "arch/clock.h"
#include "arch/fpu.h"
#include "arch/hypercall.h"
#include "arch/uaccess.h"
#include "trace/trace.h"

#define TURN_NS      10000000ull    /* at nice 0 */
#define TURN_INTERPRETED_NS 50000000ull     /* where ring 0 is, and a fork takes 20 ms */
/* How long one who was just woken may have to wait.  The waker gets to its next call
 * first, also where a call takes a millisecond: a shell that kills a child waits for
 * it before it is dead, and says so, as on other systems. */
#define PATIENCE_NS  1000000ull
#define PATIENCE_INTERPRETED_NS 20000000ull
#define LOAD_PERIOD  (5 * NSEC_PER_SEC)

struct runq {
    struct spinlock lock;
    struct list active, expired;    /* task.run_link */
    unsigned    n;                  /* in both */
    bool        fresh;              /* somebody in active was woken during the present turn, */
    uint64_t    fresh_at;           /*   the first at this TSC */
    uint64_t    turn_start;         /* TSC: since when the present task runs */
    uint64_t    armed;              /* ns: the timer will call need_resched then */
    struct task *left;              /* whose stack switch_to has just left */
    struct task *dead;              /* it is gone for good: to be buried */
};

static struct runq runqs[MAX_CPUS];
static struct spinlock load_lock = SPINLOCK_INIT(LOCK_load);
static uint64_t load_next;          /* ns: when the averages are due again */
static uint32_t load[3];            /* 16.16 */

static uint64_t turn_of(const struct task *t)
{
    uint64_t turn = hc_caps & HC_CAP_PAGE_OPS ? TURN_INTERPRETED_NS : TURN_NS;

    return turn * (uint64_t)(20 - t->nice) / 20;
}

void sched_init(void)
{
    struct runq *q = &runqs[this_cpu()->id];

    spin_init(&q->lock, LOCK_runq);
    list_init(&q->active);
    list_init(&q->expired);
    q->turn_start = rdtsc();
    load_next = clock_mono_ns() + LOAD_PERIOD;
}

/* --- states and time ---------------------------------------------------------- */

void task_set_state(struct task *t, enum task_state next, enum block_reason reason, uint32_t on_pid)
{
    struct task_record *rec = t->rec;
    uint8_t prev = rec->state;
    uint32_t by = next == TASK_runnable && prev != TASK_running ? current->tid : 0;

    rec->reason = reason;
    rec->on_pid = on_pid;
    if (by != 0)
        rec->by_pid = by;
    rec->since_tsc = rdtsc();
    rec->state = next;
    if (t->tid != 0)
        trace_task_state(rec->mm, t->tid, prev, next, reason, on_pid, by);
}

/* Books the time since last_tsc to current. */
static void account(struct task *t, uint64_t now)
{
    uint64_t all = now - t->last_tsc, system = t->kernel_tsc;

    if (t->kthread)
        system = all;
    else if (t->entry_tsc != 0)
        system += now - MAX(t->entry_tsc, t->last_tsc);
    t->utime_ns += clock_tsc_to_ns(all - MIN(system, all));
    t->stime_ns += clock_tsc_to_ns(MIN(system, all));
    t->kernel_tsc = 0;
    t->last_tsc = now;
}

void task_times(struct task *t, uint64_t *user, uint64_t *sys)
{
    if (t == current)
        account(t, rdtsc());
    *user = t->utime_ns;
    *sys = t->stime_ns;
}

/* Averages over 1, 5 and 15 minutes: every 5 s, load += (n - load) * (1 - e^(-5/T)).
 * Called before what runs changes, so n is what it was since the last time. */
static void load_update(uint64_t now, unsigned n)
{
    static const uint32_t share[3] = { 5236, 1083, 363 };   /* of 65536 */

    spin_lock(&load_lock);
    if (now > load_next + 4 * 900 * NSEC_PER_SEC)
        load_next = now - 4 * 900 * NSEC_PER_SEC;   /* the rest is forgotten anyway */
    for (; load_next <= now; load_next += LOAD_PERIOD) {
        for (unsigned i = 0; i < 3; i++) {
            int64_t diff = ((int64_t)n << 16) - load[i];
            load[i] += (uint32_t)(diff * share[i] / 65536);
        }
    }
    spin_unlock(&load_lock);
}

static unsigned running_now(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ncpus; i++)
        n += runqs[i].n + (cpus[i].running != cpus[i].idle);
    return n;
}

uint64_t sched_loadavg(unsigned i)
{
    load_update(clock_mono_ns(), running_now());
    return load[i];
}

uint64_t sched_uptime_idle_ns(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ncpus; i++)
        sum += cpus[i].idle_ns;
    return sum;
}

/* --- queues ------------------------------------------------------------------- */

/* q->lock held. */
static void enqueue(struct runq *q, struct task *t, bool first)
{
    if (t->slice_ns == 0) {
        t->slice_ns = turn_of(t);
        list_push_back(&q->expired, &t->run_link);
    } else if (first) {
        list_push_front(&q->active, &t->run_link);
    } else {
        list_push_back(&q->active, &t->run_link);
    }
    q->n++;
}

static void make_runnable(struct task *t, bool first)
{
    struct runq *q = &runqs[t->cpu];

    spin_lock(&q->lock);
    task_set_state(t, TASK_runnable, BLOCK_none, 0);
    enqueue(q, t, first);
    if (!q->fresh) {
        q->fresh = true;
        q->fresh_at = rdtsc();
    }
    spin_unlock(&q->lock);
    cpus[t->cpu].need_resched = 1;
}

void sched_wake(struct task *t)
{
    make_runnable(t, false);
}

static void start(struct task *t, bool first)
{
    struct task *maker = current;
    uint64_t half = maker->slice_ns / 2;

    t->slice_ns = half != 0 ? half : turn_of(t);
    if (!maker->kthread)
        maker->slice_ns -= half;
    make_runnable(t, first);
}

void sched_enqueue(struct task *t)
{
    start(t, false);
}

void sched_first(struct task *t)
{
    start(t, true);
}

/* q->lock held. */
static struct task *pick(struct runq *q, struct task *idle)
{
    if (q->n == 0)
        return idle;
    if (list_empty(&q->active))
        list_splice_back(&q->active, &q->expired);
    struct task *t = list_first(&q->active, struct task, run_link);
    list_remove(&t->run_link);
    q->n--;
    return t;
}

/* --- switching ---------------------------------------------------------------- */

static void switch_machine(struct cpu *c, struct task *prev, struct task *next)
{
    while (__atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE))
        cpu_relax_poll();
    next->on_cpu = true;
    next->rec->cpu = c->id;
    next->last_tsc = prev->last_tsc;
    c->switches++;
    trace_switch(prev->tid, next->tid, next->rec->mm);
    task_inspect_running(c->id, next->tid);
    fpu_switch(prev, next);
    mm_activate(next->mm);
    cpu_set_kernel_stack(next->kstack);
    c->running = next;
    runqs[c->id].left = prev;
    switch_to(prev, next);
}

/* On the next task's stack: the previous one's is free, and if that task has
 * ended, nothing needs it any more. */
static void finish_switch(void)
{
    struct runq *q = &runqs[this_cpu()->id];
    struct task *dead = q->dead;

    __atomic_store_n(&q->left->on_cpu, false, __ATOMIC_RELEASE);
    if (dead != NULL) {
        q->dead = NULL;
        task_put(dead);
    }
}

void schedule_tail(void)
{
    struct task *t = current;

    finish_switch();
    if (t->set_child_tid != 0)
        put_user(t->tid, t->set_child_tid);     /* as in Linux, a bad address is not an error */
}

void schedule(void)
{
    LOCK_NO_SPIN("held while another task runs");
    struct cpu *c = this_cpu();
    struct runq *q = &runqs[c->id];
    struct task *prev = c->running;
    uint64_t tsc = rdtsc(), now = clock_mono_at(tsc);
    uint64_t ran = clock_tsc_to_ns(tsc - q->turn_start);

    account(prev, tsc);
    if (now >= load_next)
        load_update(now, running_now());
    spin_lock(&q->lock);
    c->need_resched = 0;
    q->fresh = false;
    prev->slice_ns = ran < prev->slice_ns ? prev->slice_ns - ran : 0;
    if (prev->rec->state == TASK_running && prev != c->idle) {
        task_set_state(prev, TASK_runnable, BLOCK_none, 0);
        enqueue(q, prev, false);
    }
    struct task *next = pick(q, c->idle);
    if (next != c->idle)
        task_set_state(next, TASK_running, BLOCK_none, 0);
    q->turn_start = tsc;
    bool others = q->n != 0;
    spin_unlock(&q->lock);
    if (others)
        c->need_resched = 1;        /* on the way to user mode: a timer for this turn's end */
    if (next != prev) {
        switch_machine(c, prev, next);
        finish_switch();
    }
}

void sched_yield_now(void)
{
    current->slice_ns = 0;          /* behind all others */
    schedule();
}

void sched_exit(void)
{
    LOCK_NO_LOCK("held by a task that ends");
    runqs[this_cpu()->id].dead = current;
    schedule();
    panic("a dead task was scheduled");
}

static uint64_t patience_ns(void)
{
    return hc_caps & HC_CAP_PAGE_OPS ? PATIENCE_INTERPRETED_NS : PATIENCE_NS;
}

/* Called with need_resched set: is the turn over?  Else see to it that the
 * timer says when it is. */
static void turn_check(void)
{
    struct cpu *c = this_cpu();
    struct runq *q = &runqs[c->id];

    c->need_resched = 0;
    if (q->n == 0)
        return;
    uint64_t tsc = rdtsc(), now = clock_mono_at(tsc);
    uint64_t ran = clock_tsc_to_ns(tsc - q->turn_start);
    uint64_t turn = current->slice_ns;
    if (q->fresh)
        turn = MIN(turn, clock_tsc_to_ns(q->fresh_at - q->turn_start) + patience_ns());
    if (ran >= turn) {
        current->nivcsw++;
        schedule();
        now = clock_mono_ns();
        ran = 0;
        turn = current->slice_ns;
        c->need_resched = 0;
        if (q->n == 0)
            return;
    }
    uint64_t end = now + turn - ran;
    if (q->armed <= now || end < q->armed) {
        q->armed = end;
        timer_set_slice(end);
    }
}

void preempt_point(void)
{
    LOCK_NO_SPIN("held while interrupts come in");
    cpu_irq_window();
    if (this_cpu()->need_resched)
        turn_check();
}

void trap_return_work(struct regs *r)
{
    while (this_cpu()->need_resched || current->sig_pending) {
        if (this_cpu()->need_resched)
            turn_check();
        if (current->sig_pending)
            signal_deliver(r);
    }
    LOCK_NO_LOCK("held on the way to user mode");
}

void sched_idle(void)
{
    struct cpu *c = this_cpu();

    for (;;) {
        if (runqs[c->id].n != 0) {
            schedule();
            continue;
        }
        uint64_t from = clock_mono_ns();
        cpu_idle_wait();
        c->idle_ns += clock_mono_ns() - from;
    }
}
