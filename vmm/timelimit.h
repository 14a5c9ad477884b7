/* timelimit.h - --timeout, from the first instant of vmm on.
 *
 * Before the VM runs, vmm may wait in open(2) or read(2) of what it was given (a FIFO
 * that nobody writes): an alarm ends it then.  From time_limit_disarm() on the console's
 * loop asks for the time that is left. */
#ifndef VMM_TIMELIMIT_H
#define VMM_TIMELIMIT_H

void time_limit_start(double seconds); /* 0: there is none */
void time_limit_disarm(void);          /* no alarm any more */
int time_limit_left(void);             /* as poll(2) takes it: ms, 0 when it is over, -1: none */

#endif
