/* ptrace: the order of stops at fork, vfork, exec and exit, what each says, system calls changed
 * and left out, registers and memory, steps, signals taken away and put in, group stops seen and
 * listened to, threads that are waited for, and that the end of a tracer lets all go. */
#include "check.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/user.h>

#define EVENT(status) ((status) >> 16)

static long pt(long request, pid_t pid, uintptr_t addr, uintptr_t data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

static const char *event_name(int event)
{
    static const char *const names[] = { "",     "fork",       "vfork", "clone",
                                         "exec", "vfork done", "exit",  "seccomp" };

    return event < 8 ? names[event] : event == PTRACE_EVENT_STOP ? "stop" : "?";
}

/* Waits for pid's next state, says what it is, and gives its status. */
static int next(pid_t pid, const char *who)
{
    int status = -1;

    if (waitpid(pid, &status, __WALL) != pid)
        SAY("%s: wait: errno %d\n", who, errno);
    else if (WIFSTOPPED(status))
        SAY("%s: stop %d %s\n", who, WSTOPSIG(status), event_name(EVENT(status)));
    else if (WIFEXITED(status))
        SAY("%s: exit %d\n", who, WEXITSTATUS(status));
    else
        SAY("%s: killed %d\n", who, WTERMSIG(status));
    return status;
}

static unsigned long message(pid_t pid)
{
    unsigned long m = 0;

    CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0, (uintptr_t)&m), 0);
    return m;
}

static struct user_regs_struct regs(pid_t pid)
{
    struct user_regs_struct r;

    memset(&r, 0, sizeof(r));
    CHECK_EQ(pt(PTRACE_GETREGS, pid, 0, (uintptr_t)&r), 0);
    return r;
}

/* A child that is traced, stopped by its own SIGSTOP, and then runs the statements. */
#define TRACED(...) \
    ({ \
        pid_t traced_ = fork(); \
        if (traced_ == 0) { \
            pt(PTRACE_TRACEME, 0, 0, 0); \
            kill(getpid(), SIGSTOP); \
            __VA_ARGS__; \
            _exit(0); \
        } \
        CHECK_EQ(next(traced_, "child"), SIGSTOP << 8 | 0x7f); \
        traced_; \
    })
#define CONT(pid, sig) CHECK_EQ(pt(PTRACE_CONT, (pid), 0, (sig)), 0)

#define ALL \
    (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
     PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

static void errors(void)
{
    CHECK_ERR(ESRCH, pt(PTRACE_CONT, getpid(), 0, 0));
    CHECK_ERR(ESRCH, pt(PTRACE_ATTACH, 4000000, 0, 0));
    CHECK_ERR(ESRCH,
              syscall(SYS_ptrace, 1L << 63, getpid(), 0, 0)); /* a long: not PTRACE_TRACEME */
    CHECK_ERR(EPERM, pt(PTRACE_ATTACH, getpid(), 0, 0));
    CHECK_ERR(EIO, pt(PTRACE_SEIZE, getppid(), 1, 0));
    CHECK_ERR(EIO, pt(PTRACE_SEIZE, getppid(), 0, 1u << 31));
    pid_t pid = TRACED();
    long word;
    CHECK_ERR(EINVAL, pt(PTRACE_SETOPTIONS, pid, 0, 1u << 31));
    CHECK_ERR(EIO, pt(PTRACE_CONT, pid, 0, 65));
    CHECK_ERR(EIO, pt(PTRACE_INTERRUPT, pid, 0, 0)); /* not seized */
    CHECK_ERR(EIO, pt(PTRACE_LISTEN, pid, 0, 0));
    CHECK_ERR(EPERM, pt(PTRACE_ATTACH, pid, 0, 0));
    CHECK_ERR(EIO, pt(PTRACE_PEEKUSR, pid, 928, (uintptr_t)&word));
    CHECK_ERR(EIO, pt(PTRACE_PEEKUSR, pid, 4, (uintptr_t)&word));
    CHECK_ERR(EIO, pt(PTRACE_PEEKDATA, pid, 0, (uintptr_t)&word));
    CHECK_ERR(EIO, pt(4711, pid, 0, 0));
    CHECK_EQ(state_of(pid), 't');
    CONT(pid, 0);
    next(pid, "child");
    CHECK_EQ(CHILD(pt(PTRACE_TRACEME, 0, 0, 0); CHECK_ERR(EPERM, pt(PTRACE_TRACEME, 0, 0, 0))), 0);
}

static void vfork_and_exec(void)
{
    pid_t pid = TRACED({
        pid_t child = vfork();
        if (child == 0) {
            execlp("true", "true", (char *)NULL);
            _exit(9);
        }
        int status;
        waitpid(child, &status, 0);
        _exit(3);
    });
    CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, ALL), 0);
    CONT(pid, 0);
    CHECK_EQ(next(pid, "parent") >> 8, SIGTRAP | PTRACE_EVENT_VFORK << 8);
    pid_t child = message(pid);
    next(child, "child");
    CONT(pid, 0);
    CONT(child, 0);
    CHECK_EQ(next(child, "child") >> 8, SIGTRAP | PTRACE_EVENT_EXEC << 8);
    CHECK_EQ(message(child), child);
    next(pid, "parent"); /* VFORK_DONE: it has exec'd */
    CHECK_EQ(message(pid), child);
    CONT(pid, 0);
    CONT(child, 0);
    next(child, "child");
    CHECK_EQ(message(child), 0);
    CONT(child, 0);
    next(child, "child"); /* its end, and to its tracer first */
    next(pid, "parent");  /* SIGCHLD */
    CONT(pid, SIGCHLD);
    next(pid, "parent");
    CHECK_EQ(message(pid), EXITED(3));
    CONT(pid, 0);
    next(pid, "parent");
}

/* Without the option exec is a SIGTRAP. */
static void plain_exec(void)
{
    pid_t pid = TRACED(execlp("true", "true", (char *)NULL));

    CONT(pid, 0);
    next(pid, "child");
    siginfo_t info;
    CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info), 0);
    CHECK_EQ(info.si_code, SI_USER);
    CHECK_EQ(pt(PTRACE_KILL, pid, 0, 0), 0);
    next(pid, "child");
}

static void calls(void)
{
    pid_t pid = TRACED({
        long a = syscall(SYS_getppid), b = syscall(SYS_getpgid, 0), c = syscall(SYS_getuid);
        _exit(a == 77 && b == 88 && c == -1 && errno == EXDEV ? 5 : 6);
    });
    struct ptrace_syscall_info info;
    int n = 0;

    CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    for (;; n++) {
        int status;
        CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
        if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
            CHECK_EQ(status, EXITED(5));
            break;
        }
        CHECK_EQ(WSTOPSIG(status), SIGTRAP | 0x80);
        memset(&info, 0, sizeof(info));
        long bytes = pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (uintptr_t)&info);
        CHECK_EQ(info.arch, AUDIT_ARCH_X86_64);
        struct user_regs_struct r = regs(pid);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            CHECK_EQ(bytes, 80);
            CHECK_EQ((long)r.rax, -ENOSYS);
            CHECK_EQ(r.orig_rax, info.entry.nr);
            SAY("enter %d\n", (int)info.entry.nr);
            if (info.entry.nr == SYS_getpgid)
                r.orig_rax = -1, r.rax = 88; /* not at all */
            if (info.entry.nr == SYS_getuid)
                r.rax = -EXDEV, r.orig_rax = -1;
        } else {
            CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
            CHECK_EQ(bytes, 33);
            CHECK_EQ(info.exit.rval, (long)r.rax);
            CHECK_EQ(info.exit.is_error, (long)r.rax < 0);
            if (r.orig_rax == SYS_getppid)
                r.rax = 77;
        }
        CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (uintptr_t)&r), 0);
    }
    SAY("%d stops\n", n);
}

static volatile long there = 0x1122334455667788;
static const long fixed = 5; /* in read-only memory */

static void memory_and_registers(void)
{
    pid_t pid = TRACED(_exit(there == 42 && *(volatile const long *)&fixed == 6 ? 7 : 8));
    long word = 0, bytes = 0;
    struct iovec here = { &bytes, 8 }, remote = { (void *)&there, 8 };
    struct user_regs_struct set;
    struct iovec iov = { &set, sizeof(set) };

    CHECK_EQ(pt(PTRACE_PEEKDATA, pid, (uintptr_t)&there, (uintptr_t)&word), 0);
    CHECK_EQ(word, there);
    CHECK_EQ(syscall(SYS_process_vm_readv, pid, &here, 1, &remote, 1, 0), 8);
    CHECK_EQ(bytes, there);
    bytes = 42;
    CHECK_EQ(syscall(SYS_process_vm_writev, pid, &here, 1, &remote, 1, 0), 8);
    remote.iov_base = (void *)&fixed;
    CHECK_ERR(EFAULT, syscall(SYS_process_vm_writev, pid, &here, 1, &remote, 1, 0));
    CHECK_EQ(pt(PTRACE_POKEDATA, pid, (uintptr_t)&fixed, 6), 0); /* whatever the rights */
    CHECK_EQ(*(volatile const long *)&fixed, 5);                 /* and only there */
    struct user_regs_struct r = regs(pid);
    CHECK_EQ(pt(PTRACE_GETREGSET, pid, 1, (uintptr_t)&iov), 0);
    CHECK_EQ(iov.iov_len, sizeof(set));
    CHECK_EQ(memcmp(&r, &set, sizeof(r) - 4 * 8), 0);
    CHECK_EQ(pt(PTRACE_PEEKUSR, pid, offsetof(struct user, regs.rsp), (uintptr_t)&word), 0);
    CHECK_EQ(word, r.rsp);
    r.cs = 8;
    CHECK_ERR(EIO, pt(PTRACE_SETREGS, pid, 0, (uintptr_t)&r));
    r.cs = set.cs;
    r.fs_base = -1ul;
    CHECK_ERR(EIO, pt(PTRACE_SETREGS, pid, 0, (uintptr_t)&r));
    struct user_fpregs_struct f, g;
    CHECK_EQ(pt(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&f), 0);
    f.xmm_space[5] = 0x12345678;
    CHECK_EQ(pt(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&f), 0);
    CHECK_EQ(pt(PTRACE_GETFPREGS, pid, 0, (uintptr_t)&g), 0);
    CHECK_EQ(g.xmm_space[5], 0x12345678);
    f.mxcsr = -1;
    CHECK_ERR(EINVAL, pt(PTRACE_SETFPREGS, pid, 0, (uintptr_t)&f));
    CONT(pid, 0);
    next(pid, "child");
}

/* From the stop on: n instructions, of which the system call is one. */
static void steps(void)
{
    pid_t pid = TRACED(__asm__ volatile("nop; nop; int3; nop; mov $102, %%eax; syscall; nop; int3"
                                        :
                                        :
                                        : "rax", "rcx", "r11", "memory"));
    siginfo_t info;
    int codes[8];

    CONT(pid, 0);
    next(pid, "child");
    for (int i = 0; i < 4; i++) {
        unsigned long before = regs(pid).rip;
        CHECK_EQ(pt(PTRACE_SINGLESTEP, pid, 0, 0), 0);
        CHECK_EQ(next(pid, "child"), SIGTRAP << 8 | 0x7f);
        CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info), 0);
        codes[i] = info.si_code;
        CHECK_EQ(regs(pid).eflags & 0x100, 0);
        SAY("%d bytes, code %d\n", (int)(regs(pid).rip - before), codes[i]);
    }
    CONT(pid, 0);
    next(pid, "child");
    CONT(pid, 0);
    next(pid, "child");
}

static volatile int handled;
static void on_usr(int sig) { handled = sig; }

static void signals(void)
{
    pid_t pid = TRACED({
        signal(SIGUSR1, on_usr);
        signal(SIGUSR2, on_usr);
        signal(SIGWINCH, SIG_IGN);
        kill(getpid(), SIGUSR1); /* taken away */
        int first = handled;
        kill(getpid(), SIGUSR1);  /* becomes SIGUSR2 */
        kill(getpid(), SIGWINCH); /* ignored, and seen */
        _exit(first == 0 && handled == SIGUSR2 ? 4 : 5);
    });
    siginfo_t info;

    CONT(pid, 0);
    next(pid, "child");
    CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info), 0);
    CHECK_EQ(info.si_signo, SIGUSR1);
    CHECK_EQ(info.si_pid, pid);
    CONT(pid, 0);
    next(pid, "child");
    CONT(pid, SIGUSR2);
    next(pid, "child");
    CONT(pid, SIGWINCH);
    next(pid, "child");
    pid = TRACED(pause());
    CONT(pid, 0);
    kill(pid, SIGTERM);
    next(pid, "child"); /* not dead yet */
    CONT(pid, SIGTERM);
    next(pid, "child");
}

static void seized(void)
{
    pid_t pid = START(for (;;) pause());

    CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, ALL), 0);
    CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0);
    CHECK_EQ(EVENT(next(pid, "child")), PTRACE_EVENT_STOP);
    CONT(pid, 0);
    kill(pid, SIGSTOP);
    next(pid, "child"); /* the signal */
    CONT(pid, SIGSTOP);
    CHECK_EQ(EVENT(next(pid, "child")), PTRACE_EVENT_STOP); /* the group stop */
    CHECK_EQ(pt(PTRACE_LISTEN, pid, 0, 0), 0);
    CHECK_ERR(ESRCH, pt(PTRACE_CONT, pid, 0, 0));
    kill(pid, SIGCONT);
    next(pid, "child"); /* it is over */
    CONT(pid, 0);
    next(pid, "child"); /* SIGCONT */
    CONT(pid, 0);
    CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0);
    next(pid, "child");
    CHECK_EQ(pt(PTRACE_DETACH, pid, 0, 0), 0);
    CHECK_EQ(kill(pid, SIGTERM), 0);
    next(pid, "child");
}

static void attached(void)
{
    pid_t pid = START(for (;;) pause());
    char path[64], line[64];

    CHECK_EQ(pt(PTRACE_ATTACH, pid, 0, 0), 0);
    CHECK_EQ(next(pid, "child"), SIGSTOP << 8 | 0x7f);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    snprintf(line, sizeof(line), "\nTracerPid:\t%d\n", getpid());
    CHECK(strstr(slurp(path), line) != NULL);
    CHECK_EQ(pt(PTRACE_DETACH, pid, 0, SIGSTOP), 0);
    CHECK(WAIT_UNTIL(state_of(pid) == 'T'));
    kill(pid, SIGCONT);
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    CHECK_EQ(pt(PTRACE_ATTACH, pid, 0, 0), 0);
    next(pid, "child");
    kill(pid, SIGKILL); /* whatever stop it is in */
    next(pid, "child");
}

/* A tracer ends: its tracees go on, or die with it. */
static void tracer_ends(int options, int expected)
{
    pid_t pid = START(for (;;) pause());
    char path[64];

    CHECK_EQ(CHILD(CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, options), 0);
                   CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0); next(pid, "tracee")),
             0);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    if (expected == 0) {
        CHECK(strstr(slurp(path), "\nTracerPid:\t0\n") != NULL);
        CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
        kill(pid, SIGTERM);
    }
    next(pid, "tracee");
}

static int barrier_fd[2];
static void *short_life(void *arg)
{
    char c;
    read(barrier_fd[0], &c, 1);
    return arg;
}

static void threads(void)
{
    pipe(barrier_fd);
    pid_t pid = TRACED({
        pthread_t t;
        pthread_create(&t, NULL, short_life, NULL);
        write(barrier_fd[1], "", 1);
        pthread_join(t, NULL);
        for (;;)
            pause(); /* the thread's own end is to be seen */
    });
    CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE), 0);
    CONT(pid, 0);
    CHECK_EQ(next(pid, "leader") >> 8, SIGTRAP | PTRACE_EVENT_CLONE << 8);
    pid_t tid = message(pid);
    CHECK_EQ(next(tid, "thread"), SIGSTOP << 8 | 0x7f);
    CONT(tid, 0);
    CONT(pid, 0);
    next(tid, "thread");
    kill(pid, SIGKILL);
    next(pid, "leader");
    close(barrier_fd[0]);
    close(barrier_fd[1]);
}

/* SIGKILL for a process of which one thread is at its stop for exit. */
static void killed_at_exit(void)
{
    pid_t pid = TRACED({
        pthread_t t;
        pthread_create(&t, NULL, short_life, NULL);
        for (;;)
            pause();
    });
    pipe(barrier_fd);
    close(barrier_fd[1]);
    CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT), 0);
    CONT(pid, 0);
    next(pid, "leader");
    pid_t tid = message(pid);
    next(tid, "thread");
    CONT(pid, 0);
    CONT(tid, 0);
    next(tid, "thread");
    kill(pid, SIGKILL);
    next(tid, "thread");
    int status;
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
        CHECK_EQ(pt(PTRACE_CONT, pid, 0, 0), 0); /* it may or may not stop for exit */
    CHECK_EQ(status, KILLED(SIGKILL));
    close(barrier_fd[0]);
}

static void seccomp_event(void)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 123),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { 4, f };
    pid_t pid = TRACED({
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
        _exit(syscall(SYS_getppid) == 55 ? 3 : 4);
    });
    struct sock_filter back[4];

    CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP), 0);
    CONT(pid, 0);
    next(pid, "child");
    CHECK_EQ(message(pid), 123);
    CHECK_EQ(pt(PTRACE_SECCOMP_GET_FILTER, pid, 0, (uintptr_t)back), 4);
    CHECK_EQ(memcmp(back, f, sizeof(f)), 0);
    struct user_regs_struct r = regs(pid);
    CHECK_EQ(r.orig_rax, SYS_getppid);
    r.orig_rax = -1;
    r.rax = 55;
    CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (uintptr_t)&r), 0);
    CONT(pid, 0);
    next(pid, "child");
}

/* The bases by arch_prctl's codes; sets of registers that are not there; half of one that must be whole. */
static void other_registers(void)
{
    pid_t pid = TRACED(_exit(3));
    unsigned long base = 1;
    char bytes[1024];
    struct iovec v = { bytes, sizeof(bytes) };

    CHECK_EQ(pt(30, pid, (uintptr_t)&base, 0x1003), 0); /* PTRACE_ARCH_PRCTL, ARCH_GET_FS */
    CHECK_EQ(base, regs(pid).fs_base);
    CHECK_EQ(pt(30, pid, 0x7000, 0x1001), 0); /* ARCH_SET_GS */
    CHECK_EQ(regs(pid).gs_base, 0x7000);
    CHECK_ERR(EINVAL, pt(30, pid, 0, 99));
    CHECK_ERR(EFAULT, pt(30, pid, -1, 0x1003));
    CHECK_ERR(EINVAL, pt(PTRACE_GETREGSET, pid, 0x200, (uintptr_t)&v)); /* NT_386_TLS */
    v.iov_len = 256;
    CHECK_ERR(EINVAL, pt(PTRACE_SETREGSET, pid, 2, (uintptr_t)&v)); /* NT_PRFPREG */
    CONT(pid, 0);
    next(pid, "child");
}

static long set_info(pid_t pid, size_t bytes, void *info)
{
    return pt(0x4212, pid, bytes, (uintptr_t)info);
}

/* PTRACE_SET_SYSCALL_INFO: another call, another result. */
static void other_call(void)
{
    struct {
        uint8_t op, reserved;
        uint16_t flags;
        uint32_t arch;
        uint64_t ip, sp;
        union {
            struct {
                uint64_t nr, args[6];
            } entry;
            struct {
                int64_t value;
                uint8_t is_error;
            } exit;
        };
        uint64_t more;
    } i;
    pid_t pid = TRACED(_exit(syscall(SYS_getppid) == 42 ? 3 : 4));

    memset(&i, 0, sizeof(i));
    pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
    if (set_info(pid, sizeof(i), &i) == -1 && errno == EIO) { /* Linux 6.16 has it */
        SAY("# no PTRACE_SET_SYSCALL_INFO\n");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return;
    }
    CHECK_ERR(EINVAL, set_info(pid, sizeof(i), &i)); /* it has stopped for no call */
    do {
        CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
        CHECK_EQ(waitpid(pid, NULL, 0), pid);
        CHECK_EQ(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), (uintptr_t)&i) > 0, 1);
    } while (i.op != 1 || i.entry.nr != SYS_getppid);
    i.entry.nr = SYS_getpid;
    CHECK_EQ(set_info(pid, sizeof(i), &i), 0);
    i.entry.nr = 1ull << 40;
    CHECK_ERR(ERANGE, set_info(pid, sizeof(i), &i));
    i.op = 2;
    CHECK_ERR(EINVAL, set_info(pid, sizeof(i), &i));
    i.op = 1;
    i.flags = 1;
    CHECK_ERR(EINVAL, set_info(pid, sizeof(i), &i));
    CHECK_ERR(EINVAL, set_info(pid, 80, &i));
    CHECK_ERR(EFAULT, set_info(pid, sizeof(i), NULL));
    CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    CHECK(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), (uintptr_t)&i) > 0);
    CHECK(i.op == 2 && i.exit.value == pid);
    i.exit.value = 42;
    i.flags = 0;
    CHECK_EQ(set_info(pid, sizeof(i), &i), 0);
    CONT(pid, 0);
    next(pid, "child");
}

static void rights(void)
{
    pid_t pid = START(for (;;) pause());

    CHECK_EQ(CHILD(setuid(1000); CHECK_ERR(EPERM, pt(PTRACE_ATTACH, pid, 0, 0))), 0);
    kill(pid, SIGKILL);
    next(pid, "child");
}

static void test(void)
{
    errors();
    vfork_and_exec();
    plain_exec();
    calls();
    memory_and_registers();
    steps();
    signals();
    seized();
    attached();
    tracer_ends(0, 0);
    tracer_ends(PTRACE_O_EXITKILL, SIGKILL);
    threads();
    killed_at_exit();
    seccomp_event();
    other_registers();
    other_call();
    rights();
}
