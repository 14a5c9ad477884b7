/* confine.c - see confine.h.  The bytes of a trace come from a guest, and its directory from anybody; what
 * they could do to the reader ends here.  Nothing in them has been looked at before. */
#include "vmm/trace/cmd/confine.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/privilege.h"
#include "vmm/sandbox.h"
#include "vmm/trace/lib/status.h"

/* Synchronous, at the call itself: no lock of stdio's is held that dprintf() needs. */
static void on_violation(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    dprintf(STDERR_FILENO, "vmm-trace: system call %d is not allowed here; this is a bug\n",
            info->si_syscall);
    _exit(STATUS_TROUBLE);
}

void confine(void)
{
    struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };
    if (!privilege_drop() || !privilege_limit() || !sandbox_enter(SANDBOX_TOOL) ||
        sigaction(SIGSYS, &action, NULL) != 0)
        exit(STATUS_TROUBLE);
}
