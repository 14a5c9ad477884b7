/* mkfilter.c - makes vmm's seccomp filter with libseccomp, when vmm is built, and
 * prints it as the instructions of an array for vmm/sandbox.c: made at every start
 * it would cost each of them 0.2 ms.
 *
 * On the list is what runs after the first KVM_RUN: the vCPU loop, console,
 * tracer, and the reports, which read the kernel's ELF file.  All files are open by
 * then: opening one fails with EACCES (libdw looks for a separate file of debugging
 * information if the kernel names one, and does without).  No memory becomes
 * executable, and ioctl() reaches KVM and the terminal's modes and size only.  No process can
 * be started, no socket made, no signal sent to others: tgkill() must name
 * SANDBOX_OWN_PID, for which vmm puts its own PID. */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vmm/sandbox.h"

#define IOCTL_TYPE_MASK 0xff00u
#define IOCTL_TYPE_KVM  0xae00u

static const int allowed[] = {
    /* often first: the filter is a list */
    SCMP_SYS(write),
    SCMP_SYS(read),
    SCMP_SYS(futex),
    SCMP_SYS(poll),
    SCMP_SYS(clock_gettime),
    /* tracer */
    SCMP_SYS(fallocate),
    SCMP_SYS(pwrite64),
    SCMP_SYS(ftruncate),
    /* memory and files */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(sysinfo),
    SCMP_SYS(access),
    SCMP_SYS(readlink),
    SCMP_SYS(getcwd),
    SCMP_SYS(writev),
    SCMP_SYS(fcntl),
    /* threads and signals */
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

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
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ, 0));
    for (size_t i = 0; err == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (err == 0) /* a vCPU's thread may name itself after the filter is on */
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
    if (err == 0) /* abort(), raise(), and the kick of a vCPU: to ourselves */
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                               SCMP_A0(SCMP_CMP_EQ, SANDBOX_OWN_PID, 0));
    return err;
}

static void fail(const char *what, int err)
{
    fprintf(stderr, "mkfilter: %s: %s\n", what, strerror(err));
    exit(EXIT_FAILURE);
}

int main(void)
{
    struct sock_filter insn;
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    FILE *file = tmpfile();
    if (ctx == NULL || file == NULL)
        fail("cannot begin", ENOMEM);
    int err = add_rules(ctx);
    if (err == 0)
        err = seccomp_export_bpf(ctx, fileno(file));
    if (err != 0)
        fail("libseccomp", -err);
    rewind(file);
    while (fread(&insn, sizeof(insn), 1, file) == 1)
        printf("{ %#x, %u, %u, %#x },\n", insn.code, insn.jt, insn.jf, insn.k);
    seccomp_release(ctx);
    return ferror(file) || fclose(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
