/* sandbox.c - installs the seccomp filter that vmm/tools/mkfilter.c has made.
 *
 * A violation traps: SIGSYS comes synchronously, at the offending call, where
 * no lock of the C library that the handler needs can be held. */
#include "vmm/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/options.h"
#include "vmm/say.h"
#include "vmm/terminal.h"
#include "vmm/trace/lib/format.h"

static struct sock_filter filter[] = {
#include "sandbox_filter.inc"
};
#define FILTER_LENGTH (sizeof(filter) / sizeof(filter[0]))

static void on_violation(int sig, siginfo_t *info, void *context)
{
    (void)context;
    const char *name = format_call((unsigned)info->si_syscall);
    terminal_restore();
    say("system call %s (%d) is not allowed here; a bug in vmm, or --no-seccomp is needed",
        name != NULL ? name : "?", info->si_syscall);
    (void)sig;
    _exit(EXIT_VMM);
}

bool sandbox_enter(void)
{
    struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };
    struct sock_fprog program = { .len = FILTER_LENGTH, .filter = filter };
    for (size_t i = 0; i < FILTER_LENGTH; i++)
        if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && filter[i].k == SANDBOX_OWN_PID)
            filter[i].k = (uint32_t)getpid();
    sigaction(SIGSYS, &action, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0)
        return true;
    say("cannot install the seccomp filter: %s; try --no-seccomp", strerror(errno));
    return false;
}
