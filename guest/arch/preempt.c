/* preempt.c - see preempt.h.  What follows a window is the scheduler's, which registers. */
#include "arch/preempt.h"

static struct preempt_hooks hooks; /* [k] */

void preempt_register(const struct preempt_hooks *h) { hooks = *h; }

void preempt_window(void)
{
    this_cpu()->work_left = WINDOW_WORK;
    cpu_irq_window();
}

void preempt_point(void)
{
    LOCK_NO_SPIN("held while interrupts come in");
    preempt_window();
    if (this_cpu()->need_resched)
        hooks.turn_check();
}

bool preempt_killed(void) { return hooks.killed(); }
