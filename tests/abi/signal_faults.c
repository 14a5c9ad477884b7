/* Faults are signals with a code and an address: SIGSEGV for nothing mapped and for
 * no right, SIGBUS beyond the end of a file, SIGFPE, SIGILL, SIGTRAP, general protection. A
 * handler may put things right and go on. */
#include "check.h"
#include <setjmp.h>

static volatile int signo, code;
static void *volatile address;
static sigjmp_buf back;

static void caught(int sig, siginfo_t *info, void *context)
{
    (void)context;
    signo = sig;
    code = info->si_code;
    address = info->si_addr;
    siglongjmp(back, 1);
}

static void report(const char *what, const void *expected)
{
    SAY("%s: signal %d code %d address %s\n", what, signo, code,
        address == expected ? "right" : "wrong");
}

#define FAULT(what, expected, ...) \
    do { \
        signo = code = 0; \
        address = NULL; \
        if (sigsetjmp(back, 1) == 0) { \
            __VA_ARGS__; \
        } \
        report(what, expected); \
    } while (0)

static char *repaired;

static void repair(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    if (info->si_addr != repaired + 5 || mprotect(repaired, PAGE, PROT_READ | PROT_WRITE) != 0)
        _exit(44);
}

static void test(void)
{
    static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
    volatile char *p = map_pages(2), *none = map_pages(3) + PAGE;
    volatile int zero = 0, sink = 1;

    for (int i = 0; i < 5; i++)
        CHECK(sigaction(sigs[i], &action, NULL) == 0);
    munmap((void *)none, PAGE);
    mprotect((void *)p, PAGE, PROT_READ);
    FAULT("write, nothing there", (void *)(none + 3), none[3] = 1);
    FAULT("read, nothing there", (void *)none, (void)none[0]);
    FAULT("write, read-only", (void *)(p + 7), p[7] = 1);
    FAULT("null", NULL, *(volatile int *)NULL = 1);
    FAULT("run data", (void *)(p + PAGE), p[PAGE] = 0xc3; ((void (*)(void))(p + PAGE))());
    FAULT("not canonical", NULL, *(volatile int *)0x8000000000000000UL = 1);
    FAULT("kernel address", (void *)0xffffffff80000000UL,
          *(volatile int *)0xffffffff80000000UL = 1);
    FAULT("privileged", NULL, __asm__ volatile("hlt"));
    write_file("file", "short");
    int fd = open("file", O_RDWR);
    volatile char *f = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    FAULT("beyond the file", (void *)(f + PAGE + 1), f[PAGE + 1] = 1);
    FAULT("within its last page", NULL, f[PAGE - 1] = 1; signo = code = 0);
    FAULT("divide", address, sink = sink / zero);
    CHECK(address != NULL);
    FAULT("ud2", address, __asm__ volatile("ud2"));
    CHECK(address != NULL);
    FAULT("int3", address, __asm__ volatile("int3"));
    (void)sink;

    repaired = map_pages(2); /* too big for the hole at none */
    mprotect(repaired, PAGE, PROT_READ);
    action.sa_sigaction = repair;
    sigaction(SIGSEGV, &action, NULL);
    *(volatile char *)(repaired + 5) = 6;
    CHECK_EQ(repaired[5], 6);

    /* a blocked or ignored fault kills */
    CHECK_DIES(SIGSEGV, {
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        none[0] = 1;
    });
    CHECK_DIES(SIGSEGV, signal(SIGSEGV, SIG_IGN); none[0] = 1);
    CHECK_DIES(SIGFPE, signal(SIGFPE, SIG_IGN); sink = sink / zero);
}
