/* runq.c - run queues: one for each CPU, and how work gets from one to another.
 *
 * A task owns a turn of slice_ns of CPU time.  While some of it is left it waits in `active`, also after a sleep, so
 * that what sleeps a lot answers fast; when it is used up the task gets a new one and waits in `expired`, which runs
 * when `active` is empty: so nobody starves, however often the others sleep.  `next` comes before both: the child of a
 * vfork, which its parent waits for, and the parent when it is released.
 *
 * Where.  A task that is woken goes to the queue of the CPU that wakes it: who
 * wakes often sleeps next, and then the two share one CPU and its caches, and no
 * interrupt is sent; tasks that talk to each other gather.  They part when there
 * is more to do than one CPU does:
 *   - a CPU without work takes from the others what has waited longest
 *     (runq_steal) before it halts;
 *   - a CPU that comes back to user mode for the second time while the same task
 *     waits, or where more than one waits, calls idle ones (runq_share).
 * `next` is not taken: whoever promised it the CPU is about to sleep.  If it does
 * not, the second return to user mode makes `next` one of those who wait.
 *
 * A CPU that enqueues for another one, or calls it, must know whether that one looks by itself.  NEED_LOOK says so: it
 * is set while a CPU is idle and looks, and from the moment somebody has asked until it has looked.  Who turns it on in
 * another CPU's need_resched sends the interrupt; who finds it on does not.
 *
 *   the other                          a CPU about to halt
 *   enqueues (n != 0)                  own bit in idle_cpus on
 *   NEED_LOOK on (locked)              looks at all queues
 *     was off: interrupt               NEED_LOOK off (locked)
 *                                      own queue empty, own bit still on? HLT
 *
 * The locked instructions order the stores before the loads on both sides.  So either the CPU sees what was enqueued,
 * or the other finds NEED_LOOK off, and the interrupt, which stays pending until HLT lets it in, ends the HLT.  Who
 * calls an idle CPU takes its bit away instead of enqueuing, with the same argument.  And who leaves a task in its own
 * queue because idle_cpus is 0 has enqueued it before the bit came on, so the look at all queues finds it.
 *
 * Two CPUs and one task.  A task that goes to sleep is blocked (task.lock) before schedule() leaves its stack, so it
 * may be queued again while that stack is in use; on_cpu says so.  It then stays in the queue of that CPU, or if its
 * affinity forbids that, is queued elsewhere but not picked or taken until on_cpu is clear: nobody waits for it holding
 * anything, nor with a stack that a third one waits for.  When on_cpu is clear the vector registers have been saved,
 * too.
 *
 * Locks.  `runnable` means queued, exactly, except while runq_move() carries a task.  At most one queue's lock is held
 * at a time, inside task.lock, so two CPUs cannot wait for each other.  task.cpu is written under the lock of the queue
 * that the task goes into; who wants the lock of a task's queue reads it, locks, and looks again. */
#include "sched/runq.h"
#include "arch/apic.h"
#include "arch/clock.h"
#include "arch/hypercall.h"
#include "arch/regs.h"
#include "sched/sched.h"
#include "trace/trace.h"

#define TURN_NS             10000000ull /* at nice 0 */
#define TURN_INTERPRETED_NS 50000000ull /* where ring 0 is, and a fork takes 20 ms */

struct runq runqs[MAX_CPUS];
static uint64_t idle_cpus __attribute__((aligned(64))); /* [a] */

static uint64_t bit(unsigned cpu) { return 1ull << cpu; }

uint64_t runq_turn(const struct task *t)
{
    uint64_t turn = kernel_interpreted() ? TURN_INTERPRETED_NS : TURN_NS;

    return turn * (uint64_t)(20 - t->nice) / 20;
}

void runq_init(struct runq *q)
{
    spin_init(&q->lock, LOCK_runq);
    list_init(&q->active);
    list_init(&q->expired);
    list_init(&q->idlers);
    list_init(&q->throttled);
    q->turn_start = tsc_stamp();
}

/* --- calling others ---------------------------------------------------------------- */

/* Something was enqueued there, or is to be taken by it. */
static void notify(unsigned cpu)
{
    if (__atomic_fetch_or(&cpus[cpu].need_resched, NEED_LOOK, __ATOMIC_SEQ_CST) & NEED_LOOK)
        return;
    HERE->kicks++;
    apic_send_ipi(cpu, IRQ_RESCHED);
}

void runq_look(unsigned cpu)
{
    if (cpu == HERE->id)
        this_cpu()->need_resched |= NEED_LOOK;
    else
        notify(cpu);
}

void runq_mark_idle(struct cpu *c)
{
    c->need_resched = NEED_LOOK;
    __atomic_fetch_or(&idle_cpus, bit(c->id), __ATOMIC_SEQ_CST);
}

void runq_mark_busy(struct cpu *c)
{
    if (__atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & bit(c->id))
        __atomic_fetch_and(&idle_cpus, ~bit(c->id), __ATOMIC_RELAXED);
}

bool runq_may_halt(struct cpu *c)
{
    __atomic_exchange_n(&c->need_resched, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&runqs[c->id].n, __ATOMIC_RELAXED) == 0 &&
           (__atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & bit(c->id));
}

bool runq_idle_elsewhere(const struct cpu *c)
{
    return (__atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & ~bit(c->id)) != 0;
}

/* An idle CPU where t may run, best the one where it was, that nobody else calls:
 * its bit, 0 if there is none. */
static uint64_t claim_idle(const struct task *t)
{
    for (;;) {
        uint64_t fit = __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & t->cpus_allowed;
        if (fit == 0)
            return 0;
        uint64_t one = fit & bit(t->rec->cpu) ? bit(t->rec->cpu) : fit & -fit;
        if (__atomic_fetch_and(&idle_cpus, ~one, __ATOMIC_SEQ_CST) & one)
            return one;
    }
}

unsigned runq_share(struct cpu *c, unsigned most)
{
    struct runq *q = &runqs[c->id];
    struct list *lists[] = { &q->active, &q->expired, &q->idlers };
    uint64_t called = 0;
    struct task *t;

    spin_lock(&q->lock);
    if (q->next != NULL && most >= q->n) {
        list_push_front(&q->active, &q->next->run_link);
        q->next = NULL;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
        list_for_each(t, lists[i], run_link) {
            uint64_t one = most != 0 ? claim_idle(t) : 0;
            called |= one;
            most -= one != 0;
        }
    }
    spin_unlock(&q->lock);
    unsigned n = 0;
    for (; called != 0; called &= called - 1, n++)
        notify((unsigned)__builtin_ctzll(called));
    return n;
}

bool runq_others_wait(const struct cpu *c)
{
    for (unsigned i = 0; i < ncpus; i++)
        if (i != c->id && __atomic_load_n(&runqs[i].n, __ATOMIC_RELAXED) != 0)
            return true;
    return false;
}

static struct task *find_stealable(struct runq *q, const struct cpu *c)
{
    struct list *lists[] = { &q->active, &q->expired, &q->idlers };
    struct task *t;

    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each(t, lists[i], run_link)
            if (runq_allows(t, c->id) && !__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
                return t;
    return NULL;
}

struct task *runq_steal(struct cpu *c)
{
    struct task *t = NULL;

    for (unsigned i = 1; i < ncpus && t == NULL; i++) {
        struct runq *q = &runqs[(c->id + i) % ncpus];
        if (__atomic_load_n(&q->n, __ATOMIC_RELAXED) == 0)
            continue;
        spin_lock(&q->lock);
        t = find_stealable(q, c);
        if (t != NULL) {
            runq_take(q, t);
            t->cpu = c->id;
            runq_set_state(t, TASK_running, 0, tsc_stamp());
        }
        spin_unlock(&q->lock);
    }
    c->steals += t != NULL;
    return t;
}

/* --- who becomes runnable ------------------------------------------------------------ */

/* A CPU that t may run on: an idle one, where it was, any. */
static unsigned choose(const struct task *t)
{
    uint64_t fit = t->cpus_allowed & cpus_online();
    uint64_t idle = fit & __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED);

    ASSERT(fit != 0);
    fit = idle != 0 ? idle : fit;
    return fit & bit(t->cpu) ? t->cpu : (unsigned)__builtin_ctzll(fit);
}

/* Where does t go, that is not queued?  More than one CPU runs. */
static unsigned place(const struct task *t, unsigned here)
{
    if (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
        return t->cpu; /* if that is forbidden, it moves itself before user mode */
    if (runq_allows(t, here))
        return here;
    return runq_allows(t, t->cpu) ? t->cpu : choose(t);
}

static void put_into(struct task *t, unsigned cpu, enum runq_place where)
{
    struct cpu *c = this_cpu();
    struct runq *q = runq_of(cpu);
    uint64_t tsc = tsc_stamp();

    spin_lock(&q->lock);
    t->cpu = cpu;
    if (t->rec->state != TASK_runnable) {
        uint32_t by = t->rec->by_pid = c->running->tid;
        runq_set_state(t, TASK_runnable, by, tsc);
    }
    runq_add(q, t, where);
    if (!q->fresh) {
        q->fresh = true;
        q->fresh_at = tsc;
    }
    spin_unlock(&q->lock);
    if (cpu == c->id)
        c->need_resched |= NEED_LOOK;
    else
        notify(cpu);
}

static void make_runnable(struct task *t, enum runq_place where)
{
    put_into(t, likely(ncpus == 1) ? 0 : place(t, HERE->id), where);
}

void sched_wake(struct task *t) { make_runnable(t, RUNQ_LAST); }

void sched_wake_first(struct task *t) { make_runnable(t, RUNQ_FIRST); }

static void start(struct task *t, enum runq_place where)
{
    struct task *maker = current;
    uint64_t half = maker->slice_ns / 2;

    t->slice_ns = half != 0 ? half : runq_special(t) ? 0 : runq_turn(t);
    if (!maker->kthread)
        maker->slice_ns -= half;
    make_runnable(t, where);
}

void sched_enqueue(struct task *t) { start(t, RUNQ_LAST); }

void sched_first(struct task *t) { start(t, RUNQ_FIRST); }

/* --- affinity -------------------------------------------------------------------------- */

void runq_move(struct task *t) { put_into(t, choose(t), RUNQ_LAST); }

/* Takes t out of the queue of a CPU that it may not run on.  False: it is in none,
 * or its stack is in use. */
static bool withdraw(struct task *t, unsigned cpu)
{
    struct runq *q = &runqs[cpu];

    spin_lock(&q->lock);
    bool queued = t->cpu == cpu && !__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE) &&
                  (q->next == t || !list_empty(&t->run_link));
    if (queued)
        runq_take(q, t);
    spin_unlock(&q->lock);
    return queued;
}

/* Is t not where it may not be?  If it is, it is sent away. */
static bool well_placed(struct task *t)
{
    unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);

    if (runq_allows(t, cpu))
        return true;
    spin_lock(&t->lock); /* who wakes it meanwhile sees the new mask */
    uint8_t state = t->rec->state;
    spin_unlock(&t->lock);
    if (state != TASK_running && state != TASK_runnable)
        return true;
    if (withdraw(t, cpu))
        runq_move(t);
    else if (cpu != HERE->id)
        notify(cpu);
    return false;
}

/* A task that runs elsewhere is told to move, and moves before it is in user mode
 * again; we wait for that, as programs may rely on it.  Meanwhile we do the same
 * when we are told: so two that move each other both end. */
void sched_set_affinity(struct task *t, uint64_t allowed)
{
    spin_lock(&t->lock);
    __atomic_store_n(&t->cpus_allowed, allowed, __ATOMIC_RELAXED);
    spin_unlock(&t->lock);
    if (t == current) {
        if (!runq_allows(t, HERE->id))
            schedule();
        return;
    }
    while (ncpus > 1 && !well_placed(t)) {
        cpu_relax_poll();
        if (this_cpu()->need_resched)
            sched_turn_check();
    }
}

/* A signal has come for t, which may be in user mode on another CPU: it is to look. */
void sched_kick(struct task *t)
{
    unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);

    if (cpu != HERE->id && __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
        notify(cpu);
}
