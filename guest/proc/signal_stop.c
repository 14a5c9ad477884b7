/* signal_stop.c - group stops: SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU and what
 * SIGCONT ends.
 *
 * A stop begins when one thread takes the signal (proc->stop_pending), and is
 * complete when every thread has joined (proc->stop_signal): then the parent
 * hears of it, once.  A thread joins on its way to user mode, so a parent that
 * is blocked in vfork joins when its child has released it, and until then
 * WUNTRACED does not report it.  SIGCONT ends the stop from outside;
 * a group exit ends it, too.
 *
 * That it was continued stays to be reported when it stops again: it may do so
 * before the parent has a chance to ask. */
#include "proc/exit.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/signal_internal.h"

void signal_stop_check(struct process *p)
{
    if (p->stop_pending == 0 || p->stop_signal != 0 || p->nstopped < p->nthreads)
        return;
    p->stop_signal = p->stop_pending;
    p->stop_reported = false;
    notify_parent(p, CLD_STOPPED);
}

void signal_stop_begin(struct process *p, int sig)
{
    ASSERT_SPIN_HELD(&tree_lock);
    p->stop_pending = (uint32_t)sig;
    signal_sweep(p);
    signal_stop_check(p);
}

void signal_stop_join(struct process *p)
{
    struct task *t = current;

    ASSERT_SPIN_HELD(&tree_lock);
    if (unlikely(t->ptrace != NULL)) {
        ptrace_join_stop(p);
        return;
    }
    t->stopped = true;
    p->nstopped++;
    signal_stop_check(p);
    while (p->stop_pending != 0 && !signal_fatal_pending(t) && t->ptrace == NULL) {
        spin_unlock(&tree_lock);
        block(BLOCK_stop, 0, BLOCK_KILLABLE, NO_DEADLINE);
        spin_lock(&tree_lock);
    }
    p->nstopped--;
    t->stopped = false;
}

bool signal_stop_end(struct process *p)
{
    bool complete = p->stop_signal != 0;

    ASSERT_SPIN_HELD(&tree_lock);
    if (p->stop_pending != 0) {
        p->stop_pending = p->stop_signal = 0;
        signal_sweep(p);
    }
    return complete;
}
