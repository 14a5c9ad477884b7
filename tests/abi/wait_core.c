/* Signals whose default is a core dump: bit 0x80 is clear when the limit is 0. */
#include "check.h"

static void test(void)
{
    static const int core[] = { SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };

    for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
        SAY("%d: %#x\n", core[i], CHILD(kill(getpid(), core[i])));
}
