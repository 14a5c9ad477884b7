/* debug.h - a tracee with debug registers, for debug_*.c. */
#ifndef TESTS_ABI_DEBUG_H
#define TESTS_ABI_DEBUG_H

#include "check.h"
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define DR(n) (offsetof(struct user, u_debugreg) + 8 * (n))
#define ON(n) (1ul << (2 * (n)))
/* how: 0 to run, 1 to write, 3 to read or write; bytes: 0 for one, 1 two, 3 four, 2 eight */
#define AS(n, how, bytes) ((unsigned long)((how) | (bytes) << 2) << (16 + 4 * (n)))

static volatile long watched, other;
static pid_t tracee;

__attribute__((noinline, unused)) static void stop_here(void) { __asm__ volatile("" ::: "memory"); }

__attribute__((unused)) static unsigned long peek(pid_t pid, int n)
{
    errno = 0;
    unsigned long value = ptrace(PTRACE_PEEKUSER, pid, DR(n), 0);
    CHECK(errno == 0);
    return value;
}

__attribute__((unused)) static int poke(int n, unsigned long value)
{
    errno = 0;
    return ptrace(PTRACE_POKEUSER, tracee, DR(n), value) == 0 ? 0 : errno;
}

__attribute__((unused)) static void say_stop(const char *when, int status)
{
    siginfo_t info = { 0 };
    struct user_regs_struct r;

    ptrace(PTRACE_GETSIGINFO, tracee, 0, &info);
    CHECK(ptrace(PTRACE_GETREGS, tracee, 0, &r) == 0);
    SAY("%s: status %x code %d, DR6 %lx DR7 %lx, watched %ld other %ld, RF %d, %s%s\n", when,
        status, info.si_code == SI_TKILL || info.si_code >> 8 != 0 ? 0 : info.si_code,
        peek(tracee, 6), peek(tracee, 7), ptrace(PTRACE_PEEKDATA, tracee, &watched, 0),
        ptrace(PTRACE_PEEKDATA, tracee, &other, 0),
        r.rip == (unsigned long)stop_here && r.eflags >> 16 & 1,
        (unsigned long)info.si_addr == r.rip ? "at RIP" : "",
        r.rip == (unsigned long)stop_here ? ", in stop_here" : "");
}

__attribute__((unused)) static int go(const char *when, int how)
{
    int status;

    CHECK(ptrace(how, tracee, 0, 0) == 0 && waitpid(tracee, &status, __WALL) == tracee);
    if (WIFSTOPPED(status))
        say_stop(when, status);
    else
        SAY("%s: status %x\n", when, status);
    return status;
}

__attribute__((unused)) static void start(void (*body)(void))
{
    int status;

    watched = other = 0;
    if ((tracee = fork()) == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        body();
        _exit(3);
    }
    CHECK(waitpid(tracee, &status, 0) == tracee && WIFSTOPPED(status));
}

__attribute__((unused)) static void finish(void)
{
    kill(tracee, SIGKILL);
    waitpid(tracee, NULL, 0);
}

#endif
