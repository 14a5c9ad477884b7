/* sandbox.h - after start-up the VMM may make few system calls. */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

#include <stdbool.h>

/* What the filter holds in place of the VMM's PID until that is known: more than
 * any PID. */
#define SANDBOX_OWN_PID 0x5eadbee5u

/* For all threads, for good.  A call that is not on the list ends the VMM with
 * a line that names it.  False after one line. */
bool sandbox_enter(void);

#endif
