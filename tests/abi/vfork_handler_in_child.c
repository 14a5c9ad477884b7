/* A handler that runs in a vfork child writes the parent's memory; the child
 * inherits the handler, and its alternate stack. */
#include "check.h"

static volatile int by_handler, on_altstack;
static char alt[65536];

static void handler(int sig)
{
    char here;

    by_handler = sig;
    on_altstack = &here >= alt && &here < alt + sizeof(alt);
}

static void test(void)
{
    stack_t stack = { .ss_sp = alt, .ss_size = sizeof(alt) }, now;

    CHECK(sigaltstack(&stack, NULL) == 0);
    handle(SIGUSR1, handler, SA_ONSTACK);
    CHECK_EQ(VCHILD(kill(getpid(), SIGUSR1)), 0);
    CHECK_EQ(by_handler, SIGUSR1);
    CHECK_EQ(on_altstack, 1);
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK(now.ss_sp == alt && now.ss_flags == 0);
}
