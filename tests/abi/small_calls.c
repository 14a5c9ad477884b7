/* Small calls and small rules: getdents of old, preadv2 and pwritev2, personality, adjustments of the
 * clock, a thread's number where a process's is asked for, O_NOATIME, F_GETLK's order, msync of
 * locked memory, futexes in memory that may not be read. */
#include "check.h"
#include <pthread.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>

static int new_file(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static void old_getdents(void)
{
    char buf[1024];
    int names = 0, types = 0;

    CHECK(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0);
    close(new_file("d/a", "x"));
    close(new_file("d/a_longer_name", "x"));
    CHECK(symlink("a", "d/link") == 0);
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    CHECK_ERR(EINVAL, syscall(SYS_getdents, fd, buf, 10));
    for (long n; (n = syscall(SYS_getdents, fd, buf, sizeof buf)) > 0;)
        for (long at = 0; at < n;) {
            unsigned short bytes = *(unsigned short *)(buf + at + 16);
            const char *name = buf + at + 18;
            int type = buf[at + bytes - 1];
            CHECK(bytes % 8 == 0 && strlen(name) + 20 <= bytes);
            names += strcmp(name, ".") && strcmp(name, "..") ? 1 : 10;
            types += strcmp(name, "sub") == 0    ? type == 4
                     : strcmp(name, "link") == 0 ? type == 10
                     : name[0] == 'a'            ? type == 8
                                                 : 0;
            at += bytes;
        }
    CHECK(names == 24 && types == 4);
    close(fd);
}

static void vectors(void)
{
    char a[3] = "", b[3] = "";
    struct iovec v[2] = { { a, 2 }, { b, 2 } };
    int fd = new_file("v", "0123456789");

    CHECK(syscall(SYS_preadv2, fd, v, 2, 3L, 0L, 0) == 4 && strcmp(a, "34") == 0 &&
          strcmp(b, "56") == 0);
    CHECK(lseek(fd, 1, SEEK_SET) == 1);
    CHECK(syscall(SYS_preadv2, fd, v, 2, -1L, 0L, 0) == 4 && strcmp(a, "12") == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 5);
    CHECK(syscall(SYS_pwritev2, fd, v, 2, 0L, 0L, 2 /* RWF_DSYNC */) == 4);
    CHECK(syscall(SYS_pwritev2, fd, v, 2, -1L, 0L, 4 /* RWF_SYNC */) == 4 &&
          lseek(fd, 0, SEEK_CUR) == 9);
    CHECK_ERR(EINVAL, syscall(SYS_preadv2, fd, v, 2, -2L, 0L, 0));
    CHECK_ERR(EOPNOTSUPP, syscall(SYS_preadv2, fd, v, 2, 0L, 0L, 1 << 20));
    close(fd);
}

/* Where things are, told through a pipe by a program that was just started. */
static void tell_places(void)
{
    void *places[3] = { __builtin_frame_address(0), sbrk(0),
                        mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };

    CHECK(write(9, places, sizeof places) == sizeof places);
}

static void ask_places(unsigned long persona, void *places[3])
{
    int ends[2];

    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 9);
        if (personality(persona) != 0 || personality(0xffffffff) != (int)persona)
            _exit(8);
        setenv("PLACES", "1", 1);
        execl("/proc/self/exe", "small", NULL);
        _exit(9);
    }
    CHECK(status_of(pid) == 0 && read(ends[0], places, 24) == 24);
    close(ends[0]);
    close(ends[1]);
}

static void persona(void)
{
    void *one[3], *two[3];

    CHECK(personality(0xffffffff) == 0);
    ask_places(ADDR_NO_RANDOMIZE, one);
    ask_places(ADDR_NO_RANDOMIZE, two);
    CHECK(memcmp(one, two, sizeof one) == 0);
    ask_places(0, one);
    CHECK(memcmp(one, two, sizeof one) != 0);
    CHECK_EQ(CHILD(CHECK(personality(READ_IMPLIES_EXEC) == 0);
                   unsigned char *p =
                       mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                   p[0] = 0xc3; ((void (*)(void))p)()),
             0);
}

static void clocks(void)
{
    struct timex tx = { 0 };

    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0 && tx.tick > 9000 &&
          tx.tick < 11000);
    CHECK_ERR(EOPNOTSUPP, syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx));
    CHECK_ERR(EINVAL, syscall(SYS_clock_adjtime, 100, &tx));
    CHECK_ERR(EOPNOTSUPP, syscall(SYS_clock_adjtime, CLOCK_PROCESS_CPUTIME_ID, &tx));
    CHECK_ERR(EFAULT, syscall(SYS_clock_adjtime, 100, 8));
    CHECK_EQ(CHILD(CHECK(setuid(5) == 0); tx.modes = ADJ_SETOFFSET; tx.time.tv_sec = 1;
                   CHECK_ERR(EPERM, syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx))),
             0);
}

static int tid_of_thread, go_on[2], ready[2];

static void *thread(void *arg)
{
    char c = 0;

    tid_of_thread = (int)syscall(SYS_gettid);
    CHECK(write(ready[1], &c, 1) == 1 && read(go_on[0], &c, 1) == 1);
    return arg;
}

static void thread_numbers(void)
{
    pthread_t t;
    char c = 0;
    siginfo_t info = { .si_code = SI_QUEUE };

    CHECK(pipe(go_on) == 0 && pipe(ready) == 0);
    CHECK(pthread_create(&t, NULL, thread, NULL) == 0 && read(ready[0], &c, 1) == 1);
    CHECK(getpgid(tid_of_thread) == getpgrp() && getsid(tid_of_thread) == getsid(0));
    errno = 0;
    CHECK(getpriority(PRIO_PROCESS, tid_of_thread) == getpriority(PRIO_PROCESS, 0) && errno == 0);
    CHECK(syscall(SYS_rt_sigqueueinfo, tid_of_thread, 0, &info) == 0);
    CHECK(write(go_on[1], &c, 1) == 1 && pthread_join(t, NULL) == 0);
}

static void noatime(void)
{
    struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
    struct stat st;
    char c;
    int fd = new_file("t", "abc");

    close(fd);
    CHECK(utimensat(AT_FDCWD, "t", old, 0) == 0);
    fd = open("t", O_RDONLY | 01000000 /* O_NOATIME */);
    CHECK(read(fd, &c, 1) == 1 && fstat(fd, &st) == 0 && st.st_atime == 1000);
    close(fd);
    CHECK_EQ(CHILD(CHECK(setuid(5) == 0); CHECK_ERR(EPERM, open("t", O_RDONLY | 01000000))), 0);
}

static void lock_order(void)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 6, .l_len = 1 }, q;
    int fd = new_file("l", "0123456789");

    CHECK(fcntl(fd, F_SETLK, &l) == 0);
    l.l_start = 2;
    CHECK(fcntl(fd, F_SETLK, &l) == 0);
    q = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(fcntl(fd, F_GETLK, &q) == 0 && q.l_type == F_WRLCK && q.l_start == 2 && q.l_len == 1);
        _exit(0);
    }
    CHECK(status_of(pid) == 0);
    close(fd);
}

static void memory(void)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(mlock(p, PAGE) == 0);
    CHECK_ERR(EBUSY, msync(p, PAGE, MS_INVALIDATE | MS_SYNC));
    CHECK(msync(p, PAGE, MS_SYNC) == 0 && msync(p + PAGE, PAGE, MS_INVALIDATE) == 0);
    CHECK(munlock(p, PAGE) == 0 && msync(p, PAGE, MS_INVALIDATE) == 0);
    CHECK(syscall(SYS_futex, p, 1, 1, NULL, NULL, 0) == 0);
    CHECK(mprotect(p, PAGE, PROT_NONE) == 0);
    CHECK_ERR(EFAULT, syscall(SYS_futex, p, 1, 1, NULL, NULL, 0));
}

/* Arguments of which Linux looks at one before the other. */
static void orders(void)
{
    static unsigned groups[2] = { 1, -1 };
    struct timezone west = { 15 * 60 + 1, 0 };
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long mask;
    } action = { .handler = SIG_IGN, .flags = 0xffffffff }, was;

    CHECK_ERR(EFAULT, syscall(SYS_rt_sigaction, SIGKILL, 8, NULL, 8));
    CHECK_ERR(EFAULT, syscall(SYS_rt_sigaction, 99, 8, NULL, 8));
    CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8), 0); /* flags that are none go */
    CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &was, 8), 0);
    CHECK_EQ(was.flags, 0xdc000807);
    signal(SIGUSR1, SIG_DFL);
    CHECK_ERR(ESRCH, kill(0x3fffff, 65));
    CHECK_ERR(EINVAL, kill(getpid(), -1));
    CHECK_ERR(EINVAL, kill(getpid(), 65));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(54321), 0); CHECK_EQ(kill(-1, 0), 0)), 0);
    CHECK_ERR(EINVAL, syscall(SYS_settimeofday, NULL, &west));
    CHECK_ERR(EFAULT, syscall(SYS_clock_settime, (clockid_t)-6, 8));
    CHECK_ERR(EPERM, syscall(SYS_clock_settime, (clockid_t)-6, &(struct timespec){ 1, 0 }));
    CHECK_ERR(EINVAL, syscall(SYS_setgroups, 2, groups));
    for (int action_of = 2; action_of <= 4; action_of++)
        CHECK_ERR(EINVAL, syscall(SYS_syslog, action_of, NULL, 1));
    CHECK_ERR(EINVAL, syscall(SYS_syslog, 8, NULL, 0));
    CHECK_ERR(EINVAL, syscall(SYS_syslog, 8, NULL, 9));
    CHECK_ERR(EINVAL, syscall(SYS_syslog, 99, NULL, 0));
}

static int64_t now(int id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What two clocks say at about one moment. */
static void both(int64_t *raw, int64_t *mono)
{
    do {
        *raw = now(CLOCK_MONOTONIC_RAW);
        *mono = now(CLOCK_MONOTONIC);
    } while (now(CLOCK_MONOTONIC_RAW) - *raw > 20000);
}

static void measure(long tick, long freq)
{
    struct timex tx = { .modes = ADJ_TICK | ADJ_FREQUENCY, .tick = tick, .freq = freq };
    int64_t raw, mono, raw2, mono2;

    CHECK(adjtimex(&tx) >= 0 && tx.tick == tick && tx.freq == freq);
    both(&raw, &mono);
    do
        both(&raw2, &mono2);
    while (raw2 - raw < 30000000);
    int64_t much = (mono2 - mono) * 1000 / (raw2 - raw);
    CHECK(much >= tick / 10 - 3 && much <= tick / 10 + 3);
    struct timespec ts = { 0, 5000000 }, real;
    mono = now(CLOCK_MONOTONIC);
    CHECK(nanosleep(&ts, NULL) == 0 && now(CLOCK_MONOTONIC) - mono >= 5000000);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &real); /* not from the vDSO */
    int64_t behind = now(CLOCK_REALTIME) - real.tv_sec * 1000000000 - real.tv_nsec;
    CHECK(behind >= 0 && behind < 1000000000);
}

/* A child looks at the clock all the while, on another CPU if there is one: it never goes back. */
static void rates(void)
{
    struct timex tx = { .modes = ADJ_TICK };
    int64_t last = 0, next;

    measure(11000, 0);
    measure(9000, 0);
    measure(10000, 500 << 16);
    pid_t child = fork();
    while (child == 0) {
        next = now(CLOCK_MONOTONIC);
        if (next < last)
            _exit(1);
        last = next;
    }
    for (int i = 0; i < 500; i++) {
        tx.tick = 9000 + i % 2 * 2000;
        CHECK(adjtimex(&tx) >= 0);
        next = now(CLOCK_MONOTONIC);
        CHECK(next >= last);
        last = next;
    }
    CHECK(kill(child, SIGKILL) == 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    measure(10000, 0);
}

static void set_tai(long seconds, int told)
{
    struct timex tx = { .modes = ADJ_TAI, .constant = seconds };

    CHECK(adjtimex(&tx) >= 0 && tx.tai == told);
    int64_t real = now(CLOCK_REALTIME), ahead = now(CLOCK_TAI) - real;
    CHECK(ahead >= told * 1000000000l && ahead < (told + 5) * 1000000000l);
}

/* CLOCK_TAI, and a timer and a sleep until a moment on it. */
static void atomic_time(void)
{
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    struct itimerspec s = { .it_value = { .tv_sec = now(CLOCK_TAI) / 1000000000 + 1000 } };
    timer_t t;

    set_tai(0, 0);
    CHECK(timer_create(CLOCK_TAI, &none, &t) == 0 &&
          timer_settime(t, TIMER_ABSTIME, &s, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct timespec until = s.it_value;
        _exit(clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, &until, NULL));
    }
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    set_tai(400, 400);
    CHECK(timer_gettime(t, &s) == 0 && s.it_value.tv_sec > 500 && s.it_value.tv_sec <= 600);
    set_tai(-1, 400);
    set_tai(100001, 400);
    set_tai(2000, 2000);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(timer_gettime(t, &s) == 0 && s.it_value.tv_sec == 0);
    set_tai(0, 0);
}

/* Set in the guest only: the judge's clock stays as it is. */
static void adjustments(void)
{
    struct timex tx = { .modes = ADJ_TICK, .tick = 9000 - 1 }, was = { 0 };
    const unsigned all = ADJ_OFFSET | ADJ_FREQUENCY | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_STATUS |
                         ADJ_TIMECONST | ADJ_TICK;

    CHECK_ERR(EINVAL, adjtimex(&tx));
    tx.tick = 11000 + 1;
    CHECK_ERR(EINVAL, adjtimex(&tx));
    tx.modes = 0x8000;
    CHECK_ERR(EINVAL, adjtimex(&tx));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(5), 0); tx.modes = ADJ_TICK; CHECK_ERR(EPERM, adjtimex(&tx));
                   tx.modes = ADJ_OFFSET_SINGLESHOT; CHECK_ERR(EPERM, adjtimex(&tx));
                   tx.modes = ADJ_OFFSET_SS_READ; CHECK(adjtimex(&tx) >= 0)),
             0);
    if (!is_forkscope())
        return;
    CHECK_EQ(adjtimex(&was), TIME_ERROR);
    tx = was;
    tx.modes = all;
    tx.esterror = 5;
    tx.status = STA_PLL;
    CHECK_EQ(adjtimex(&tx), TIME_OK);
    CHECK(tx.esterror == 5 && tx.maxerror == was.maxerror && tx.status == STA_PLL &&
          tx.offset == 0);
    rates();
    atomic_time();
    time_t before = time(NULL);
    tx.modes = ADJ_OFFSET_SINGLESHOT;
    tx.offset = 100 * 1000000;
    CHECK_EQ(adjtimex(&tx), TIME_OK);
    CHECK(time(NULL) >= before + 100);
    tx.offset = -tx.offset - 100 * 1000000;
    CHECK_EQ(adjtimex(&tx), TIME_OK);
    was.modes = ADJ_STATUS | ADJ_ESTERROR;
    CHECK_EQ(adjtimex(&was), TIME_ERROR);
}

static void hints(void)
{
    int *at = NULL;

    CHECK_EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
    CHECK_EQ(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL), 0);
    CHECK_ERR(EINVAL, prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP));
    CHECK_EQ(prctl(PR_TASK_PERF_EVENTS_DISABLE), 0);
    CHECK_EQ(prctl(PR_TASK_PERF_EVENTS_ENABLE), 0);
    static int tid;
    syscall(SYS_set_tid_address, &tid);
    CHECK_EQ(prctl(PR_GET_TID_ADDRESS, &at), 0);
    CHECK(at == &tid);
    CHECK_EQ(syscall(SYS_arch_prctl, 0x1011, 0), 1);         /* ARCH_GET_CPUID */
    CHECK_EQ(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 9), 0); /* with a hint */
    CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 9);
    struct sysinfo info;
    CHECK_EQ(sysinfo(&info), 0);
    CHECK(info.mem_unit == 1 && info.totalram > 1 << 20 && info.freeram < info.totalram);
    CHECK_ERR(EINVAL, syscall(SYS_ioprio_set, 1, 0, -1));
    CHECK_ERR(EINVAL, syscall(SYS_ioprio_set, 1, 0, 4 << 13));
}

static void timers_off(void)
{
    struct itimerval off = { { 7, 5 }, { 0, 0 } }, now;

    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        CHECK_EQ(setitimer(which, &off, NULL), 0);
        CHECK_EQ(getitimer(which, &now), 0);
        SAY("timer %d, off, has an interval of %ld s\n", which, now.it_interval.tv_sec);
    }
}

/* Of the security modules here and there, the one of capabilities is everywhere. */
static void security_modules(void)
{
    uint64_t ids[64] = { 0 };
    uint32_t size = sizeof(ids);
    long n = syscall(461, ids, &size, 0), known = 0;

    if (linux_before(6, 8, "the calls about security modules") || (n == -1 && errno == ENOSYS))
        return;
    CHECK(n > 0 && size == n * 8);
    for (int i = 0; i < n; i++)
        known += ids[i] == 100;
    CHECK(known == 1);
    CHECK_ERR(EINVAL, syscall(461, ids, &size, 1));
    CHECK_ERR(EFAULT, syscall(461, NULL, &size, 0));
    CHECK_ERR(EFAULT, syscall(461, ids, NULL, 0));
    size = 0;
    CHECK_ERR(E2BIG, syscall(461, ids, &size, 0));
    CHECK(size == n * 8);
    CHECK_ERR(EINVAL, syscall(459, 0, ids, &size, 0));
    CHECK_ERR(EINVAL, syscall(459, 100, ids, NULL, 0));
    CHECK_ERR(EFAULT, syscall(459, 100, ids, 8, 0));
    CHECK_ERR(EINVAL, syscall(459, 100, ids, &size, 2));
    CHECK_ERR(EINVAL, syscall(459, 100, NULL, &size, 1));
    CHECK_ERR(EFAULT, syscall(459, 100, 8, &size, 1));
    ids[0] = 0;
    CHECK_ERR(EINVAL, syscall(459, 100, ids, &size, 1));
    size = sizeof(ids);
    CHECK_ERR(EINVAL, syscall(460, 100, ids, size, 1));
    CHECK_ERR(EINVAL, syscall(460, 100, ids, 31, 0));
    CHECK_ERR(E2BIG, syscall(460, 100, ids, 4097, 0));
    CHECK_ERR(EFAULT, syscall(460, 100, 8, 40, 0));
    memset(ids, 0, sizeof(ids));
    CHECK_ERR(EINVAL, syscall(460, 100, ids, 40, 0));
    ids[0] = 1000; /* nobody's */
    ids[2] = 40;
    ids[3] = 9;
    CHECK_ERR(EINVAL, syscall(460, 100, ids, 40, 0));
    ids[3] = 8;
    CHECK_ERR(EOPNOTSUPP, syscall(460, 100, ids, 40, 0));
}

static void test(void)
{
    if (getenv("PLACES") != NULL) {
        tell_places();
        return;
    }
    old_getdents();
    vectors();
    persona();
    clocks();
    thread_numbers();
    noatime();
    lock_order();
    memory();
    orders();
    adjustments();
    hints();
    timers_off();
    security_modules();
}
