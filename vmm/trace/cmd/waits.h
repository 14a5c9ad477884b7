/* waits.h - a wait in words: on whom, and what ended it. */
#ifndef VMM_TRACE_WAITS_H
#define VMM_TRACE_WAITS_H

#include <stdio.h>

#include "vmm/trace/lib/follow.h"

/* "sleep[5]", "any of cat[7], sleep[6]", or nothing.  To be asked when the wait has begun, after
 * follow_event(); to be freed. */
char *wait_whom(struct follow *f, const struct actor *waiter);

/* "exec: sleep[5] in call 14 execve".  by: who ended it; NULL: nobody has, and stopped says
 * whether the machine stopped. */
void wait_end_text(FILE *out, const struct wait *w, const struct actor *by, bool stopped);

#endif
