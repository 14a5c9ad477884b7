/* signal_sweep.c - every thread of a process is made to look at what has been decided.
 *
 * The end of a group, a stop, its end, an exec that ends the others, a signal that those asked
 * first do not take: what has been decided stands in the process, and each thread has to hear
 * of it.  There may be thousands, and who decides may hold locks, or be an interrupt.  So some are visited at
 * once, and the others by a timer that is due at once, some each time: it comes where others may
 * run (arch/preempt.h).  It needs no thread of the process to run for that, so a thread that waits, not to
 * be killed, for something that another one has is no matter.
 *
 * A visit does what is right for the thread by what stands in the process then.  So a decision that
 * comes while a sweep is on its way only makes it go around once more from where it is, and
 * one that is taken back is not told any more.
 *
 * New threads come to the end of the list, and see for themselves (fork.c).  One that leaves moves the
 * sweep back by one.  tree_lock guards it all. */
#include "arch/clock.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/signal_internal.h"

#define VISITS_AT_ONCE 64u /* at about 200 instructions */

/* Signals that nobody has been found for, and that t can take.  The lock of t's sighand is not
 * held. */
static void offer_shared(struct process *p, struct task *t)
{
    spin_lock(&t->sighand->lock);
    ksigset_t left = p->shared_pending.set & (~t->blocked | t->sigwait);
    for (; left != 0 && !p->group_exit; left &= left - 1)
        signal_offer(p, t, __builtin_ctzll(left) + 1);
    spin_unlock(&t->sighand->lock);
}

static void visit(struct process *p, struct task *t)
{
    if (t->sighand == NULL)
        return; /* it ends */
    if (p->group_exit) {
        if (t->ptrace != NULL && p->exit_status == SIGKILL)
            ptrace_kill_thread(t);
        signal_notice(t, NOTICE_FATAL);
        return;
    }
    if (p->sole_task != NULL && !p->dumping && t != p->sole_task) {
        signal_kill_thread(t);
        return;
    }
    if (t->ptrace != NULL)
        ptrace_stop_changed(t);
    if (p->stop_pending != 0 && !t->stopped) /* current, too: the timer may have interrupted it */
        signal_notice(t, NOTICE_SIGNAL);
    if (p->stop_pending == 0 && t->stopped)
        wake_task(t);
    if ((p->shared_pending.set & (~t->blocked | t->sigwait)) != 0)
        offer_shared(p, t);
}

static void go_on(struct process *p)
{
    for (unsigned n = 0; n < VISITS_AT_ONCE && p->sweep_left > 0; n++, p->sweep_left--) {
        struct list *at = p->sweep_at->next;

        if (at == &p->threads)
            at = at->next; /* around */
        if (at == &p->threads)
            p->sweep_left = 1; /* nobody is left */
        else
            visit(p, list_entry(at, struct task, thread_link));
        p->sweep_at = at;
    }
    if (p->sweep_left > 0)
        timer_start(&p->sweep, clock_mono_ns());
    else
        p->sweep_at = &p->threads;
}

static void fire(struct timer *timer)
{
    struct process *p = container_of(timer, struct process, sweep);

    spin_lock(&tree_lock);
    go_on(p);
    spin_unlock(&tree_lock);
}

/* All are to be visited once more, from where the sweep is.  The timer is set up by the first one: most
 * processes have none. */
static void begin(struct process *p)
{
    if (p->sweep_at == NULL) {
        timer_setup(&p->sweep, fire);
        p->sweep_at = &p->threads;
    }
    p->sweep_left = p->nthreads + 1; /* and a leader that is dead */
}

void signal_sweep(struct process *p)
{
    struct task *t, *next;

    ASSERT_SPIN_HELD(&tree_lock);
    if (likely(p->nthreads <= VISITS_AT_ONCE && p->sweep_left == 0)) {
        list_for_each_safe(t, next, &p->threads, thread_link)
            visit(p, t);
    } else {
        begin(p);
        go_on(p);
    }
}

void signal_sweep_later(struct process *p)
{
    ASSERT_SPIN_HELD(&tree_lock);
    begin(p);
    timer_start(&p->sweep, clock_mono_ns());
}

void signal_sweep_end(struct process *p)
{
    spin_lock(&tree_lock);
    p->sweep_left = 0;
    p->sweep_at = &p->threads;
    spin_unlock(&tree_lock);
    timer_finish(&p->sweep);
}
