/* signals.c - signals to thousands, and thousands of signals and timers. */
#include "tests/vm/long_calls/calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void block_all(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}
static void take(int sig)
{
    sigset_t s;
    struct timespec t = { 0, 0 };
    sigemptyset(&s);
    sigaddset(&s, sig);
    sigtimedwait(&s, NULL, &t);
}
static void look(const char *name)
{
    char b[4096];
    int f = dev(name, O_RDONLY);
    NEED(read(f, b, sizeof(b)) > 0);
    close(f);
}
static void each_thread(int sig)
{
    DIR *d = opendir("/proc/self/task");
    NEED(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            NEED(syscall(SYS_tgkill, getpid(), atoi(e->d_name), sig) == 0);
    closedir(d);
}

static void in_kill_group(void)
{
    signal(SIGUSR1, SIG_IGN);
    children(crowd);
    GO(kill(0, SIGUSR1));
}
static void in_kill_handled(void) /* who has it pending: each is queued */
{
    block_all();
    children(crowd);
    GO(kill(0, SIGUSR1));
}
static void in_kill_all(void)
{
    children(crowd);
    GO(kill(-1, SIGCONT));
}
static void in_kill_nobody(void)
{
    children(crowd);
    GO(kill(-0x7ffffff0, SIGCONT); setpgid(0, 0x7ffffff0));
}
static void in_kill_dead(void)
{
    children(crowd);
    again = false;
    GO(kill(0, SIGKILL));
}
static void in_threads_kill(void)
{
    threads(crowd);
    GO(kill(getpid(), SIGCONT); look("/proc/self/stat"));
}
static void in_threads_blocked(void) /* nobody wants it */
{
    block_all();
    threads(crowd);
    GO(kill(getpid(), SIGUSR1); kill(getpid(), SIGRTMIN); signal(SIGUSR1, SIG_IGN);
       signal(SIGRTMIN, SIG_IGN); signal(SIGUSR1, SIG_DFL); signal(SIGRTMIN, SIG_DFL));
}
static void in_threads_stop(void)
{
    pid_t p = fork();
    if (p == 0) {
        setpgid(0, 0);
        threads(crowd);
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    int status;
    NEED(waitpid(p, &status, WUNTRACED) == p && WIFSTOPPED(status));
    GO(kill(p, SIGCONT); waitpid(p, &status, WCONTINUED); kill(p, SIGSTOP);
       waitpid(p, &status, WUNTRACED));
    kill(p, SIGKILL);
}
static void in_threads_continue(void) /* each has a stop signal pending */
{
    block_all();
    threads(crowd);
    each_thread(SIGTSTP);
    GO(kill(getpid(), SIGCONT); kill(getpid(), SIGTTIN));
}
static void queue_up(void)
{
    struct rlimit r = { 1000000, 1000000 };
    NEED(setrlimit(RLIMIT_SIGPENDING, &r) == 0);
    block_all();
    for (unsigned n = 0; n < 5 * crowd; n++)
        NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0);
}
static void in_signals(void)
{
    again = false;
    queue_up();
    GO(take(SIGRTMAX); signal(SIGRTMIN, SIG_IGN));
}
static void in_signals_take(void)
{
    queue_up();
    sigqueue(getpid(), SIGRTMAX, (union sigval){ 0 });
    GO(take(SIGRTMAX); take(SIGRTMIN); sigqueue(getpid(), SIGRTMAX, (union sigval){ 0 }));
}
static void in_signals_continue(void)
{
    queue_up();
    GO(raise(SIGTSTP); raise(SIGCONT));
}
static void in_signals_exit(void)
{
    queue_up();
    again = false;
    GO();
}
static void in_accounts(void) /* of users that have a signal pending each */
{
    block_all();
    again = false;
    for (unsigned n = 0; n < crowd; n++) {
        NEED(syscall(SYS_setresuid, 1000 + n, -1, -1) == 0);
        NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0);
    }
    GO(sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }); look("/proc/self/status"));
}
static void in_timers(void)
{
    timer_t t;
    again = false;
    for (unsigned i = 0; i < 2000; i++) {
        struct itimerspec s = { { 0, 0 }, { 0, 1000000 } };
        struct sigevent e = { .sigev_notify = SIGEV_NONE };
        if (timer_create(CLOCK_MONOTONIC, &e, &t) != 0)
            break;
        timer_settime(t, 0, &s, NULL);
    }
    usleep(500);
    GO(usleep(2000));
}

static void in_key(void) /* ^C to a group of thousands */
{
    int m = dev("/dev/ptmx", O_RDWR | O_NOCTTY), zero = 0, n = 0;
    char name[32];
    pid_t p;

    NEED(m >= 0 && ioctl(m, TIOCSPTLCK, &zero) == 0 && ioctl(m, TIOCGPTN, &n) == 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    NEED((p = fork()) >= 0);
    if (p == 0) {
        NEED(setsid() > 0);
        int s = dev(name, O_RDWR);
        NEED(s >= 0 && ioctl(s, TIOCSCTTY, 0) == 0);
        signal(SIGINT, SIG_IGN);
        children(crowd);
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    int status;
    NEED(waitpid(p, &status, WUNTRACED) == p && WIFSTOPPED(status));
    GO(NEED(write(m, "\3", 1) == 1); usleep(1000));
    kill(p, SIGKILL);
}
static void in_cpu_timer(void)
{
    signal(SIGPROF, SIG_IGN);
    threads(crowd);
    struct itimerval t = { { 0, 1000 }, { 0, 1000 } };
    GO(NEED(setitimer(ITIMER_PROF, &t, NULL) == 0); for (volatile int i = 0; i < 20000000; i++););
}
static void in_overrun(void) /* of a timer whose signal is behind thousands */
{
    timer_t t;
    struct itimerspec s = { { 0, 1000000 }, { 0, 1000000 } };
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };

    queue_up();
    NEED(timer_create(CLOCK_MONOTONIC, &e, &t) == 0);
    GO(NEED(timer_settime(t, 0, &s, NULL) == 0); usleep(10000));
}
static void in_clock_set(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct itimerspec far = { { 0, 0 }, { now.tv_sec + 100000, 0 } };
    struct sigevent e = { .sigev_notify = SIGEV_NONE };
    for (unsigned i = 0; i < many; i++) {
        timer_t t;
        int f = timerfd_create(CLOCK_REALTIME, 0);
        if (timer_create(CLOCK_REALTIME, &e, &t) == 0)
            timer_settime(t, TIMER_ABSTIME, &far, NULL);
        if (f >= 0)
            timerfd_settime(f, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
    }
    GO(now.tv_sec++; NEED(clock_settime(CLOCK_REALTIME, &now) == 0));
}

/* clang-format off */
const struct call signal_calls[] = {
    CALL(kill_group),
    CALL(kill_handled),
    CALL(kill_all),
    CALL(kill_nobody),
    CALL(kill_dead),
    CALL(threads_kill),
    CALL(threads_blocked),
    CALL(threads_stop),
    CALL(threads_continue),
    CALL(signals),
    CALL(signals_take),
    CALL(signals_continue),
    CALL(signals_exit),
    CALL(accounts),
    CALL(timers),
    CALL(key),
    CALL(cpu_timer),
    CALL(overrun),
    CALL(clock_set),
    { 0 },
};
/* clang-format on */
