/* sched.c - who runs: schedule(), turns, preemption, the idle loop.  Run queues
 * and how work is spread over CPUs: runq.c.
 *
 * Tickless.  Waking somebody only sets need_resched; the way back to user mode arms the timer for the end of the turn,
 * if somebody waits and it is not armed already, and the timer's interrupt comes back here.  A task that sleeps before
 * it returns to user mode has cost no timer at all, and an idle CPU has only those armed that somebody waits for.
 *
 * Work for idle CPUs.  When the task that runs comes back to user mode and one other waits, that one may be about to
 * get this CPU; so idle CPUs are called (runq_share) at the next return, or after HANDOVER_NS in user mode.  If more
 * than one waits, they are called for the others at once.
 *
 * A task may go on on another CPU when schedule() returns: what this_cpu() said before is not true any more.  A task
 * that may not be on its CPU leaves it in schedule(), which is called before user mode: need_resched was set for it.
 *
 * Lock order: task.lock, then the run queue's. */
#include "proc/pid_ns.h"
#include "sched/sched.h"
#include "arch/clock.h"
#include "arch/fpu.h"
#include "arch/hypercall.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "entry/switch.h"
#include "mm/mm.h"
#include "mm/tlb.h"
#include "sched/load.h"
#include "sched/runq.h"
#include "sched/times.h"
#include "trace/trace.h"

/* How long one who was just woken may have to wait.  The waker gets to its next call
 * first, also where a call takes a millisecond: a shell that kills a child waits for
 * it before it is dead, and says so, as on other systems. */
#define PATIENCE_NS             1000000ull
#define PATIENCE_INTERPRETED_NS 20000000ull
/* How long one may wait whom an idle CPU could run; a task that stays in user mode is
 * interrupted for that after some times as long. */
#define HANDOVER_NS             25000ull
#define HANDOVER_INTERPRETED_NS 1000000ull
#define HANDOVER_TIMER          10

/* About what a switch and the wake before it take. */
#define SWITCH_WORK 700

static bool killed(void) { return signal_fatal_pending(current); }

/* Each CPU for itself, before others know it. */
void sched_init(void)
{
    static const struct preempt_hooks hooks = { .turn_check = sched_turn_check, .killed = killed };
    struct cpu *c = this_cpu();

    runq_init(&runqs[c->id]);
    if (c->id == 0) {
        preempt_register(&hooks);
        load_init();
    } else { /* until now it has idled */
        c->idle_ns = clock_mono_ns();
    }
}

/* --- switching ---------------------------------------------------------------- */

static void switch_machine(struct cpu *c, struct task *prev, struct task *next)
{
    next->on_cpu = true;
    if (ncpus > 1) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* sched_kick() has the other side */
        if (next->rec->cpu != c->id && next->rseq.at != 0)
            next->rseq_event |= RETURN_RSEQ; /* its memory has the number of another CPU */
    }
    if (prev->rseq.at != 0 && prev->uregs->vector != TRAP_SYSCALL)
        prev->rseq_event |= RETURN_RSEQ; /* it may have been in a critical section */
    next->rec->cpu = c->id;
    c->switches++;
    trace_switch(prev->tid, next->tid, next->rec->mm);
    record_running(c->id, next->tid);
    fpu_switch(prev->fpu, next->fpu);
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
    struct runq *q = runq_of(HERE->id);
    void (*bury)(struct task *) = q->bury;

    __atomic_store_n(&q->left->on_cpu, false, __ATOMIC_RELEASE);
    if (bury != NULL) {
        q->bury = NULL;
        bury(q->left);
    }
}

void schedule_tail(void)
{
    struct task *t = current;

    finish_switch();
    if (t->set_child_tid != 0)
        put_user(pid_told_soon(t->tid),
                 t->set_child_tid); /* as in Linux, a bad address is not an error */
}

/* prev gives the CPU up, but could go on: into a queue.  q->lock held.  False: it
 * may not be on this CPU, so it is to be moved when the lock is free. */
static bool requeue(struct runq *q, struct cpu *c, struct task *prev, uint64_t tsc)
{
    runq_set_state(prev, TASK_runnable, 0, tsc);
    if (ncpus > 1 && !runq_allows(prev, c->id))
        return false;
    runq_add(q, prev, RUNQ_LAST);
    return true;
}

void schedule(void)
{
    LOCK_NO_SPIN("held while another task runs");
    /* Tasks that wake each other in the kernel, as those of a group that is killed, come
     * to no user mode for long.  What an interrupt does to current another CPU could do now. */
    if (unlikely(PREEMPT_DUE(SWITCH_WORK)))
        preempt_window();
    struct cpu *c = this_cpu();
    struct runq *q = runq_of(c->id);
    struct task *prev = c->running, *next;
    uint64_t tsc = tsc_stamp(), ran = clock_tsc_to_ns(tsc - q->turn_start);
    bool stays = true;

    times_leave(c, prev, tsc);
    load_look(clock_mono_at(tsc));
    spin_lock(&q->lock);
    c->need_resched = 0;
    q->fresh = false;
    prev->slice_ns = ran < prev->slice_ns ? prev->slice_ns - ran : 0;
    if (prev->rec->state == TASK_running && prev != c->idle)
        stays = requeue(q, c, prev, tsc);
    next = runq_pick(q, prev);
    if (next != NULL)
        runq_set_state(next, TASK_running, 0, tsc);
    bool others = q->n != 0;
    spin_unlock(&q->lock);
    if (!stays)
        runq_move(prev);
    if (next == NULL && (ncpus == 1 || (next = runq_steal(c)) == NULL)) {
        next = c->idle;
        others = true; /* it looks: nobody needs to interrupt it */
    }
    if (others || (ncpus > 1 && !runq_allows(next, c->id)))
        c->need_resched |= NEED_LOOK; /* on the way to user mode: a timer for this turn's end */
    q->turn_start = tsc;
    next->last_tsc = tsc;
    if (next->entry_tsc != 0)
        next->entry_tsc = tsc;
    if (next != prev) {
        if (prev == c->idle)
            runq_mark_busy(c);
        switch_machine(c, prev, next);
        finish_switch();
    }
}

void sched_yield_now(void)
{
    current->slice_ns = 0; /* behind all others */
    schedule();
}

void sched_exit(void (*bury)(struct task *))
{
    LOCK_NO_LOCK("held by a task that ends");
    runqs[HERE->id].bury = bury;
    schedule();
    panic("a dead task was scheduled");
}

/* --- turns -------------------------------------------------------------------- */

static uint64_t handover_ns(void)
{
    return kernel_interpreted() ? HANDOVER_INTERPRETED_NS : HANDOVER_NS;
}

/* So many wait: may idle CPUs help?  Returns the moment at which this is to be
 * asked again, though nobody enters the kernel. */
static uint64_t share(struct cpu *c, uint32_t waiting, uint64_t need, uint64_t now)
{
    uint64_t handover = handover_ns();
    struct runq *q = runq_of(c->id);

    if (!runq_idle_elsewhere(c))
        return UINT64_MAX;
    if (!(need & NEED_AGAIN))
        q->again_at = now;
    bool again = now - q->again_at >= handover;
    uint32_t most = again ? waiting : waiting - 1;
    if (most != 0 && runq_share(c, most) == 0 && again)
        return UINT64_MAX; /* those who are idle may not, or somebody else calls them */
    __atomic_fetch_or(&c->need_resched, NEED_AGAIN, __ATOMIC_RELAXED);
    return again ? UINT64_MAX : q->again_at + HANDOVER_TIMER * handover;
}

/* Is the turn over?  Else see to it that the timer says when it is. */
void sched_turn_check(void)
{
    struct cpu *c = this_cpu();
    struct runq *q = runq_of(c->id);
    uint64_t need = c->need_resched;

    c->need_resched = 0;
    if (ncpus > 1) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* whoever finds it off interrupts */
        if (!runq_allows(current, c->id)) {
            schedule();
            return;
        }
    }
    uint32_t waiting = __atomic_load_n(&q->n, __ATOMIC_RELAXED);
    if (waiting == 0)
        return;
    uint64_t tsc = tsc_stamp(), now = clock_mono_at(tsc);
    uint64_t ran = clock_tsc_to_ns(tsc - q->turn_start);
    uint64_t turn = current->slice_ns;
    if (q->fresh)
        turn = MIN(turn, clock_tsc_to_ns(MAX(q->fresh_at, q->turn_start) - q->turn_start) +
                             (kernel_interpreted() ? PATIENCE_INTERPRETED_NS : PATIENCE_NS));
    if (ran >= turn) {
        uint64_t left = turn == 0 ? runq_time_left(q, tsc) : 0;
        if (left == 0) {
            current->nivcsw++;
            schedule(); /* if others wait, it has set need_resched: once more */
            return;
        }
        turn = ran + left;
    }
    uint64_t end = now + turn - ran;
    if (ncpus > 1)
        end = MIN(end, share(c, waiting, need, now));
    if (q->armed <= now || end < q->armed) {
        q->armed = end;
        timer_set_slice(end);
    }
}

void sched_asked(void) { this_cpu()->need_resched = NEED_LOOK; }

bool sched_may_wait(void) { return clock_mono_ns() - runqs[HERE->id].again_at < handover_ns(); }

/* --- idle --------------------------------------------------------------------- */

void sched_idle(void)
{
    struct cpu *c = this_cpu(); /* an idle task never moves */
    struct runq *q = runq_of(c->id);

    for (;;) {
        runq_mark_idle(c);
        if (q->n != 0 || runq_others_wait(c)) {
            uint64_t switches = c->switches;
            schedule();
            if (c->switches != switches)
                continue;
        }
        if (q->n != 0) { /* its stack will be free in a moment */
            cpu_relax_poll();
            continue;
        }
        q->armed = 0;
        timer_no_slice();
        if (runq_may_halt(c)) {
            cpu_idle_begins(c);
            cpu_idle_wait();
            cpu_idle_ends(c);
        }
    }
}
