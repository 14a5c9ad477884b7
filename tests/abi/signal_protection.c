/* What user mode may not do ends in SIGSEGV by #GP: INT n without a gate, a selector of
 * a table that is not there.  A fault at a kernel address does not tell whether it is mapped. */
#include "check.h"

#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static long code, trap, error;

static void caught(int sig, siginfo_t *info, void *context)
{
    ucontext_t *c = context;

    (void)sig;
    code = info->si_code;
    trap = c->uc_mcontext.gregs[REG_TRAPNO];
    error = c->uc_mcontext.gregs[REG_ERR];
    siglongjmp(back, 1);
}

#define TRY(...) \
    do { \
        if (sigsetjmp(back, 1) == 0) { \
            __VA_ARGS__; \
            SAY(#__VA_ARGS__ ": nothing\n"); \
        } else { \
            SAY(#__VA_ARGS__ ": code %ld trap %ld error %lx\n", code, trap, error); \
        } \
    } while (0)

static void load_fs(unsigned selector) { __asm__ volatile("mov %0, %%fs" : : "r"(selector)); }

static void test(void)
{
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };

    sigaction(SIGSEGV, &action, NULL);
    /* QEMU gives other error codes for INT n, so only the kind is said. */
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) {
            if (i == 0)
                __asm__ volatile("int $0x20");
            else if (i == 1)
                __asm__ volatile("int $14");
            else
                __asm__ volatile("int $0xff");
        }
        SAY("int: code %ld trap %ld\n", code, trap);
    }
    TRY(load_fs(0x77));
    TRY(load_fs(0x0f));
    TRY(*(volatile char *)0xffffffff80100000);
    TRY(*(volatile char *)0xffff888000001000);
    TRY(*(volatile char *)0xffffffff80100000 = 1);
}
