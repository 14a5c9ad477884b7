/* A step over an instruction that writes watched memory is one trap, and DR6 says both; after a detach the
 * registers stay, and the next trap ends the program. */
/* not on qemu: its emulation gives two #DB where a processor gives one, the second at the handler's first instruction */
#include "debug.h"

static void counts_on(void)
{
    for (;;)
        watched = watched + 1;
}

static void steps(void)
{
    int met = 0, status;

    start(counts_on);
    CHECK(poke(1, (unsigned long)&watched) == 0 && poke(7, ON(1) | AS(1, 1, 2)) == 0);
    for (int i = 0; i < 60 && met < 2; i++) {
        ptrace(PTRACE_SINGLESTEP, tracee, 0, 0);
        waitpid(tracee, &status, 0);
        if (peek(tracee, 6) & 2) {
            siginfo_t info;
            ptrace(PTRACE_GETSIGINFO, tracee, 0, &info);
            SAY("a step on it: DR6 %lx, code %d\n", peek(tracee, 6), info.si_code);
            met++;
        }
    }
    ptrace(PTRACE_DETACH, tracee, 0, 0);
    CHECK(waitpid(tracee, &status, 0) == tracee);
    SAY("detached: status %x\n", status);
}

static void test(void) { steps(); }
