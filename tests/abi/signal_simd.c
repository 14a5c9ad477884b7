/* A SIMD floating-point exception that is not masked is a SIGFPE with a code that says which. */
/* not on qemu, nested: TCG raises no SIMD exceptions */
#include "check.h"

static void fpe(int sig, siginfo_t *info, void *context)
{
    (void)context;
    SAY("signal %d code %d\n", sig, info->si_code);
    _exit(3);
}

static void divide(unsigned unmasked)
{
    struct sigaction action = { .sa_sigaction = fpe, .sa_flags = SA_SIGINFO };
    unsigned csr = 0x1f80 & ~unmasked;
    volatile double x = unmasked == 0x80 ? 0.0 : 1.0, y = 0.0;

    sigaction(SIGFPE, &action, NULL);
    __asm__ volatile("ldmxcsr %0" : : "m"(csr));
    x = x / y;
}

static void test(void)
{
    CHECK_EQ(CHILD(divide(0x200)), EXITED(3)); /* by zero */
    CHECK_EQ(CHILD(divide(0x80)), EXITED(3));  /* invalid: 0/0 */
    CHECK_EQ(CHILD(divide(0)), 0);             /* all masked: infinity */
}
