/* A handler sees the interrupted registers in its context and what it changes
 * there is what the program goes on with; vector registers survive a handler that uses
 * them; it may return to where nothing can run; the red zone below the stack pointer is left alone. */
#include "check.h"
#include <ucontext.h>

static volatile int ran;

static void change(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    volatile double x = 3.0;

    (void)sig;
    (void)info;
    ran++;
    uc->uc_mcontext.gregs[REG_R12] = 0x5678;
    __asm__ volatile("pxor %%xmm8, %%xmm8" : : : "xmm8");
    __asm__ volatile("fninit");
    x = x * 2;
}

/* A handler that returns to where no code can be: the fault is there, not in the handler's return. */
static void nowhere(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    static unsigned long home;

    (void)info;
    if (sig == SIGUSR2) {
        home = uc->uc_mcontext.gregs[REG_RIP];
        uc->uc_mcontext.gregs[REG_RIP] = 0x800000000000;
    } else {
        SAY("fault at %#llx, code %d\n", (unsigned long long)uc->uc_mcontext.gregs[REG_RIP],
            info->si_code);
        uc->uc_mcontext.gregs[REG_RIP] = home;
    }
}

static void returns_nowhere(void)
{
    struct sigaction action = { .sa_sigaction = nowhere, .sa_flags = SA_SIGINFO };

    CHECK(sigaction(SIGUSR2, &action, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
    raise(SIGUSR2);
    signal(SIGSEGV, SIG_DFL);
    CHECK_DIES(SIGSEGV, raise(SIGUSR2));
}

static void test(void)
{
    struct sigaction action = { .sa_sigaction = change, .sa_flags = SA_SIGINFO };
    unsigned long r12, r13, xmm, red, flags;
    double st;

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    long pid = getpid();
    __asm__ volatile(
        "movq %[x], %%xmm8\n mov $0x1234, %%r12\n mov $0x9abc, %%r13\n fldpi\n"
        "mov $0x77, %%rax\n mov %%rax, -8(%%rsp)\n mov %%rax, -120(%%rsp)\n"
        "mov $62, %%eax\n mov %[pid], %%rdi\n mov $10, %%esi\n stc\n syscall\n"
        "setc %b[flags]\n"
        "mov -8(%%rsp), %%rcx\n cmp %%rcx, -120(%%rsp)\n mov $0, %[red]\n cmove %%rcx, %[red]\n"
        "movq %%xmm8, %[xmm]\n mov %%r12, %[r12]\n mov %%r13, %[r13]\n fstpl %[st]\n"
        : [r12] "=m"(r12), [r13] "=m"(r13), [xmm] "=m"(xmm), [red] "=&r"(red), [st] "=m"(st),
          [flags] "=&r"(flags)
        : [x] "r"(0x1122334455667788UL), [pid] "r"(pid)
        : "rax", "rcx", "rdi", "rsi", "r11", "r12", "r13", "xmm8", "st", "memory", "cc");
    SAY("r12 %#lx r13 %#lx xmm8 %#lx st %.5f red %#lx carry %d ran %d\n", r12, r13, xmm, st, red,
        (int)(flags & 1), ran);
    returns_nowhere();
}
