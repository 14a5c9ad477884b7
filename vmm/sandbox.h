/* sandbox.h - after start-up the threads of the VMM may make few system calls. */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

#include <stdbool.h>

/* What the filters hold in place of the VMM's PID until that is known: more than
 * any PID. */
#define SANDBOX_OWN_PID 0x5eadbee5u

enum sandbox_role {
    SANDBOX_MAIN, /* console, end of the trace, reports */
    SANDBOX_VCPU, /* exits, devices, trace packets */
    SANDBOX_TRAP, /* the same with --audit=trap, where it changes memslots, too */
    SANDBOX_TOOL, /* vmm-trace, with its files mapped: it computes and prints */
    SANDBOX_KEEP, /* vmm-root --keep: it writes files beneath directories that are open */
    SANDBOX_ROLES
};

/* For the calling thread, for good.  A call that is not on its role's list ends the
 * VMM with a line that names it.  False after one line. */
bool sandbox_enter(enum sandbox_role role);

#endif
