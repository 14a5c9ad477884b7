/* System calls that a program takes back (PR_SET_SYSCALL_USER_DISPATCH): from which code, by what byte, what the
 * handler is told, what a child and another program keep; and the TSC that a program may not read. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <ucontext.h>

#define SET_DISPATCH 59 /* older headers do not have it */
#define SET_CONFIG   0x4210
#define GET_CONFIG   0x4211

static volatile unsigned char says; /* 0: as ever; 1: raise SIGSYS */
static volatile int caught;
static siginfo_t last;

static long __attribute__((noinline, noclone)) raw(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

static void on_sys(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    says = 0;
    caught++;
    last = *info;
    if (uc->uc_mcontext.gregs[REG_RAX] == SYS_getppid)
        uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void arguments(void)
{
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 0, 0, 0, 0), 0);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 0, 1, 0, 0), -EINVAL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 0, 0, 1, 0), -EINVAL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 0, 0, 0, (long)&says), -EINVAL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 9, 0, 0, 0), -EINVAL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 1, 1, 0, (long)&says), -EINVAL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 1, 1, -1, (long)&says), -EINVAL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 1, 0, 0, -1), -EFAULT);
}

static void by_selector(void)
{
    struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

    sigaction(SIGSYS, &sa, NULL);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 1, 0, 0, (long)&says), 0);
    CHECK(raw(SYS_getppid, 0, 0, 0, 0, 0) != 4711 && caught == 0);
    says = 1;
    CHECK_EQ(raw(SYS_getppid, 0, 0, 0, 0, 0), 4711);
    CHECK_EQ(caught, 1);
    CHECK(last.si_code == 2 && last.si_syscall == SYS_getppid && last.si_errno == 0 &&
          last.si_arch == 0xc000003e);
    CHECK(last.si_call_addr > (void *)raw && (char *)last.si_call_addr < (char *)raw + 200);
    says = 1;
    CHECK_EQ(raw(9999, 0, 0, 0, 0, 0), 9999); /* one that there is not, too */
    CHECK_EQ(caught, 2);
    pid_t pid = fork(); /* a child begins without */
    says = pid == 0;
    if (pid == 0)
        _exit(raw(SYS_getppid, 0, 0, 0, 0, 0) == 4711);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 0, 0, 0, 0), 0);
    says = 1;
    CHECK(raw(SYS_getppid, 0, 0, 0, 0, 0) != 4711);
}

static void by_range(void)
{
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 1, (long)raw, 200, (long)&says), 0);
    says = 1;
    CHECK(raw(SYS_getppid, 0, 0, 0, 0, 0) != 4711); /* it comes from there */
    CHECK_EQ(caught, 2);
    CHECK_EQ(syscall(SYS_getppid), 4711); /* it does not */
    CHECK_EQ(caught, 3);
    says = 0;
    CHECK_EQ(raw(SYS_prctl, SET_DISPATCH, 0, 0, 0, 0), 0);
}

static void set_and_call(long selector)
{
    raw(SYS_prctl, SET_DISPATCH, 1, 0, 0, selector);
    raw(SYS_getppid, 0, 0, 0, 0, 0);
}

static void what_kills(void)
{
    signal(SIGSYS, SIG_DFL);
    CHECK_DIES(SIGSYS, says = 1; set_and_call((long)&says));
    CHECK_DIES(SIGSYS, set_and_call(0));
    struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &sa, NULL);
    CHECK_DIES(SIGSYS, says = 7; set_and_call((long)&says)); /* whatever there is a handler for */
    CHECK_DIES(SIGSEGV, set_and_call(8));
}

static void of_a_tracee(void)
{
    struct {
        uint64_t mode, selector, offset, len;
    } c = { 9, 9, 9, 9 }, off = { 0, 0, 0, 0 };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        says = 0;
        raw(SYS_prctl, SET_DISPATCH, 1, 5, 6, (long)&says);
        raise(SIGSTOP);
        _exit(raw(SYS_getppid, 0, 0, 0, 0, 0) == 4711 ? 3 : 4);
    }
    waitpid(pid, &status, 0);
    if (ptrace(GET_CONFIG, pid, sizeof(c), &c) != 0) {
        SAY("# not compared: no PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: %s\n", strerror(errno));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return;
    }
    CHECK(c.mode == 0 && c.selector == 0 && c.offset == 0 && c.len == 0);
    CHECK_ERR(EINVAL, ptrace(GET_CONFIG, pid, sizeof(c) - 1, &c));
    CHECK_ERR(EFAULT, ptrace(GET_CONFIG, pid, sizeof(c), NULL));
    CHECK_ERR(EFAULT, ptrace(SET_CONFIG, pid, sizeof(c), NULL));
    ptrace(PTRACE_CONT, pid, 0, 0);
    waitpid(pid, &status, 0);
    CHECK_EQ(ptrace(GET_CONFIG, pid, sizeof(c), &c), 0);
    CHECK(c.mode == 1 && c.selector == (uint64_t)&says && c.offset == 5 && c.len == 6);
    c.mode = 9;
    CHECK_ERR(EINVAL, ptrace(SET_CONFIG, pid, sizeof(c), &c));
    CHECK_EQ(ptrace(SET_CONFIG, pid, sizeof(off), &off), 0);
    CHECK_EQ(ptrace(GET_CONFIG, pid, sizeof(c), &c), 0);
    CHECK_EQ(c.mode, 0);
    ptrace(PTRACE_CONT, pid, 0, 0);
    CHECK_EQ(status_of(pid), EXITED(4));
}

/* --- the TSC -------------------------------------------------------------------------- */

static int tsc_mode(void)
{
    int mode = -1;

    CHECK_EQ(prctl(PR_GET_TSC, &mode, 0, 0, 0), 0);
    return mode;
}

static void no_tsc(void)
{
    CHECK_EQ(tsc_mode(), PR_TSC_ENABLE);
    CHECK_ERR(EINVAL, prctl(PR_SET_TSC, 0, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_TSC, 3, 0, 0, 0));
    CHECK_ERR(EFAULT, prctl(PR_GET_TSC, NULL, 0, 0, 0));
    CHECK_EQ(CHILD(CHECK_EQ(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0), 0);
                   CHECK_EQ(tsc_mode(), PR_TSC_SIGSEGV);
                   CHECK_DIES(SIGSEGV, __builtin_ia32_rdtsc()); /* a child may not, either */
                   CHECK_EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0), 0); __builtin_ia32_rdtsc();
                   CHECK_EQ(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0), 0);
                   for (int i = 0; i < 10; i++) sched_yield();
                   CHECK_DIES(SIGSEGV, __builtin_ia32_rdtsc())),
             0);
    CHECK(__builtin_ia32_rdtsc() != 0);
}

static void test(void)
{
    alarm(20);
    arguments();
    by_selector();
    by_range();
    what_kills();
    of_a_tracee();
    no_tsc();
}
