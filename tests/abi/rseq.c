/* rseq(2): the number of the CPU is in the program's memory whenever it looks, a critical
 * section that loses its CPU or gets a signal goes on at its abort address, and who inherits
 * a registration, or not, is as on Linux. */
#include "check.h"
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <ucontext.h>

#define SIGNATURE                 0x53053053
#define RSEQ_FLAG_UNREGISTER      1
#define RSEQ_CPU_ID_UNINITIALIZED -1

/* As <linux/rseq.h> has them, which musl has not. */
struct rseq {
    uint32_t cpu_id_start, cpu_id;
    uint64_t rseq_cs;
    uint32_t flags, later[3];
} __attribute__((aligned(32)));
struct rseq_cs {
    uint32_t version, flags;
    uint64_t start_ip, post_commit_offset, abort_ip;
} __attribute__((aligned(32)));

static struct rseq area, other;

static long rseq(struct rseq *at, unsigned len, int flags, unsigned signature)
{
    return syscall(SYS_rseq, at, len, flags, signature);
}

static long enter(struct rseq *at) { return rseq(at, 32, 0, SIGNATURE); }

static long leave(struct rseq *at) { return rseq(at, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE); }

static void errors(void)
{
    area.cpu_id = 77;
    CHECK_ERR(EINVAL, leave(&area));
    CHECK_ERR(EINVAL, rseq(&area, 16, 0, SIGNATURE));
    CHECK_ERR(EINVAL, rseq((struct rseq *)((char *)&area + 8), 32, 0, SIGNATURE));
    CHECK_ERR(EINVAL, rseq(&area, 32, 2, SIGNATURE));
    CHECK_ERR(EFAULT, rseq((struct rseq *)(1ul << 63), 32, 0, SIGNATURE));
    CHECK_ERR(EFAULT, rseq((struct rseq *)(PAGE - 32), 32, 0, SIGNATURE));
    CHECK(area.cpu_id == 77);
    CHECK(enter(&area) == 0);
    CHECK_ERR(EBUSY, enter(&area));
    CHECK_ERR(EINVAL, enter(&other));
    CHECK_ERR(EINVAL, rseq(&area, 64, 0, SIGNATURE));
    CHECK_ERR(EPERM, rseq(&area, 32, 0, SIGNATURE + 1));
    CHECK_ERR(EINVAL, rseq(&area, 32, 3, SIGNATURE));
    CHECK_ERR(EPERM, rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIGNATURE + 1));
    CHECK_ERR(EINVAL, leave(&other));
    CHECK(leave(&area) == 0);
    CHECK(area.cpu_id == (unsigned)RSEQ_CPU_ID_UNINITIALIZED && area.cpu_id_start == 0);
    CHECK_ERR(EINVAL, leave(&area));
}

static unsigned cpu_now(void)
{
    unsigned cpu = 1000;

    syscall(SYS_getcpu, &cpu, NULL, NULL);
    return cpu;
}

static void only(int cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
}

static void numbers(void)
{
    cpu_set_t all;

    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    CHECK(enter(&area) == 0);
    for (int turn = 0; turn < 3; turn++)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &all)) {
                only(cpu);
                CHECK(area.cpu_id == (unsigned)cpu && area.cpu_id_start == (unsigned)cpu);
                usleep(100);
                CHECK(area.cpu_id == cpu_now());
            }
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    for (int i = 0; i < 50; i++) { /* one that is moved about by others */
        unsigned before = area.cpu_id, now = cpu_now(), after = area.cpu_id;
        CHECK(before != after || now == before);
        sched_yield();
    }
    CHECK(leave(&area) == 0);
}

/* Who has one. */
static void *in_thread(void *arg)
{
    (void)arg;
    CHECK(enter(&other) == 0);
    CHECK(other.cpu_id < 1024);
    CHECK(leave(&other) == 0);
    return NULL;
}

static void heirs(void)
{
    pthread_t t;
    int status;

    CHECK(enter(&area) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_ERR(EBUSY, enter(&area));
        CHECK(area.cpu_id == cpu_now());
        only(cpu_now());
        CHECK(area.cpu_id == cpu_now());
        CHECK(leave(&area) == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    pid = vfork();
    if (pid == 0) {
        long err = enter(&other);
        if (err == 0)
            err = leave(&other);
        _exit(err == 0 ? 0 : errno);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(pthread_create(&t, NULL, in_thread, NULL) == 0);
    CHECK(pthread_join(t, NULL) == 0);
    CHECK_ERR(EBUSY, enter(&area));
    pid = fork();
    if (pid == 0) {
        setenv("RSEQ_TEST", "after exec", 1);
        execl("/proc/self/exe", "rseq", NULL);
        _exit(99);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(leave(&area) == 0);
}

/* Stays in a critical section until it is aborted. */
extern const char section_start[], section_end[], section_abort[];
static struct rseq_cs section;
static volatile int stop;

static int __attribute__((noinline)) aborted(struct rseq *at, const struct rseq_cs *cs)
{
    int result = 0;

    __asm__ volatile("        movq %[cs], %[slot]\n"
                     ".globl section_start, section_end, section_abort\n"
                     "section_start:\n"
                     "1:      pause\n"
                     "        cmpl $0, %[stop]\n"
                     "        je 1b\n"
                     "section_end:\n"
                     "        jmp 3f\n"
                     "        .long 0x53053053\n"
                     "section_abort:\n"
                     "        movl $1, %[result]\n"
                     "3:\n"
                     : [result] "+r"(result), [slot] "=m"(at->rseq_cs)
                     : [cs] "r"(cs), [stop] "m"(stop)
                     : "memory", "cc");
    return result;
}

static unsigned long handler_rip, handler_slot;

static void on_alarm(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    handler_rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    handler_slot = area.rseq_cs;
}

static void set_up_section(void)
{
    section = (struct rseq_cs){ .start_ip = (unsigned long)section_start,
                                .post_commit_offset = section_end - section_start,
                                .abort_ip = (unsigned long)section_abort };
}

static void alarm_soon(void)
{
    struct itimerval soon = { .it_value.tv_usec = 20000 };
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static void signal_in_section(void)
{
    sigset_t alrm, old;
    struct sigaction sa = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO };

    set_up_section();
    CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
    CHECK(enter(&area) == 0);
    for (handler_rip = 0; handler_rip != (unsigned long)section_abort;) {
        alarm_soon();
        CHECK(aborted(&area, &section) == 1);
        CHECK(area.rseq_cs == 0);
        sigemptyset(&alrm);
        sigaddset(&alrm, SIGALRM);
        sigprocmask(SIG_BLOCK, &alrm, &old); /* lost the CPU first?  Then it is still to come */
        struct itimerval left;
        getitimer(ITIMER_REAL, &left);
        if (left.it_value.tv_usec != 0)
            sigsuspend(&old);
        sigprocmask(SIG_SETMASK, &old, NULL);
    }
    CHECK(handler_slot == 0);
    /* Outside of a section the address is only forgotten. */
    area.rseq_cs = (unsigned long)&section;
    raise(SIGALRM);
    CHECK(handler_slot == 0 && handler_rip != (unsigned long)section_abort);
    CHECK(leave(&area) == 0);
}

/* Another one on the same CPU that never sleeps. */
static void by_preemption(void)
{
    cpu_set_t all;

    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    only(cpu_now());
    CHECK(enter(&area) == 0);
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            ;
    CHECK(aborted(&area, &section) == 1);
    CHECK(area.rseq_cs == 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    CHECK(leave(&area) == 0);
}

static void on_urgent(int sig) { (void)sig; }

/* What a tracer is told of it. */
static void told(void)
{
    struct {
        uint64_t at;
        uint32_t len, signature, flags, none;
    } is = { 0 };
    int status;
    pid_t child = START(CHECK(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0); enter(&area);
                        raise(SIGSTOP); leave(&area); raise(SIGSTOP));
#define CONFIGURATION(room) syscall(SYS_ptrace, 0x420f, child, room, &is)
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK(CONFIGURATION(24) == 24 && is.at == (uint64_t)&area && is.len == 32);
    CHECK(is.signature == SIGNATURE && is.flags == 0);
    is.signature = 1;
    CHECK(CONFIGURATION(8) == 24 && is.signature == 1 && CONFIGURATION(100) == 24);
    CHECK_ERR(EFAULT, syscall(SYS_ptrace, 0x420f, child, 8, 8));
    CHECK(syscall(SYS_ptrace, PTRACE_CONT, child, 0, 0) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK(CONFIGURATION(24) == 24 && is.at == 0 && is.len == 0 && is.signature == 0);
    kill(child, SIGKILL);
    CHECK_EQ(status_of(child), SIGKILL);
    CHECK_ERR(ESRCH, syscall(SYS_ptrace, PTRACE_SEIZE, child, 0, -1L));
}

static void wrong_slot(void)
{
    enter(&area);
    area.rseq_cs = 1ul << 47;
    signal(SIGURG, on_urgent);
    raise(SIGURG);
}

static void wrong_signature(void)
{
    rseq(&area, 32, 0, SIGNATURE + 1);
    signal(SIGURG, on_urgent);
    area.rseq_cs = (unsigned long)&section;
    raise(SIGURG);
}

static void wrong_version(void)
{
    enter(&area);
    section.version = 1;
    signal(SIGURG, on_urgent);
    area.rseq_cs = (unsigned long)&section;
    raise(SIGURG);
}

/* What was readable when it registered, and is gone when the number is due. */
static void wrong_memory(void)
{
    struct rseq *gone =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    enter(gone);
    munmap(gone, PAGE);
    signal(SIGURG, on_urgent);
    raise(SIGURG);
}

static void test(void)
{
    if (getenv("RSEQ_TEST") != NULL) {
        CHECK(enter(&area) == 0);
        CHECK(leave(&area) == 0);
        return;
    }
    errors();
    numbers();
    heirs();
    signal_in_section();
    by_preemption();
    told();
    CHECK_DIES(SIGSEGV, wrong_slot());
    CHECK_DIES(SIGSEGV, wrong_signature());
    CHECK_DIES(SIGSEGV, wrong_version());
    CHECK_DIES(SIGSEGV, wrong_memory());
}
