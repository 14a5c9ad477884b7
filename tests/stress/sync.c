/* sync.c - storms of waiting and waking: futexes, pipes, signals, tables of descriptors. */
#include "stress.h"

enum { WAIT = 128, WAKE = 129, CMP_REQUEUE = 132 }; /* FUTEX_..._PRIVATE */

/* --- futex: a token goes round; nobody may miss it ------------------------------------------ */

enum { RING = 5 };

static volatile uint32_t slot[RING][16];
static volatile int quit;

static void *ring_member(void *arg)
{
    unsigned me = (long)arg, next = (me + 1) % RING;

    go_to_cpu(me);
    for (;;) {
        uint32_t now;
        while ((now = __atomic_load_n(&slot[me][0], __ATOMIC_ACQUIRE)) == 0)
            futex(&slot[me][0], WAIT, 0, NULL, NULL, 0);
        slot[me][0] = 0;
        __atomic_store_n(&slot[next][0], now == UINT32_MAX ? now : now + 1, __ATOMIC_RELEASE);
        futex(&slot[next][0], WAKE, 1, NULL, NULL, 0);
        if (now == UINT32_MAX)
            return NULL;
        if (me == 0 && !go_on()) { /* the token is on its way: it comes round once more */
            while ((now = __atomic_load_n(&slot[0][0], __ATOMIC_ACQUIRE)) == 0)
                futex(&slot[0][0], WAIT, 0, NULL, NULL, 0);
            done(now / RING);
            slot[0][0] = 0;
            slot[1][0] = UINT32_MAX;
            futex(&slot[1][0], WAKE, 1, NULL, NULL, 0);
            return NULL;
        }
    }
}

static void futex_worker(struct rng *r)
{
    pthread_t t[RING];

    (void)r;
    for (long i = 0; i < RING; i++)
        t[i] = thread_start(ring_member, (void *)i);
    slot[0][0] = 1;
    futex(&slot[0][0], WAKE, 1, NULL, NULL, 0);
    for (int i = 0; i < RING; i++)
        thread_join(t[i]);
}

static void storm_futex(void) { in_processes(2, futex_worker); }

/* --- requeue: tickets are handed out by wake and by requeue; sleepers give up now and then ----- */

static volatile uint32_t from, to;
static volatile unsigned woken_sum;

static void *ticket_sleeper(void *arg)
{
    struct rng r;

    rng_start(&r, (long)arg);
    while (!quit) {
        wander(&r);
        struct timespec limit = { 0, 1000000 + rng(&r, 4000000) };
        uint32_t seen = from;
        long rc = futex(&from, WAIT, seen, rng(&r, 2) ? &limit : NULL, NULL, 0);
        if (rc == 0)
            __atomic_fetch_add(&woken_sum, 1, __ATOMIC_SEQ_CST);
        else if (errno != EAGAIN && errno != ETIMEDOUT && errno != EINTR)
            FAIL("futex: errno %d", errno);
    }
    return NULL;
}

static void requeue_worker(struct rng *r)
{
    pthread_t t[6];
    unsigned given = 0;

    for (long i = 0; i < 6; i++)
        t[i] = thread_start(ticket_sleeper, (void *)(long)(rng(r, 1 << 20) * 8 + i));
    while (go_on()) {
        uint32_t seen = from;
        wander(r);
        if (rng(r, 3) == 0)
            from = ++seen;
        long rc = futex(&from, CMP_REQUEUE, rng(r, 2), (void *)(long)(1 + rng(r, 3)), &to, seen);
        if (rc < 0)
            FAIL("requeue: errno %d", errno);
        long n = futex(&to, WAKE, 1 + rng(r, 3), NULL, NULL, 0);
        n += futex(&from, WAKE, 1, NULL, NULL, 0);
        if (n < 0)
            FAIL("wake: errno %d", errno);
        given += n;
        done(1);
        if (rng(r, 4) == 0)
            pause_us(rng(r, 200));
    }
    quit = 1;
    for (int i = 0; i < 6; i++) {
        while (pthread_tryjoin_np(t[i], NULL) != 0) { /* asleep on the one or on the other */
            from++;
            given += futex(&from, WAKE, 9, NULL, NULL, 0) + futex(&to, WAKE, 9, NULL, NULL, 0);
            pause_us(100);
        }
    }
    /* each that was woken returned 0, and nobody else; but requeue woke some by itself */
    if (woken_sum < given)
        FAIL("%u wakes were given, %u arrived", given, woken_sum);
}

static void storm_requeue(void) { in_processes(2, requeue_worker); }

/* --- pipes: bytes go through a chain of processes; records of many writers stay whole ----------- */

static unsigned char nth_byte(uint64_t seed_of, uint64_t n)
{
    return (unsigned char)((seed_of + n) * 0x9e3779b97f4a7c15ull >> 56);
}

static int read_all(int fd, unsigned char *to_buf, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t rc = read(fd, to_buf + got, n - got);
        if (rc == 0)
            return got == 0 ? 0 : -1;
        if (rc < 0)
            return -1;
        got += rc;
    }
    return 1;
}

static void relay(int in, int out, unsigned block)
{
    unsigned char buf[9000];
    ssize_t n;

    while ((n = read(in, buf, block)) > 0)
        for (ssize_t at = 0, rc; at < n; at += rc)
            if ((rc = write(out, buf + at, n - at)) <= 0)
                _exit(3);
    _exit(n == 0 ? 0 : 4);
}

enum { CHAIN = 4 };

static void chain_worker(struct rng *r)
{
    int ends[CHAIN + 1][2];
    uint64_t mine = rng(r, 1u << 30), sent = 0;
    pid_t pid[CHAIN + 1];
    static unsigned char buf[9000];

    for (int i = 0; i <= CHAIN; i++)
        MUST(pipe(ends[i]) == 0);
    for (int i = 0; i <= CHAIN; i++) {
        unsigned block = 1 + rng(r, sizeof(buf));
        pid[i] = fork();
        if (pid[i] != 0)
            continue;
        go_to_cpu(i);
        for (int j = 0; j <= CHAIN; j++) {
            if (j != i)
                close(ends[j][0]);
            if (j != i + 1)
                close(ends[j][1]);
        }
        if (i < CHAIN)
            relay(ends[i][0], ends[i + 1][1], block);
        uint64_t n = 0; /* the last: compares */
        ssize_t got;
        while ((got = read(ends[CHAIN][0], buf, block)) > 0)
            for (ssize_t at = 0; at < got; at++, n++)
                if (buf[at] != nth_byte(mine, n)) {
                    FAIL("byte %llu is wrong", (unsigned long long)n);
                    _exit(5);
                }
        MUST(got == 0);
        _exit(0);
    }
    for (int i = 0; i <= CHAIN; i++) {
        close(ends[i][0]);
        if (i > 0)
            close(ends[i][1]);
    }
    while (go_on()) {
        unsigned n = 1 + rng(r, sizeof(buf));
        for (unsigned at = 0; at < n; at++)
            buf[at] = nth_byte(mine, sent + at);
        ssize_t rc = write(ends[0][1], buf, n);
        MUST(rc > 0);
        sent += rc > 0 ? rc : 0;
        done(1);
    }
    close(ends[0][1]);
    for (int i = 0; i <= CHAIN; i++)
        MUST(status_of(pid[i]) == 0);
}

static void storm_chain(void) { in_processes(2, chain_worker); }

enum { WRITERS = 5 };

static void record_writer(struct rng *r, int fd, int me)
{
    unsigned char buf[600];

    for (uint32_t n = 0; go_on(); n++) {
        unsigned len = 8 + rng(r, 500);
        memset(buf, me * 16 + n % 16, len);
        buf[0] = len & 255;
        buf[1] = len >> 8;
        if (write(fd, buf, len) != (ssize_t)len)
            FAIL("write: errno %d", errno);
    }
    _exit(0);
}

static void record_worker(struct rng *r)
{
    int ends[2];
    unsigned char buf[600];
    pid_t pid[WRITERS];

    MUST(pipe(ends) == 0);
    for (int i = 0; i < WRITERS; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            close(ends[0]);
            go_to_cpu(i);
            record_writer(r, ends[1], i);
        }
        rng(r, 2);
    }
    close(ends[1]);
    while (read_all(ends[0], buf, 2) > 0) {
        unsigned len = buf[0] | buf[1] << 8, bad = 0;
        if (len < 8 || len > 508 || read_all(ends[0], buf + 2, len - 2) <= 0) {
            FAIL("a record of %u bytes", len);
            break;
        }
        for (unsigned i = 3; i < len; i++)
            bad += buf[i] != buf[2];
        if (bad)
            FAIL("%u of %u bytes of another writer's record", bad, len);
        done(1);
    }
    close(ends[0]);
    for (int i = 0; i < WRITERS; i++)
        MUST(status_of(pid[i]) == 0);
}

static void storm_records(void) { in_processes(2, record_worker); }

/* --- signals: queued ones are counted, handlers in every thread, ping-pong by sigwait ------------- */

static volatile unsigned queued_sum, timer_ticks;

static void on_queued(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    __atomic_fetch_add(&queued_sum, (unsigned)info->si_value.sival_int, __ATOMIC_SEQ_CST);
}

static void on_alarm(int sig)
{
    (void)sig;
    timer_ticks++;
}

static void *signal_target(void *arg)
{
    go_to_cpu((long)arg);
    while (!quit)
        if (sched_yield() == 0 && timer_ticks % 3 == 0)
            pause_us(50);
    return NULL;
}

static void signals_worker(struct rng *r)
{
    struct sigaction a = { .sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct itimerval often = { { 0, 700 }, { 0, 700 } }, never = { { 0, 0 }, { 0, 0 } };
    pthread_t t[3];
    volatile unsigned *sent = map_shared(PAGE);
    pid_t me = getpid(), pid[2];

    sigaction(SIGRTMIN + 1, &a, NULL);
    signal(SIGALRM, on_alarm);
    for (long i = 0; i < 3; i++)
        t[i] = thread_start(signal_target, (void *)i);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 2; i++) {
        pid[i] = fork();
        rng(r, 2);
        if (pid[i] != 0)
            continue;
        while (go_on()) {
            union sigval v = { .sival_int = 1 + rng(r, 100) };
            if (sigqueue(me, SIGRTMIN + 1, v) == 0)
                sent[i * 16] += v.sival_int;
            else if (errno != EAGAIN)
                FAIL("sigqueue: errno %d", errno);
            else
                pause_us(100);
        }
        _exit(0);
    }
    for (int i = 0; i < 2; i++)
        MUST(status_of(pid[i]) == 0);
    setitimer(ITIMER_REAL, &never, NULL);
    for (int i = 0; i < 3000 && queued_sum != sent[0] + sent[16]; i++)
        pause_us(1000);
    if (queued_sum != sent[0] + sent[16])
        FAIL("signals worth %u were sent, %u arrived", sent[0] + sent[16], queued_sum);
    quit = 1;
    for (int i = 0; i < 3; i++)
        thread_join(t[i]);
    done(queued_sum);
    munmap((void *)sent, PAGE);
}

static void storm_signals(void) { in_processes(2, signals_worker); }

static void sigwait_worker(struct rng *r)
{
    sigset_t set;
    int sig;

    (void)r;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t me = getpid(), pid = fork();
    if (pid == 0) {
        go_to_cpu(1);
        do {
            MUST(sigwait(&set, &sig) == 0);
            kill(me, sig);
        } while (sig == SIGUSR1);
        _exit(0);
    }
    while (go_on()) {
        kill(pid, SIGUSR1);
        MUST(sigwait(&set, &sig) == 0 && sig == SIGUSR1);
        done(1);
    }
    kill(pid, SIGUSR2);
    MUST(sigwait(&set, &sig) == 0 && sig == SIGUSR2);
    MUST(status_of(pid) == 0);
}

static void storm_sigwait(void) { in_processes(3, sigwait_worker); }

/* --- descriptors: threads open, close and copy in one table while others fork it ------------------- */

static void *opener(void *arg)
{
    struct rng r;
    int fd[6] = { -1, -1, -1, -1, -1, -1 }, n = 0;

    rng_start(&r, (long)arg);
    while (go_on()) {
        unsigned i = rng(&r, 6);
        wander(&r);
        if (fd[i] >= 0) {
            MUST(close(fd[i]) == 0); /* ours: nobody else may have closed it */
            fd[i] = -1;
            continue;
        }
        switch (rng(&r, 4)) {
        case 0: fd[i] = open("/dev/null", O_RDWR); break;
        case 1: fd[i] = dup(1); break;
        case 2:
            fd[i] = open("/tmp", O_TMPFILE | O_RDWR, 0600);
            if (fd[i] < 0)
                fd[i] = open("/dev/zero", O_RDONLY);
            break;
        case 3: {
            int ends[2], x = (int)(long)arg, y = 0;
            MUST(pipe(ends) == 0);
            MUST(write(ends[1], &x, sizeof(x)) == sizeof(x));
            MUST(read(ends[0], &y, sizeof(y)) == sizeof(y) && x == y);
            close(ends[0]);
            fd[i] = ends[1];
            break;
        }
        }
        MUST(fd[i] >= 0);
        if (++n % 32 == 0) {
            pid_t pid = fork();
            if (pid == 0)
                _exit(0);
            MUST(status_of(pid) == 0);
        }
        done(1);
    }
    for (int i = 0; i < 6; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    return NULL;
}

static void descriptor_worker(struct rng *r)
{
    pthread_t t[4];

    for (long i = 0; i < 4; i++)
        t[i] = thread_start(opener, (void *)(long)(rng(r, 1 << 20) * 4 + i));
    for (int i = 0; i < 4; i++)
        thread_join(t[i]);
    int fd = dup(0);
    if (fd != 3)
        FAIL("the first free descriptor is %d", fd);
}

static void storm_descriptors(void) { in_processes(2, descriptor_worker); }

const struct storm sync_storms[] = {
    { "futex", storm_futex },
    { "requeue", storm_requeue },
    { "chain", storm_chain },
    { "records", storm_records },
    { "signals", storm_signals },
    { "sigwait", storm_sigwait },
    { "descriptors", storm_descriptors },
    { NULL, NULL },
};
