/* watchpoint.h - what a task's debug registers (arch/debug.h) do, on processors that have them and
 * where they must be done by steps. */
#ifndef PROC_WATCHPOINT_H
#define PROC_WATCHPOINT_H

#include "arch/regs.h"

/* On the way to user mode: what task.rseq_event says is due.  True: nothing else is. */
bool return_event(struct regs *r);
void watchpoint_trap(uint64_t status, struct regs *r); /* current has got a #DB; status: DR6 */

#endif
