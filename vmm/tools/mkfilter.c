/* mkfilter.c - makes vmm's seccomp filters with libseccomp, when vmm is built, and
 * prints them as arrays of instructions for vmm/sandbox.c: made at every start
 * they would cost each of them 0.2 ms.
 *
 * On the lists is what runs after the first KVM_RUN, by who runs it: the vCPUs' threads
 * have their loop, the devices and the tracer; the main thread has the console, the end
 * of the trace and the reports, which read the kernel's ELF file; and vmm-trace computes and prints.  vmm-root --keep
 * makes files, where Landlock lets it.  For the others all files are open by
 * then: opening one fails with EACCES (libdw looks for a separate file of debugging
 * information if the kernel names one, and does without).  No memory becomes
 * executable, and ioctl() takes the requests named here only.  No process or thread can
 * be started, no socket made, no signal sent to others: tgkill() must name
 * SANDBOX_OWN_PID, for which vmm puts its own PID. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vmm/sandbox.h"

#define MAIN (1u << SANDBOX_MAIN)
#define TRAP (1u << SANDBOX_TRAP)
#define VCPU (1u << SANDBOX_VCPU | TRAP)
#define BOTH (MAIN | VCPU)
#define TOOL (1u << SANDBOX_TOOL)
#define KEEP (1u << SANDBOX_KEEP)
#define EACH (BOTH | TOOL | KEEP)

struct rule {
    unsigned roles;
    unsigned long what; /* a call's number, or an ioctl()'s request */
};

static const struct rule calls[] = {
    /* often first: the filter is a list */
    { EACH, SCMP_SYS(write) },
    { MAIN | KEEP, SCMP_SYS(read) },
    { EACH, SCMP_SYS(futex) },
    { BOTH, SCMP_SYS(poll) },
    { EACH, SCMP_SYS(clock_gettime) },
    /* tracer */
    { BOTH, SCMP_SYS(fallocate) },
    { EACH, SCMP_SYS(pwrite64) }, /* vmm-trace: a database, and so the next */
    { MAIN | TOOL | KEEP, SCMP_SYS(ftruncate) },
    /* memory */
    { EACH, SCMP_SYS(munmap) },
    { EACH, SCMP_SYS(mremap) },
    { EACH, SCMP_SYS(madvise) },
    { EACH, SCMP_SYS(brk) },
    { MAIN | TOOL, SCMP_SYS(sysinfo) },
    /* files */
    { MAIN | TOOL | KEEP, SCMP_SYS(close) },
    { EACH, SCMP_SYS(fstat) },
    { EACH, SCMP_SYS(newfstatat) },
    { EACH, SCMP_SYS(pread64) }, /* a vCPU: KVM's counters, at a stage of the boot */
    { MAIN | TOOL | KEEP, SCMP_SYS(lseek) },
    { MAIN, SCMP_SYS(access) },
    { MAIN, SCMP_SYS(readlink) },
    { MAIN, SCMP_SYS(getcwd) },
    { EACH, SCMP_SYS(writev) },
    { MAIN | KEEP, SCMP_SYS(fcntl) },
    /* files are made, beneath directories to which Landlock holds it */
    { KEEP, SCMP_SYS(openat2) },
    { KEEP, SCMP_SYS(mkdirat) },
    { KEEP, SCMP_SYS(symlinkat) },
    { KEEP, SCMP_SYS(linkat) },
    { KEEP, SCMP_SYS(renameat) },
    { KEEP, SCMP_SYS(renameat2) },
    { KEEP, SCMP_SYS(unlinkat) },
    { KEEP, SCMP_SYS(fchmod) },
    { KEEP, SCMP_SYS(utimensat) },
    { KEEP, SCMP_SYS(getdents64) },
    /* threads and signals */
    { EACH, SCMP_SYS(rt_sigprocmask) },
    { EACH, SCMP_SYS(rt_sigaction) },
    { EACH, SCMP_SYS(rt_sigreturn) },
    { EACH, SCMP_SYS(getpid) },
    { EACH, SCMP_SYS(gettid) },
    { EACH, SCMP_SYS(restart_syscall) },
    { BOTH, SCMP_SYS(clock_nanosleep) },
    { BOTH, SCMP_SYS(sched_yield) },
    { BOTH, SCMP_SYS(sched_getaffinity) }, /* malloc asks how many arenas make sense */
    { BOTH | KEEP, SCMP_SYS(getrandom) },
    { EACH, SCMP_SYS(exit) },
    { EACH, SCMP_SYS(exit_group) },
#ifdef VMM_INSTRUMENTED /* counters of lines are written at the end */
    { MAIN | TOOL | KEEP, SCMP_SYS(mkdir) },
    { MAIN | TOOL | KEEP, SCMP_SYS(getppid) },
    { TOOL, SCMP_SYS(fcntl) },
    { TOOL, SCMP_SYS(read) },
#endif
};

static const struct rule requests[] = {
    /* a vCPU runs, raises interrupts, gets an instruction completed, comes to rest */
    { VCPU, KVM_RUN },
    { BOTH, KVM_IRQ_LINE },
    { BOTH, KVM_GET_SREGS },
    { VCPU, KVM_TRANSLATE },
    { VCPU, KVM_CHECK_EXTENSION },
    { VCPU, KVM_GET_XSAVE2 },
    { VCPU, KVM_SET_XSAVE },
    { VCPU, KVM_GET_VCPU_EVENTS },
    { VCPU, KVM_SET_VCPU_EVENTS },
    { VCPU, KVM_GET_LAPIC },
    /* the audit that looks during the run asks which tables were stored to */
    { BOTH, KVM_GET_DIRTY_LOG },
    { BOTH, KVM_CLEAR_DIRTY_LOG },
    /* the one that traps each store makes tables read-only, and has KVM forget what it made of them */
    { TRAP, KVM_SET_USER_MEMORY_REGION },
    /* a report looks at it */
    { BOTH, KVM_GET_REGS },
    { BOTH, KVM_GET_MP_STATE },
    /* the terminal: raw, its size, restored (by whoever finds a violation, too) */
    { EACH, TCGETS },
    { BOTH, TCSETS },
    { MAIN, TIOCGWINSZ },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int add_lists(scmp_filter_ctx ctx, unsigned role)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < COUNT(calls); i++)
        if (calls[i].roles & role)
            err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, (int)calls[i].what, 0);
    for (size_t i = 0; err == 0 && i < COUNT(requests); i++)
        if (requests[i].roles & role)
            err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                   SCMP_A1(SCMP_CMP_EQ, requests[i].what, 0));
    return err;
}

/* What the address sanitizer does to find leaks (it starts a process that stops this one) is
 * not worth a list: there the filters allow everything. */
#ifdef __SANITIZE_ADDRESS__
#define OTHERWISE SCMP_ACT_ALLOW
static int add_rules(scmp_filter_ctx ctx, unsigned role)
{
    (void)ctx, (void)role, (void)add_lists;
    return 0;
}
#else
#define OTHERWISE SCMP_ACT_TRAP
static int add_rules(scmp_filter_ctx ctx, unsigned role)
{
    int err = add_lists(ctx, role);
#ifdef VMM_INSTRUMENTED
    bool may_open = role & (MAIN | TOOL | KEEP);
#else
    bool may_open = role & KEEP;
#endif
    if (err == 0)
        err = seccomp_rule_add(ctx, may_open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES),
                               SCMP_SYS(openat), 0);
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (err == 0)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (err == 0) /* abort(), raise(), and from the main thread the kick of a vCPU */
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                               SCMP_A0(SCMP_CMP_EQ, SANDBOX_OWN_PID, 0));
    return err;
}
#endif

static void fail(const char *what, int err)
{
    fprintf(stderr, "mkfilter: %s: %s\n", what, strerror(err));
    exit(EXIT_FAILURE);
}

/* Prints the filter; its number of instructions. */
static unsigned print_filter(const char *name, unsigned role)
{
    struct sock_filter insn;
    unsigned n = 0;
    scmp_filter_ctx ctx = seccomp_init(OTHERWISE);
    FILE *file = tmpfile();
    if (ctx == NULL || file == NULL)
        fail("cannot begin", ENOMEM);
    int err = add_rules(ctx, role);
    if (err == 0)
        err = seccomp_export_bpf(ctx, fileno(file));
    if (err != 0)
        fail("libseccomp", -err);
    rewind(file);
    printf("static const struct sock_filter filter_%s[] = {\n", name);
    for (; fread(&insn, sizeof(insn), 1, file) == 1; n++)
        printf("{ %#x, %u, %u, %#x },\n", insn.code, insn.jt, insn.jf, insn.k);
    printf("};\n");
    if (ferror(file))
        fail("temporary file", EIO);
    seccomp_release(ctx);
    fclose(file);
    return n;
}

int main(void)
{
    static const char *const names[SANDBOX_ROLES] = { "main", "vcpu", "trap", "tool", "keep" };
    unsigned longest = 0;
    for (unsigned i = 0; i < SANDBOX_ROLES; i++) {
        unsigned n = print_filter(names[i], 1u << i);
        if (n > longest)
            longest = n;
    }
    printf("#define SANDBOX_FILTER_MAX %u\n", longest);
    return fclose(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
