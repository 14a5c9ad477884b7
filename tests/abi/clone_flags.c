/* clone(2) with every combination of eleven flags, legal or not: EINVAL for those that are
 * not, and for the others exactly what the flags say is shared, stored and waited for.
 * CLONE_SYSVSEM, which shows no effect, is there in every second one.
 * clone3 with those of its flags that depend on each other; what each call refuses.
 *
 * A maker process makes the children; its own parent reaps those of CLONE_PARENT.  The child
 * uses no libc: it may have a TLS of its own, or share the maker's. */
#include "check.h"

#define CLONE_CLEAR_SIGHAND_ 0x100000000ull
#define CLONE_INTO_CGROUP_   0x200000000ull
#define CLONE_PIDFD_         0x1000

struct args { /* struct clone_args */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

/* What a child has found out, in memory that is always shared. */
static struct result {
    volatile int go, done, wait_for_go;
    volatile int saw_ctid, same_pid, ppid, tls;
} * result;

static char stack[16384] __attribute__((aligned(16)));
static volatile int memory, ptid, ctid;
static unsigned long tls_block[64];
static unsigned long own_tls;

#define TLS_MAGIC 0x1122334455667788ul

static inline long call(long nr, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
}

static int maker_pid;

static void child(void)
{
    unsigned long base = 0;
    struct {
        unsigned long handler, flags, restorer, mask;
    } ignore = { 1, 0, 0, 0 };

    while (result->wait_for_go && !result->go)
        call(SYS_sched_yield, 0, 0, 0, 0);
    memory = 1;
    call(SYS_umask, 077, 0, 0, 0);
    call(SYS_dup2, 1, 40, 0, 0);
    call(SYS_rt_sigaction, SIGUSR1, (long)&ignore, 0, 8);
    result->same_pid = call(SYS_getpid, 0, 0, 0, 0) == maker_pid;
    result->ppid = call(SYS_getppid, 0, 0, 0, 0);
    result->saw_ctid = ctid == call(SYS_gettid, 0, 0, 0, 0);
    call(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, (long)&base, 0, 0);
    result->tls = base == (unsigned long)tls_block && *(unsigned long *)base == TLS_MAGIC ? 1
                  : base == own_tls                                                       ? 0
                                                                                          : 2;
    result->done = 1;
}

/* nr and its first arguments; the child calls child() on the stack it was given. */
static long make(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register void (*fn)(void) __asm__("r12") = child;
    long ret;

    __asm__ volatile("syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "xor %%ebp, %%ebp\n"
                     "call *%%r12\n"
                     "xor %%edi, %%edi\n"
                     "mov $60, %%eax\n"
                     "syscall\n"
                     "1:"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(fn)
                     : "rcx", "r11", "memory");
    return ret;
}

static long make_clone(unsigned long flags)
{
    return make(SYS_clone, flags | SIGCHLD, (long)(stack + sizeof(stack)), (long)&ptid, (long)&ctid,
                (long)tls_block);
}

/* --- one combination ---------------------------------------------------------------- */

static void prepare(unsigned long flags)
{
    memset(result, 0, sizeof(*result));
    result->wait_for_go = !(flags & CLONE_VFORK);
    memory = 0;
    ptid = ctid = -7;
    umask(022);
    close(40);
    signal(SIGUSR1, SIG_DFL);
}

static int legal(unsigned long flags)
{
    return !((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) &&
           !((flags & CLONE_SIGHAND) && !(flags & CLONE_VM));
}

/* Until the child is gone. */
static void finish(long tid, unsigned long flags)
{
    result->go = 1;
    if (!(flags & (CLONE_THREAD | CLONE_PARENT))) {
        CHECK_EQ(waitpid(tid, NULL, __WALL), tid);
        return;
    }
    while (!result->done || syscall(SYS_tkill, tid, 0) == 0)
        sched_yield();
    CHECK(waitpid(tid, NULL, __WALL) < 0 && errno == ECHILD);
}

#define SHOWS(flag, holds) \
    do { \
        if (!(flags & (flag)) != !(holds)) { \
            SAY("flags %lx: %s is %d\n", flags, #flag, (int)(holds)); \
            CHECK(!"as the flags say"); \
        } \
    } while (0)

static void one(unsigned long flags, long (*maker)(unsigned long))
{
    struct sigaction usr1;

    prepare(flags);
    long tid = maker(flags);
    if (!legal(flags)) {
        if (tid != -EINVAL)
            SAY("flags %lx: %ld\n", flags, tid);
        CHECK(tid == -EINVAL);
        return;
    }
    if (tid <= 0) {
        SAY("flags %lx: %ld\n", flags, tid);
        CHECK(tid > 0);
        return;
    }
    SHOWS(CLONE_VFORK, result->done);
    SHOWS(CLONE_PARENT_SETTID, ptid == tid);
    finish(tid, flags);
    SHOWS(CLONE_VM, memory);
    mode_t mask = umask(022);
    SHOWS(CLONE_FS, mask == 077);
    SHOWS(CLONE_FILES, fcntl(40, F_GETFD) >= 0);
    sigaction(SIGUSR1, NULL, &usr1);
    SHOWS(CLONE_SIGHAND, usr1.sa_handler == SIG_IGN);
    SHOWS(CLONE_THREAD, result->same_pid);
    SHOWS(CLONE_PARENT | CLONE_THREAD, result->ppid == getppid());
    CHECK(result->ppid == getppid() || result->ppid == getpid());
    SHOWS(CLONE_SETTLS, result->tls == 1);
    CHECK(result->tls != 2);
    SHOWS(CLONE_CHILD_SETTID, result->saw_ctid);
    if (flags & CLONE_VM) {
        /* the word goes to 0 before the task leaves /proc and the family */
        SHOWS(CLONE_CHILD_CLEARTID, ctid == 0);
        if (!(flags & CLONE_CHILD_CLEARTID))
            SHOWS(CLONE_CHILD_SETTID, ctid == tid);
    } else {
        CHECK_EQ(ctid, -7);
    }
}

static void all_of_eleven(void)
{
    static const unsigned long flag[] = {
        CLONE_VM,
        CLONE_FS,
        CLONE_FILES,
        CLONE_SIGHAND,
        CLONE_THREAD,
        CLONE_SETTLS,
        CLONE_PARENT_SETTID,
        CLONE_CHILD_SETTID,
        CLONE_CHILD_CLEARTID,
        CLONE_PARENT,
        CLONE_VFORK,
    };
    for (unsigned set = 0; set < 1u << 11; set++) {
        unsigned long flags = __builtin_parity(set) ? CLONE_SYSVSEM : 0;
        for (int i = 0; i < 11; i++)
            if (set >> i & 1)
                flags |= flag[i];
        one(flags, make_clone);
    }
    /* without effect, alone and together */
    static const unsigned long idle[] = { CLONE_UNTRACED, CLONE_IO, CLONE_DETACHED };
    for (unsigned set = 1; set < 8; set++) {
        unsigned long more =
            (set & 1 ? idle[0] : 0) | (set & 2 ? idle[1] : 0) | (set & 4 ? idle[2] : 0);
        one(more, make_clone);
        one(more | CLONE_VM | CLONE_VFORK, make_clone);
        one(more | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS, make_clone);
    }
}

/* --- clone3 ------------------------------------------------------------------------- */

static uint64_t more_flags;
static int exit_signal;

static long make_clone3(unsigned long flags)
{
    struct args a = {
        .flags = flags | more_flags,
        .exit_signal = exit_signal,
        .stack = (uint64_t)stack,
        .stack_size = sizeof(stack),
        .parent_tid = (uint64_t)&ptid,
        .child_tid = (uint64_t)&ctid,
        .tls = (uint64_t)tls_block,
    };
    return make(SYS_clone3, (long)&a, sizeof(a), 0, 0, 0);
}

static void clone3_cgroup(void)
{
    struct args a = { .flags = CLONE_INTO_CGROUP_, .exit_signal = SIGCHLD, .cgroup = -1 };

    CHECK_ERR(EINVAL, syscall(SYS_clone3, &a, sizeof(a)));
    a.cgroup = 0;
    CHECK_ERR(EINVAL, syscall(SYS_clone3, &a, 80)); /* a caller without the field */
    a.cgroup = 777;
    CHECK_ERR(EBADF, syscall(SYS_clone3, &a, sizeof(a)));
}

static void clone3_combinations(void)
{
    static const unsigned long flag[] = { CLONE_VM, CLONE_SIGHAND, CLONE_THREAD, CLONE_PARENT,
                                          CLONE_VFORK };

    for (unsigned set = 0; set < 1u << 5; set++) {
        unsigned long flags = CLONE_CHILD_CLEARTID | CLONE_SETTLS;
        for (int i = 0; i < 5; i++)
            if (set >> i & 1)
                flags |= flag[i];
        exit_signal = flags & (CLONE_THREAD | CLONE_PARENT) ? 0 : SIGCHLD;
        one(flags, make_clone3);
        exit_signal = SIGCHLD;
        if (flags & (CLONE_THREAD | CLONE_PARENT))
            CHECK_EQ(make_clone3(flags), -EINVAL);
        more_flags = CLONE_CLEAR_SIGHAND_;
        if (flags & CLONE_SIGHAND)
            CHECK_EQ(make_clone3(flags), -EINVAL);
        more_flags = 0;
    }
}

static long refused(struct args a, size_t size)
{
    a.exit_signal |= SIGCHLD;
    return make(SYS_clone3, (long)&a, size, 0, 0, 0);
}

static void refusals(void)
{
    struct args ok = { 0 };
    int tids[2] = { getpid(), 1 };

    CHECK_EQ(make(SYS_clone, CLONE_PIDFD_ | CLONE_DETACHED | SIGCHLD, 0, (long)&ptid, 0, 0),
             -EINVAL);
    CHECK_EQ(make(SYS_clone, CLONE_PIDFD_ | CLONE_PARENT_SETTID | SIGCHLD, 0, (long)&ptid, 0, 0),
             -EINVAL);
    CHECK_EQ(make(SYS_clone, CLONE_VM | CLONE_SETTLS | SIGCHLD, (long)stack, 0, 0, 1l << 62),
             -EPERM);
    CHECK_EQ(make(SYS_clone, CLONE_VM | CLONE_SETTLS | SIGCHLD, (long)stack, 0, 0, -4096l), -EPERM);
    CHECK_EQ(refused(ok, 63), -EINVAL);
    CHECK_EQ(refused(ok, 4097), -E2BIG);
    CHECK_EQ(make(SYS_clone3, 0, sizeof(ok), 0, 0, 0), -EFAULT);
    CHECK_EQ(refused((struct args){ .flags = CLONE_DETACHED }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .flags = SIGCHLD }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .flags = 1ull << 40 }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .exit_signal = 0x100 }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .exit_signal = 65 }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .stack = 4096 }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .stack_size = 4096 }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .set_tid_size = 1 }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .set_tid = (uint64_t)tids }, sizeof(ok)), -EINVAL);
    CHECK_EQ(refused((struct args){ .set_tid = (uint64_t)tids, .set_tid_size = 33 }, sizeof(ok)),
             -EINVAL);
    CHECK_EQ(refused((struct args){ .set_tid = (uint64_t)tids, .set_tid_size = 1 }, sizeof(ok)),
             -EEXIST);
    tids[0] = 1 << 30;
    CHECK_EQ(refused((struct args){ .set_tid = (uint64_t)tids, .set_tid_size = 1 }, sizeof(ok)),
             -EINVAL);
}

/* The number that is asked for; handlers that do not get to the child. */
static void wishes(void)
{
    pid_t free_pid = START(), pid;
    struct args a = { .exit_signal = SIGCHLD, .set_tid_size = 1, .set_tid = (uint64_t)&free_pid };

    status_of(free_pid);
    pid = syscall(SYS_clone3, &a, sizeof(a));
    if (pid == 0)
        _exit(getpid() != free_pid);
    CHECK_EQ(pid, free_pid);
    CHECK_EQ(status_of(pid), 0);

    struct args clear = { .flags = CLONE_CLEAR_SIGHAND_, .exit_signal = SIGCHLD };
    struct sigaction action;
    signal(SIGUSR1, SIG_IGN);
    handle(SIGUSR2, (void (*)(int))child, 0);
    pid = syscall(SYS_clone3, &clear, sizeof(clear));
    if (pid == 0) {
        sigaction(SIGUSR1, NULL, &action);
        int ignored = action.sa_handler == SIG_IGN;
        sigaction(SIGUSR2, NULL, &action);
        _exit(!ignored || action.sa_handler != SIG_DFL);
    }
    CHECK_EQ(status_of(pid), 0);
}

static void test(void)
{
    result = map_shared(PAGE);
    tls_block[0] = TLS_MAGIC;
    pid_t maker =
        START(maker_pid = getpid(); syscall(SYS_arch_prctl, 0x1003, &own_tls); all_of_eleven();
              clone3_combinations(); clone3_cgroup(); refusals(); wishes());
    int status = -1;
    int others = 0;
    while (waitpid(-1, &status, __WALL) != maker)
        others++;
    CHECK_EQ(status, 0);
    SAY("%d children of CLONE_PARENT\n", others);
}
