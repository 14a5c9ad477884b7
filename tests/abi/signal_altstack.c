/* sigaltstack: a stack overflow is handled on the other stack; flags while there;
 * EPERM to change it then; ENOMEM when too small; without one the process dies. */
#include "check.h"
#include <setjmp.h>

static char alt[65536];
static sigjmp_buf back;
static volatile int on_alt, flags, error, depth;

static void overflowed(int sig)
{
    char here;
    stack_t now, other = { .ss_sp = alt, .ss_size = sizeof(alt) };

    (void)sig;
    on_alt = &here >= alt && &here < alt + sizeof(alt);
    sigaltstack(NULL, &now);
    flags = now.ss_flags;
    error = sigaltstack(&other, NULL) == 0 ? 0 : errno;
    siglongjmp(back, 1);
}

static __attribute__((noinline)) int recurse(int n)
{
    volatile char big[4096];

    depth++;
    big[0] = n;
    return n < 100000 ? recurse(n + 1) + big[0] : 0;
}

static void test(void)
{
    stack_t stack = { .ss_sp = alt, .ss_size = sizeof(alt) },
            small = { .ss_sp = alt, .ss_size = 100 };
    stack_t now;
    struct rlimit limit = { 256 * 1024, RLIM_INFINITY };

    setrlimit(RLIMIT_STACK, &limit);
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK_EQ(now.ss_flags, SS_DISABLE);
    CHECK_ERR(ENOMEM, sigaltstack(&small, NULL));
    CHECK_DIES(SIGSEGV, handle(SIGSEGV, overflowed, 0); recurse(0));
    CHECK(sigaltstack(&stack, NULL) == 0);
    handle(SIGSEGV, overflowed, SA_ONSTACK);
    if (sigsetjmp(back, 1) == 0)
        recurse(0);
    SAY("on it %d, flags %d, changing it: errno %d\n", on_alt, flags, error);
    CHECK(depth > 20 && depth < 70);
    CHECK(sigaltstack(NULL, &now) == 0);
    CHECK_EQ(now.ss_flags, 0);
}
