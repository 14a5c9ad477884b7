/* seccomp: strict mode, what filters may be, what each of their actions does, which of several
 * filters weighs most, and that fork, exec and threads (TSYNC) keep them. */
#include "../check.h"
#include <pthread.h>
#include <stddef.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#define NR             offsetof(struct seccomp_data, nr)
#define ARG0           offsetof(struct seccomp_data, args[0])
#define LOAD(k)        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (k))
#define RET(k)         BPF_STMT(BPF_RET | BPF_K, (k))
#define IF_EQ(k, then) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, 1), RET(then)
#define ERRNO(e)       (SECCOMP_RET_ERRNO | (e))
#define PROG(...) \
    ((struct sock_fprog){ sizeof((struct sock_filter[]){ __VA_ARGS__ }) / \
                              sizeof(struct sock_filter), \
                          (struct sock_filter[]){ __VA_ARGS__ } })

static long seccomp(unsigned op, unsigned flags, void *args)
{
    return syscall(SYS_seccomp, op, flags, args);
}
static long filter(struct sock_fprog p) { return seccomp(SECCOMP_SET_MODE_FILTER, 0, &p); }

/* getppid() gives `what`, the others are allowed. */
static long on_getppid(unsigned what)
{
    return filter(PROG(LOAD(NR), IF_EQ(SYS_getppid, what), RET(SECCOMP_RET_ALLOW)));
}

static long getppid_now(void)
{
    errno = 0;
    return syscall(SYS_getppid);
}

static int refused(struct sock_fprog p) { return filter(p) == -1 && errno == EINVAL; }

static void which_programs(void)
{
    CHECK(refused(PROG(LOAD(NR))));                         /* no return */
    CHECK(refused(PROG(LOAD(3), RET(SECCOMP_RET_ALLOW))));  /* not at a word */
    CHECK(refused(PROG(LOAD(64), RET(SECCOMP_RET_ALLOW)))); /* behind the data */
    CHECK(refused(PROG(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_LD | BPF_MEM, 16), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_LD | BPF_MEM, 1), RET(SECCOMP_RET_ALLOW)))); /* not stored */
    CHECK(refused(PROG(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_JMP | BPF_JA, 1), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused(PROG(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused((struct sock_fprog){ 0, NULL }));
    CHECK(refused((struct sock_fprog){ 4097, NULL }));
    /* Stored on one way only. */
    CHECK(refused(PROG(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 2),
                       BPF_STMT(BPF_LD | BPF_MEM, 2), RET(SECCOMP_RET_ALLOW))));
    CHECK(refused((struct sock_fprog){ 4, NULL }));
    CHECK_ERR(EFAULT, filter((struct sock_fprog){ 4, (struct sock_filter *)1 }));
    CHECK_ERR(EFAULT, seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL));
    CHECK_ERR(EINVAL, seccomp(SECCOMP_SET_MODE_FILTER, 1u << 30, NULL));
    CHECK_ERR(EINVAL, seccomp(77, 0, NULL));
    CHECK_ERR(EINVAL, seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL));
    CHECK_ERR(EINVAL, prctl(PR_SET_SECCOMP, 3, 0, 0, 0));
    CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

static void which_actions(void)
{
    static const unsigned known[] = {
        SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,  SECCOMP_RET_ERRNO,
        SECCOMP_RET_TRACE,        SECCOMP_RET_LOG,         SECCOMP_RET_ALLOW,
    };
    unsigned strange = 0x12340000u;

    for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++)
        CHECK_EQ(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, (void *)&known[i]), 0);
    CHECK_ERR(EOPNOTSUPP, seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &strange));
    CHECK_ERR(EINVAL, seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &strange));
    CHECK_ERR(EFAULT, seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL));
}

/* The number of the call, what the arithmetic of a filter gives as errno. */
static void arithmetic(void)
{
    CHECK_EQ(
        filter(PROG(LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
                    RET(SECCOMP_RET_ALLOW), LOAD(ARG0), BPF_STMT(BPF_ST, 3),
                    BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_LD | BPF_IMM, 100),
                    BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),  /* 100 / 7 = 14; by 0: kills */
                    BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 5),  /* 70 */
                    BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),  /* 63 */
                    BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 31), /* 32 */
                    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),  /* 16 */
                    BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0), /* 23 */
                    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
                    BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
                    BPF_STMT(BPF_RET | BPF_A, 0))),
        0);
    CHECK_EQ(syscall(SYS_getppid, 7), -1);
    CHECK_EQ(errno, 23);
    syscall(SYS_getppid, 0);
}

static volatile int trapped;

static void on_sigsys(int sig, siginfo_t *i, void *context)
{
    ucontext_t *uc = context;

    CHECK_EQ(sig, SIGSYS);
    CHECK_EQ(i->si_code, 1); /* SYS_SECCOMP */
    CHECK_EQ(i->si_errno, 77);
    CHECK_EQ(i->si_syscall, SYS_getppid);
    CHECK_EQ(i->si_arch, AUDIT_ARCH_X86_64);
    CHECK_EQ((long)i->si_call_addr, uc->uc_mcontext.gregs[16 /* RIP */]);
    CHECK_EQ(uc->uc_mcontext.gregs[13 /* RAX */], SYS_getppid);
    uc->uc_mcontext.gregs[13] = 4711;
    trapped++;
}

static void trap(void)
{
    struct sigaction a = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

    sigaction(SIGSYS, &a, NULL);
    CHECK_EQ(on_getppid(SECCOMP_RET_TRAP | 77), 0);
    CHECK_EQ(getppid_now(), 4711);
    CHECK_EQ(trapped, 1);
}

static void weights(void)
{
    CHECK_EQ(on_getppid(ERRNO(5)), 0);
    CHECK_EQ(on_getppid(SECCOMP_RET_ALLOW), 0);
    CHECK_EQ(on_getppid(SECCOMP_RET_LOG), 0);
    CHECK_EQ(on_getppid(SECCOMP_RET_TRACE), 0);
    CHECK_EQ(getppid_now(), -1);
    CHECK_EQ(errno, 5);
    CHECK_EQ(on_getppid(ERRNO(6)), 0); /* of two that weigh the same, the newer */
    getppid_now();
    CHECK_EQ(errno, 6);
    CHECK_EQ(on_getppid(ERRNO(0)), 0);
    CHECK_EQ(getppid_now(), 0);
    CHECK_EQ(on_getppid(ERRNO(0xffff)), 0);
    getppid_now();
    CHECK_EQ(errno, 4095);
}

static void kept(void)
{
    CHECK_EQ(on_getppid(ERRNO(44)), 0);
    CHECK_EQ(prctl(PR_GET_SECCOMP), 2);
    CHECK_EQ(CHILD(_exit(getppid_now() == -1 ? errno : 0)), EXITED(44));
    CHECK_EQ(VCHILD(_exit(getppid_now() == -1 ? errno : 0)), EXITED(44));
    CHECK_EQ(CHILD(setenv("SECCOMP_ASK", "", 1); execl("/proc/self/exe", "seccomp", (char *)NULL)),
             EXITED(44));
    CHECK(strstr(slurp("/proc/self/status"), "\nSeccomp:\t2\nSeccomp_filters:\t1\n") != NULL);
}

/* Without it, and without privileges, no filter. */
static void privileges(void)
{
    CHECK_EQ(setuid(1000), 0);
    CHECK_ERR(EACCES, on_getppid(ERRNO(1)));
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(on_getppid(ERRNO(1)), 0);
}

static void strict(void)
{
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), 0);
    if (write(1, "", 0) == 0)
        syscall(SYS_exit, 3);
}

static void strict_dies(void)
{
    CHECK_EQ(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), 0);
    syscall(SYS_getpid);
}

/* --- threads --- */

static volatile int go, answer[2];
static void *ask_when_told(void *arg)
{
    while (!go)
        sched_yield();
    answer[(long)arg] = getppid_now() == -1 ? errno : 0;
    return NULL;
}

static void *own_filter(void *arg)
{
    CHECK_EQ(on_getppid(ERRNO(9)), 0);
    return ask_when_told(arg);
}

static void tsync(void)
{
    pthread_t a, b;
    struct sock_fprog p = PROG(LOAD(NR), IF_EQ(SYS_getppid, ERRNO(8)), RET(SECCOMP_RET_ALLOW));

    CHECK_EQ(on_getppid(ERRNO(7)), 0);
    pthread_create(&a, NULL, ask_when_told, (void *)0);
    pthread_create(&b, NULL, ask_when_told, (void *)1);
    CHECK_EQ(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &p), 0);
    go = 1;
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    CHECK_EQ(answer[0], 8);
    CHECK_EQ(answer[1], 8);
    go = 0;
    pthread_create(&a, NULL, own_filter, (void *)0);
    while (strstr(slurp("/proc/self/status"), "Threads:\t2") == NULL)
        ;
    long tid;
    while ((tid = seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &p)) == 0)
        sched_yield();
    CHECK(tid > 0 && tid != getpid());
    CHECK_ERR(ESRCH, seccomp(SECCOMP_SET_MODE_FILTER,
                             SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, &p));
    go = 1;
    pthread_join(a, NULL);
    CHECK_EQ(answer[0], 9);
}

static void *call_getppid(void *arg)
{
    getppid_now();
    return arg;
}

static void thread_dies(unsigned action)
{
    pthread_t t;

    CHECK_EQ(on_getppid(action), 0);
    pthread_create(&t, NULL, call_getppid, NULL);
    while (strstr(slurp("/proc/self/status"), "Threads:\t1\n") == NULL)
        ;
}

static void too_many(void)
{
    static struct sock_filter one[4096];
    struct sock_fprog p = { 4096, one };
    int n = 0;

    for (int i = 0; i < 4096; i++)
        one[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
    while (filter(p) == 0)
        n++;
    CHECK_EQ(errno, ENOMEM);
    CHECK(n > 0 && n < 10);
}

static void test(void)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    if (getenv("SECCOMP_ASK") != NULL)
        _exit(getppid_now() == -1 ? errno : 0);
    which_programs();
    which_actions();
    CHECK_EQ(CHILD(arithmetic()), KILLED(SIGSYS));
    CHECK_EQ(CHILD(trap()), 0);
    CHECK_EQ(CHILD(weights()), 0);
    CHECK_EQ(CHILD(kept()), 0);
    CHECK_EQ(CHILD(privileges()), 0);
    CHECK_EQ(CHILD(strict()), EXITED(3));
    CHECK_EQ(CHILD(strict_dies()), KILLED(SIGKILL));
    CHECK_EQ(CHILD(on_getppid(SECCOMP_RET_TRAP); getppid_now()), KILLED(SIGSYS));
    CHECK_EQ(CHILD(on_getppid(SECCOMP_RET_KILL_PROCESS); getppid_now()), KILLED(SIGSYS));
    CHECK_EQ(CHILD(on_getppid(SECCOMP_RET_KILL_THREAD); getppid_now()), KILLED(SIGSYS));
    CHECK_EQ(CHILD(on_getppid(0x12340000u); getppid_now()), KILLED(SIGSYS));
    CHECK_EQ(CHILD(on_getppid(SECCOMP_RET_TRACE); getppid_now(); _exit(errno)), EXITED(ENOSYS));
    CHECK_EQ(CHILD(signal(SIGSYS, SIG_IGN); on_getppid(SECCOMP_RET_TRAP); getppid_now()),
             KILLED(SIGSYS));
    CHECK_EQ(CHILD(tsync()), 0);
    CHECK_EQ(CHILD(thread_dies(SECCOMP_RET_KILL_THREAD); _exit(5)), EXITED(5));
    CHECK_EQ(CHILD(thread_dies(SECCOMP_RET_KILL_PROCESS); _exit(5)), KILLED(SIGSYS));
    CHECK_EQ(CHILD(too_many()), 0);
}
