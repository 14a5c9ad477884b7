/* process.c - storms of processes: fork, vfork, clone, exec, exit and kill. */
#include "stress.h"

static void exec_exit(int code)
{
    char number[12];
    char *argv[] = { "stress", "--exit", number, NULL };

    snprintf(number, sizeof(number), "%d", code);
    execv("/proc/self/exe", argv);
    _exit(97);
}

/* --- fork: a tree of processes, each with its own copy of the memory -------------------- */

enum { COPIED = 12 };

static unsigned char *copied;

static int grow(struct rng *r, int depth)
{
    unsigned char mark = rng(r, 255);
    pid_t pid[3];
    int n = depth == 0 ? 0 : 1 + rng(r, 3), sum = 1;

    for (int p = 0; p < COPIED; p++)
        copied[p * PAGE + mark] = mark;
    for (int i = 0; i < n; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            _exit(grow(r, depth - 1));
        MUST(pid[i] > 0);
        rng(r, 2); /* the next child goes another way */
    }
    for (int i = 0; i < n; i++) {
        int status = status_of(pid[i]);
        if ((status & 0xff) != 0)
            FAIL("child of the tree: status %#x", status);
        sum += status >> 8;
    }
    for (int p = 0; p < COPIED; p++)
        if (copied[p * PAGE + mark] != mark)
            FAIL("page %d: %d instead of %d", p, copied[p * PAGE + mark], mark);
    return sum;
}

static void fork_worker(struct rng *r)
{
    copied = map_private(COPIED * PAGE);
    while (go_on()) {
        wander(r);
        done(grow(r, 3));
    }
}

static void storm_fork(void) { in_processes(4, fork_worker); }

/* --- vfork: from several threads at once ------------------------------------------------- */

static void *vfork_thread(void *arg)
{
    struct rng r;
    volatile int stored;

    rng_start(&r, (long)arg);
    while (go_on()) {
        int code = 1 + rng(&r, 90), how = rng(&r, 5);
        wander(&r);
        stored = 0;
        pid_t pid = vfork();
        if (pid == 0) {
            stored = code;
            if (how == 1)
                execl("/none", "none", (char *)NULL); /* fails, and does not release */
            if (how == 2)
                sched_yield();
            if (how >= 3)
                exec_exit(code);
            _exit(code);
        }
        if (stored != code)
            FAIL("released too early, or memory not shared: %d instead of %d", stored, code);
        int status = status_of(pid);
        if (status != EXITED(code))
            FAIL("status %#x instead of %#x", status, EXITED(code));
        done(1);
    }
    return NULL;
}

static void vfork_worker(struct rng *r)
{
    pthread_t t[3];

    for (long i = 0; i < 3; i++)
        t[i] = thread_start(vfork_thread, (void *)(long)(rng(r, 1 << 20) * 4 + i));
    for (int i = 0; i < 3; i++)
        thread_join(t[i]);
}

static void storm_vfork(void) { in_processes(2, vfork_worker); }

/* --- threads: made, joined, detached; some by clone alone --------------------------------- */

static volatile unsigned ran;
static __thread unsigned own = 7;

static void *short_thread(void *arg)
{
    if (own != 7)
        FAIL("TLS of a new thread: %u", own);
    own = (unsigned)(long)arg;
    if (own % 3 == 0)
        sched_yield();
    if (own != (unsigned)(long)arg)
        FAIL("TLS: %u instead of %u", own, (unsigned)(long)arg);
    __atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static int raw_thread(void *arg)
{
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Made and joined as a libc does it: the kernel clears the word, and wakes. */
static void raw_round(char *stack, unsigned *count)
{
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    volatile uint32_t tid = 1;
    unsigned before = *count;

    if (clone(raw_thread, stack + 16384, flags, count, &tid, NULL, &tid) <= 0) {
        FAIL("clone: errno %d", errno);
        return;
    }
    for (uint32_t now; (now = tid) != 0;)
        futex(&tid, 0, now, NULL, NULL, 0);
    if (*count != before + 1)
        FAIL("joined before it ran");
}

static void thread_worker(struct rng *r)
{
    pthread_t t[8];
    unsigned started = 0, count = 0;
    char *stack = map_private(16384);

    while (go_on()) {
        int n = 1 + rng(r, 8);
        wander(r);
        for (int i = 0; i < n; i++)
            t[i] = thread_start(short_thread, (void *)(long)rng(r, 1000));
        for (int i = 0; i < n; i++)
            if (rng(r, 4) == 0)
                MUST(pthread_detach(t[i]) == 0);
            else
                thread_join(t[i]);
        started += n;
        raw_round(stack, &count);
        done(n + 1);
    }
    for (int i = 0; i < 5000 && ran != started; i++)
        pause_us(1000);
    if (ran != started)
        FAIL("%u threads ran, %u were made", ran, started);
}

static void storm_threads(void) { in_processes(3, thread_worker); }

/* --- race: exec, exit_group, faults and kill at once in one process ------------------------ */

enum act { ACT_SPIN, ACT_PAUSE, ACT_FUTEX, ACT_FORK, ACT_VFORK, ACT_EXEC, ACT_EXIT, ACT_FAULT };

static volatile uint32_t never;
static pthread_barrier_t gate;

static void *act(void *arg)
{
    enum act what = (long)arg & 15;
    long delay = (long)arg >> 4;

    go_to_cpu(delay);
    if (what >= ACT_EXEC)
        pthread_barrier_wait(&gate);
    for (volatile long i = 0; i < delay; i++)
        ;
    for (;;) {
        pid_t pid = -1;
        switch (what) {
        case ACT_SPIN: continue;
        case ACT_PAUSE: pause(); continue;
        case ACT_FUTEX: futex(&never, 128, 0, NULL, NULL, 0); continue;
        case ACT_FORK: pid = fork(); break;
        case ACT_VFORK: pid = vfork(); break;
        case ACT_EXEC: exec_exit(50); break;
        case ACT_EXIT: _exit(51);
        case ACT_FAULT: *(volatile int *)8 = 0; break;
        }
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            status_of(pid);
    }
    return NULL;
}

static void race_worker(struct rng *r)
{
    while (go_on()) {
        int n = 2 + rng(r, 4), deadly = 1 + rng(r, 2), killer = rng(r, 4) == 0;
        unsigned plan[8], delay = rng(r, 3000);
        for (int i = 0; i < n; i++)
            plan[i] = (i < deadly ? ACT_EXEC + rng(r, 3) : rng(r, ACT_EXEC)) | rng(r, 2000) << 4;
        pid_t pid = fork();
        if (pid == 0) {
            pthread_barrier_init(&gate, NULL, deadly);
            for (int i = n - 1; i > 0; i--)
                thread_start(act, (void *)(long)plan[i]);
            act((void *)(long)plan[0]);
        }
        if (killer) {
            pause_us(delay);
            kill(pid, SIGKILL);
        }
        int status = status_of(pid) & ~0x80;
        if (status != EXITED(50) && status != EXITED(51) && status != SIGSEGV &&
            !(killer && status == SIGKILL))
            FAIL("status %#x", status);
        done(1);
    }
}

/* Children of those that end are nobody's any more: init reaps them. */
static void storm_race(void) { in_processes(3, race_worker); }

/* --- vfork_signals: signals to a parent that stands in vfork -------------------------------- */

struct blocked {
    volatile int child_runs, child_done, handled;
};

static struct blocked *blocked;

static void on_usr1(int sig)
{
    (void)sig;
    blocked->handled++;
}

static void blocked_parent(unsigned us)
{
    signal(SIGUSR1, on_usr1);
    pid_t pid = vfork();
    if (pid == 0) {
        blocked->child_runs = 1;
        pause_us(us);
        blocked->child_done = 1;
        _exit(3);
    }
    if (!blocked->child_done)
        FAIL("vfork returned before the child's end");
    _exit(status_of(pid) == EXITED(3) ? 4 : 5);
}

static void signal_worker(struct rng *r)
{
    static const int sigs[] = { SIGUSR1, SIGUSR1, SIGTERM, SIGKILL, SIGSTOP, SIGCONT };

    blocked = map_shared(PAGE);
    while (go_on()) {
        unsigned us = 200 + rng(r, 3000);
        wander(r);
        int fatal = 0, sent = 0;
        memset(blocked, 0, sizeof(*blocked));
        pid_t pid = fork();
        if (pid == 0)
            blocked_parent(us);
        while (!blocked->child_runs)
            sched_yield();
        for (int n = rng(r, 4); n > 0; n--) {
            int sig = sigs[rng(r, ARRAY_SIZE(sigs))];
            kill(pid, sig);
            fatal |= sig == SIGTERM || sig == SIGKILL;
            sent |= sig == SIGUSR1 && !blocked->child_done; /* it was still there to take it */
            if (rng(r, 2))
                pause_us(rng(r, 300));
        }
        kill(pid, SIGCONT);
        int status = status_of(pid);
        if (fatal ? status != SIGTERM && status != SIGKILL && status != EXITED(4)
                  : status != EXITED(4))
            FAIL("status %#x, fatal %d", status, fatal);
        if (!fatal && sent && !blocked->handled)
            FAIL("the handler has not run");
        while (!blocked->child_done)
            sched_yield();
        done(1);
    }
    munmap(blocked, PAGE);
}

static void storm_vfork_signals(void) { in_processes(3, signal_worker); }

/* --- kill: groups of processes that fork, killed at once ------------------------------------- */

static void breed(struct rng *r)
{
    for (;;) {
        pid_t pid = rng(r, 2) ? fork() : vfork();
        if (pid == 0) {
            if (rng(r, 3) == 0)
                exec_exit(0);
            _exit(0);
        }
        if (pid > 0)
            status_of(pid);
    }
}

static void kill_worker(struct rng *r)
{
    while (go_on()) {
        unsigned delay = rng(r, 4000);
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            for (int i = 0; i < 3; i++) {
                if (fork() == 0) {
                    go_to_cpu(i);
                    breed(r);
                }
                rng(r, 2);
            }
            breed(r);
        }
        if (pid < 0) {
            FAIL("fork: errno %d", errno);
            return;
        }
        setpgid(pid, pid);
        pause_us(delay);
        kill(-pid, SIGKILL);
        if (status_of(pid) != SIGKILL)
            FAIL("not killed");
        while (kill(-pid, SIGKILL) == 0) /* until the last of the group is gone */
            pause_us(300);
        done(1);
    }
}

static void storm_kill(void) { in_processes(2, kill_worker); }

const struct storm process_storms[] = {
    { "fork", storm_fork },
    { "vfork", storm_vfork },
    { "threads", storm_threads },
    { "race", storm_race },
    { "vfork_signals", storm_vfork_signals },
    { "kill", storm_kill },
    { NULL, NULL },
};
