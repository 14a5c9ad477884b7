/* sandbox.c - installs the seccomp filters that vmm/tools/mkfilter.c has made.
 *
 * Each thread has one for what it does: who takes over a vCPU's thread, which is the
 * one that reads what the guest writes, cannot send signals or look into files, and
 * no thread but that one can run a vCPU.
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
#include "vmm/trace/lib/syscalls.h"

/* filter_main, filter_vcpu, filter_trap, filter_tool and filter_keep */
#include "sandbox_filter.inc"

static const struct {
    const struct sock_filter *filter;
    size_t length;
} filters[SANDBOX_ROLES] = {
    [SANDBOX_MAIN] = { filter_main, sizeof(filter_main) / sizeof(filter_main[0]) },
    [SANDBOX_VCPU] = { filter_vcpu, sizeof(filter_vcpu) / sizeof(filter_vcpu[0]) },
    [SANDBOX_TRAP] = { filter_trap, sizeof(filter_trap) / sizeof(filter_trap[0]) },
    [SANDBOX_TOOL] = { filter_tool, sizeof(filter_tool) / sizeof(filter_tool[0]) },
    [SANDBOX_KEEP] = { filter_keep, sizeof(filter_keep) / sizeof(filter_keep[0]) },
};

static void on_violation(int sig, siginfo_t *info, void *context)
{
    (void)context;
    const char *name = syscall_name((unsigned)info->si_syscall);
    terminal_restore();
    say("system call %s (%d) is not allowed here; a bug in vmm, or --no-seccomp is needed",
        name != NULL ? name : "?", info->si_syscall);
    (void)sig;
    _exit(EXIT_VMM);
}

bool sandbox_enter(enum sandbox_role role)
{
    struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };
    struct sock_filter filter[SANDBOX_FILTER_MAX]; /* other threads enter at the same time */
    struct sock_fprog program = { .len = (unsigned short)filters[role].length, .filter = filter };
    for (size_t i = 0; i < program.len; i++) {
        filter[i] = filters[role].filter[i];
        if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && filter[i].k == SANDBOX_OWN_PID)
            filter[i].k = (uint32_t)getpid();
    }
    sigaction(SIGSYS, &action, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        return true;
    say("cannot install the seccomp filter: %s; try --no-seccomp", strerror(errno));
    return false;
}
