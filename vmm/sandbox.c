/* sandbox.c - the seccomp filter, made with libseccomp.
 *
 * On the list is what runs after the first KVM_RUN: the vCPU loop, console,
 * tracer, and the reports, which load Capstone and libdw and read the kernel's
 * ELF file.  So files may be opened, but never for writing (the boot report
 * and the trace are open by then), and ioctl() reaches KVM and the terminal's
 * modes only.  No process can be started, no socket made, no signal sent to others.
 *
 * A violation traps: SIGSYS comes synchronously, at the offending call, where
 * no lock of the C library that the handler needs can be held. */
#include "vmm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/options.h"
#include "vmm/say.h"
#include "vmm/terminal.h"

#define IOCTL_TYPE_MASK 0xff00u
#define IOCTL_TYPE_KVM  0xae00u

static const int allowed[] = {
    /* often first: the filter is a list */
    SCMP_SYS(write), SCMP_SYS(read), SCMP_SYS(futex), SCMP_SYS(poll), SCMP_SYS(clock_gettime),
    /* tracer */
    SCMP_SYS(fallocate), SCMP_SYS(pwrite64), SCMP_SYS(ftruncate),
    /* memory, and loading a library */
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(brk), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(pread64),
    SCMP_SYS(lseek), SCMP_SYS(sysinfo), SCMP_SYS(access), SCMP_SYS(readlink), SCMP_SYS(getcwd),
    SCMP_SYS(writev), SCMP_SYS(fcntl),
    /* threads and signals */
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(restart_syscall), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(getrandom),
    SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static void on_violation(int sig, siginfo_t *info, void *context)
{
    (void)context;
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
    terminal_restore();
    say("system call %s (%d) is not allowed here; a bug in vmm, or --no-seccomp is needed",
        name != NULL ? name : "?", info->si_syscall);
    (void)sig;
    _exit(EXIT_VMM);
}

static int add_rules(scmp_filter_ctx ctx)
{
    int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, IOCTL_TYPE_MASK, IOCTL_TYPE_KVM));
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_EQ, TCGETS, 0));
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_EQ, TCSETS, 0));
    for (size_t i = 0; err == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, 0));
    if (err == 0)       /* abort() and raise(), to ourselves */
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                               SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return err;
}

bool sandbox_enter(void)
{
    struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &action, NULL);
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    int err = ctx != NULL ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;
    if (err == 0)
        err = add_rules(ctx);
    if (err == 0)
        err = seccomp_load(ctx);
    if (ctx != NULL)
        seccomp_release(ctx);
    if (err == 0)
        return true;
    say("cannot install the seccomp filter: %s; try --no-seccomp", strerror(-err));
    return false;
}
