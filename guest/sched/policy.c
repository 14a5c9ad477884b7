/* policy.c - who is not scheduled as all others: SCHED_FIFO, SCHED_RR, SCHED_DEADLINE, SCHED_IDLE.
 *
 * Nobody else pays for them.  Their slice_ns is 0 whenever they are queued or run, which for
 * others means that a turn has ended; so they come here where that is looked at already.
 *
 * Real-time ones stand at the head of `active`, the highest priority first, and of one
 * priority in the order in which they came.  When one becomes runnable where somebody else runs, that
 * one's turn is made to have ended.  One that loses the CPU to a higher one goes to the front of its
 * priority; one that has yielded, or is SCHED_RR and at its turn's end, behind the others of it.
 * `next`, who was promised the CPU (vfork), still goes before them, once.
 *
 * Those with a deadline stand before the real-time ones, the earliest first, until they have run for their runtime in
 * the present period; for the rest of it they are in `throttled`, which nobody picks from.  A timer begins each period,
 * and another looks whether the runtime is over, as nothing else does while nobody else waits.  What they have
 * used is what is booked to them, so sleeping is no way around it.
 *
 * Nobody starves.  A real-time task that has run for BUSY_NS without sleeping waits in `expired` while all
 * others that wait have a turn.  Idlers run when nobody else can; but one may hold a mutex, so after each
 * IDLE_EVERY turns that end while one waits, the first of them has one among the others, of a twentieth.
 * Timers are interrupts and wait for nobody.
 *
 * Who is lent a real-time priority (futex_lend.c) is as one that has it, and of SCHED_FIFO.
 *
 * Each CPU has its own order: a real-time task that waits on one is taken by another that is idle, not by one that
 * runs somebody less urgent. */
#include "arch/clock.h"
#include "sched/policy.h"
#include "sched/runq.h"
#include "sched/sched.h"
#include "mm/heap.h"
#include "sched/times.h"

#define BUSY_NS    950000000ull
#define IDLE_EVERY 32u
#define IDLE_PART  20u

uint32_t sched_rr_turn_ms = RR_TURN_MS;

bool runq_special(const struct task *t)
{
    return sched_realtime(t->policy) || t->policy == SCHED_IDLE || t->policy == SCHED_DEADLINE ||
           t->lent != 0;
}

#define RANK_DEADLINE 100u /* above 1..99 */

static unsigned rank(const struct task *t)
{
    unsigned own = t->policy != SCHED_DEADLINE ? t->rt_priority
                   : t->deadline->spent        ? 0
                                               : RANK_DEADLINE;

    return MAX(own, (unsigned)t->lent);
}

unsigned sched_rank(const struct task *t)
{
    unsigned own = t->policy == SCHED_DEADLINE ? RANK_DEADLINE - 1 : t->rt_priority;

    return MAX(own, (unsigned)t->lent);
}

/* Of two with a deadline that are not spent. */
static bool earlier(const struct task *a, const struct task *b)
{
    const struct deadline *x = a->deadline, *y = b->deadline;

    return x->until - x->period + x->deadline < y->until - y->period + y->deadline;
}

static bool urgent(const struct task *a, const struct task *b)
{
    unsigned x = rank(a), y = rank(b);

    return x != y ? x > y : x == RANK_DEADLINE && earlier(a, b);
}

static uint64_t own_turn(const struct task *t)
{
    return t->policy == SCHED_RR ? __atomic_load_n(&sched_rr_turn_ms, __ATOMIC_RELAXED) * 1000000ull
                                 : runq_turn(t);
}

/* Before those of `active` that have no higher priority, or behind those of the same. */
static void add_realtime(struct runq *q, struct task *t, bool front)
{
    struct task *other;

    list_for_each(other, &q->active, run_link)
        if (urgent(t, other) || (front && !urgent(other, t)))
            break;
    list_push_back(&other->run_link, &t->run_link);
}

/* Who runs on that CPU is to give it up when it looks; a real-time task is queued there. */
static void end_turn(struct runq *q, const struct task *t)
{
    const struct task *runs = cpus[q - runqs].running;

    if (runs != NULL && runs != t && runs->slice_ns != 0)
        q->turn_start = 0;
}

/* t, whose CPU q belongs to, has run since q->turn_start. */
static void count_time(struct runq *q, struct task *t, uint64_t tsc)
{
    uint64_t ran = q->turn_start != 0 ? clock_tsc_to_ns(tsc - q->turn_start) : 0;

    t->own_turn_ns = ran < t->own_turn_ns ? t->own_turn_ns - ran : 0;
    t->busy_ns += ran;
}

/* What is left of its runtime in this period; it does not run. */
static uint64_t runtime_left(const struct task *t)
{
    uint64_t used = t->utime_ns + t->stime_ns - t->deadline->mark;

    return used < t->deadline->runtime ? t->deadline->runtime - used : 0;
}

static void add_deadline(struct runq *q, struct task *t)
{
    bool front = t->displaced;

    t->displaced = false;
    t->own_turn_ns = runtime_left(t);
    t->deadline->spent = t->own_turn_ns == 0;
    t->deadline->throttled = t->deadline->spent;
    if (t->deadline->spent) {
        list_push_back(&q->throttled, &t->run_link);
        q->n--; /* the caller counts it */
    } else {
        add_realtime(q, t, front);
        end_turn(q, t);
    }
}

static void add_own(struct runq *q, struct task *t)
{
    if (t->policy == SCHED_DEADLINE && t->lent == 0) {
        add_deadline(q, t);
        return;
    }
    bool ran = t == this_cpu()->running && q == &runqs[HERE->id], front = t->displaced;

    t->displaced = false;
    if (ran) {
        count_time(q, t, tsc_stamp());
    } else {
        t->own_turn_ns = 0;
        t->busy_ns = 0;
    }
    if (t->own_turn_ns == 0)
        t->own_turn_ns = own_turn(t);
    if (t->policy == SCHED_IDLE && t->lent == 0) {
        list_push_back(&q->idlers, &t->run_link);
    } else if (t->busy_ns >= BUSY_NS && q->n != 0) {
        t->busy_ns = 0;
        list_push_back(&q->expired, &t->run_link);
    } else {
        add_realtime(q, t, front);
        end_turn(q, t);
    }
}

/* A turn of somebody has ended: is it time for an idler? */
static void let_idler(struct runq *q)
{
    if (++q->turns_ended % IDLE_EVERY != 0)
        return;
    struct task *t = list_first(&q->idlers, struct task, run_link);

    list_remove(&t->run_link);
    t->slice_ns = runq_turn(t) / IDLE_PART;
    list_push_back(&q->expired, &t->run_link);
}

void runq_add_special(struct runq *q, struct task *t)
{
    if (runq_special(t)) {
        add_own(q, t);
        return;
    }
    t->slice_ns = runq_turn(t);
    list_push_back(&q->expired, &t->run_link);
    if (!list_empty(&q->idlers))
        let_idler(q);
}

struct task *runq_pick_idler(struct runq *q, const struct task *prev)
{
    struct task *t;

    list_for_each(t, &q->idlers, run_link)
        if (!__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE) || t == prev)
            return t;
    return NULL;
}

static void take(struct runq *q, struct task *t)
{
    if (t->deadline != NULL && t->deadline->throttled) {
        t->deadline->throttled = false;
        q->n++;
    }
    runq_take(q, t);
}

/* q->lock held.  How long current may go on, ns; 0: not at all. */
static uint64_t time_left(struct runq *q, struct task *t, uint64_t ran)
{
    uint64_t left = t->own_turn_ns > ran ? t->own_turn_ns - ran : 0, busy = t->busy_ns + ran;

    if (t->policy == SCHED_IDLE && t->lent == 0)
        return q->next == NULL && list_empty(&q->active) && list_empty(&q->expired) ? left : 0;
    const struct task *head = list_first(&q->active, struct task, run_link);
    unsigned best = list_empty(&q->active) ? 0 : rank(head);
    t->displaced = best != 0 && urgent(head, t);
    if (t->policy == SCHED_DEADLINE && t->lent == 0)
        return t->displaced ? 0 : left;
    if (t->displaced || busy >= BUSY_NS)
        return 0;
    return t->policy == SCHED_RR && best == t->rt_priority ? MIN(left, BUSY_NS - busy)
                                                           : BUSY_NS - busy;
}

uint64_t runq_time_left(struct runq *q, uint64_t tsc)
{
    struct task *t = current;

    if (!runq_special(t))
        return 0;
    spin_lock(&q->lock);
    uint64_t left = time_left(q, t, q->turn_start != 0 ? clock_tsc_to_ns(tsc - q->turn_start) : 0);
    spin_unlock(&q->lock);
    return left;
}

/* t's queue, locked; t->lock is held, so nobody else puts it into one. */
static struct runq *lock_queue(struct task *t)
{
    for (;;) {
        unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
        struct runq *q = &runqs[cpu];
        spin_lock(&q->lock);
        if (t->cpu == cpu)
            return q;
        spin_unlock(&q->lock);
    }
}

void sched_lend(struct task *t, unsigned rank)
{
    spin_lock(&t->lock);
    struct runq *q = lock_queue(t);
    bool changed = t->lent != rank, queued = q->next == t || !list_empty(&t->run_link);
    if (changed && queued)
        take(q, t);
    if (changed) {
        t->lent = (uint8_t)rank;
        t->displaced = false;
        t->slice_ns = runq_special(t) ? 0 : runq_turn(t);
    }
    if (changed && queued)
        runq_add(q, t, RUNQ_LAST);
    spin_unlock(&q->lock);
    spin_unlock(&t->lock);
    if (changed)
        runq_look((unsigned)(q - runqs));
}

/* --- deadlines ---------------------------------------------------------------------- */

#define BUDGET_STEP 500000ull /* ns: it is looked at no more often */

/* Its runtime is over, or not yet. */
static void look_at_budget(struct timer *timer)
{
    struct deadline *dl = container_of(timer, struct deadline, budget);
    struct task *t = dl->task;
    uint64_t user, sys;

    spin_lock(&t->lock);
    struct runq *q = lock_queue(t);
    bool its = t->deadline == dl;
    task_times(t, &user, &sys);
    uint64_t used = user + sys - dl->mark, left = used < dl->runtime ? dl->runtime - used : 0;
    bool runs = its && left == 0 && t->rec->state == TASK_running;
    uint64_t next = left == 0 && !runs ? dl->until + dl->runtime : clock_mono_ns() + left;
    spin_unlock(&q->lock);
    spin_unlock(&t->lock);
    if (runs) {
        __atomic_fetch_or(&t->rseq_event, RETURN_DEADLINE, __ATOMIC_SEQ_CST);
        runq_look((unsigned)(q - runqs));
    }
    if (its)
        timer_start(timer, MAX(next, clock_mono_ns() + BUDGET_STEP));
}

void sched_deadline_pause(void)
{
    current->slice_ns = 0;
    schedule();
}

void sched_deadline_yield(void)
{
    struct task *t = current;

    spin_lock(&t->lock);
    struct runq *q = lock_queue(t);
    t->deadline->mark -= t->deadline->runtime;
    spin_unlock(&q->lock);
    spin_unlock(&t->lock);
}

/* A period begins: the task may run for its runtime again. */
static void renew(struct timer *timer)
{
    struct deadline *dl = container_of(timer, struct deadline, renew);
    struct task *t = dl->task;
    uint64_t user, sys, now = clock_mono_ns();

    spin_lock(&t->lock);
    struct runq *q = lock_queue(t);
    bool its = t->deadline == dl, queued = its && (q->next == t || !list_empty(&t->run_link));
    if (queued)
        take(q, t);
    if (its) {
        task_times(t, &user, &sys);
        dl->mark = user + sys;
        dl->spent = false;
        dl->until += (now - dl->until) / dl->period * dl->period + dl->period;
        uint64_t since = __atomic_load_n(&q->turn_start, __ATOMIC_RELAXED), tsc = tsc_stamp();
        t->own_turn_ns =
            dl->runtime + (since != 0 && tsc > since ? clock_tsc_to_ns(tsc - since) : 0);
    }
    if (queued)
        runq_add(q, t, RUNQ_LAST);
    spin_unlock(&q->lock);
    spin_unlock(&t->lock);
    if (!its)
        return;
    runq_look((unsigned)(q - runqs));
    timer_start(timer, dl->until);
}

#define SHARE_SHIFT  20
#define SHARE_OF_CPU ((95ull << SHARE_SHIFT) / 100) /* all of them may have so much of each CPU */

static uint64_t promised; /* [T] the sum of their shares of a CPU, << SHARE_SHIFT */

static uint64_t share_of(const struct deadline *dl)
{
    return dl != NULL ? (dl->runtime << SHARE_SHIFT) / dl->period : 0;
}

bool sched_deadline_fits(const struct task *t, const struct deadline *dl)
{
    return promised - share_of(t->deadline) + share_of(dl) <= SHARE_OF_CPU * ncpus;
}

static void deadline_begin(struct task *t, struct deadline *dl)
{
    uint64_t user, sys;

    task_times(t, &user, &sys);
    dl->task = t;
    dl->mark = user + sys;
    dl->spent = false;
    dl->until = clock_mono_ns() + dl->period;
    timer_setup(&dl->renew, renew);
    timer_setup(&dl->budget, look_at_budget);
}

/* Nobody finds it by its task any more, but it may be being renewed, and then starts its timer once more. */
static void deadline_free(struct deadline *dl)
{
    timer_finish(&dl->renew);
    timer_finish(&dl->renew);
    timer_finish(&dl->budget);
    timer_finish(&dl->budget);
    kfree(dl);
}

void sched_set_policy(struct task *t, uint32_t policy, uint32_t rt_priority, struct deadline *dl)
{
    struct deadline *old = t->deadline;

    promised += share_of(dl) - share_of(old);
    if (dl != NULL)
        deadline_begin(t, dl);
    spin_lock(&t->lock);
    struct runq *q = lock_queue(t);
    bool queued = q->next == t || !list_empty(&t->run_link);
    if (queued)
        take(q, t);
    t->deadline = dl;
    t->policy = (uint8_t)policy;
    t->rt_priority = (uint8_t)rt_priority;
    t->displaced = false;
    t->busy_ns = 0;
    t->own_turn_ns = dl != NULL ? dl->runtime : own_turn(t);
    t->slice_ns = runq_special(t) ? 0 : runq_turn(t);
    if (queued)
        runq_add(q, t, RUNQ_LAST);
    spin_unlock(&q->lock);
    spin_unlock(&t->lock);
    runq_look((unsigned)(q - runqs));
    if (dl != NULL) {
        timer_start(&dl->renew, dl->until);
        timer_start(&dl->budget,
                    clock_mono_ns() + MAX(dl->runtime, BUDGET_STEP)); /* then by itself */
    }
    if (old != NULL)
        deadline_free(old);
}
