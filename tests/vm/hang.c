/* hang.c - processes and threads that wait for ever, each in another way; for smp_hang.t.  It says when
 * all of them do. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int empty[2], full[2];
static unsigned word;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void name(const char *what) { prctl(PR_SET_NAME, what); }

static void *in_futex(void *arg)
{
    name("t-futex");
    syscall(SYS_futex, &word, 128, 0, 0, 0, 0);
    return arg;
}
static void *in_mutex(void *arg)
{
    name("t-mutex");
    pthread_mutex_lock(&lock);
    return arg;
}
static void *in_read(void *arg)
{
    char c;
    name("t-read");
    return read(empty[0], &c, 1) ? arg : NULL;
}
static void *spins(void *arg)
{
    name("t-spin");
    for (volatile long i = 0;; i++)
        ;
    return arg;
}

static void *in_vfork(void *arg)
{
    name("t-vfork");
    if (vfork() == 0) {
        name("vforked");
        for (;;)
            pause();
    }
    return arg;
}

static void *in_join(void *arg)
{
    name("t-join");
    pthread_join(*(pthread_t *)arg, NULL);
    return arg;
}

static void threads(void)
{
    static pthread_t t[6];
    void *(*const fn[])(void *) = { in_futex, in_mutex, in_read, spins, in_vfork, in_join };

    name("threads");
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 6; i++)
        pthread_create(&t[i], NULL, fn[i], &t[0]);
    for (;;)
        pause();
}

static void writes(void)
{
    char page[4096] = "";

    name("p-write");
    for (;;)
        if (write(full[1], page, sizeof(page)) < 0)
            _exit(1);
}

static void waits(void)
{
    name("p-wait");
    if (fork() == 0) {
        name("p-stop");
        raise(SIGSTOP);
    }
    wait(NULL);
}

static void polls(void)
{
    struct pollfd p = { .events = POLLIN };
    int ends[2];

    name("p-poll");
    if (pipe(ends) == 0) {
        p.fd = ends[0];
        poll(&p, 1, -1);
    }
}

static void fifo(void)
{
    name("p-fifo");
    mkfifo("/tmp/hang.fifo", 0600);
    open("/tmp/hang.fifo", O_RDONLY);
}

static void waits_for_a_signal(void)
{
    sigset_t set;
    int sig;

    name("p-sigwait");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigwait(&set, &sig);
}

int main(void)
{
    void (*const fn[])(void) = { threads, writes, waits, polls, fifo, waits_for_a_signal };

    if (pipe(empty) != 0 || pipe(full) != 0)
        return 1;
    for (unsigned i = 0; i < sizeof(fn) / sizeof(fn[0]); i++)
        if (fork() == 0) {
            fn[i]();
            _exit(0);
        }
    sleep(1);
    printf("all wait\n");
    fflush(stdout);
    for (;;)
        pause();
}
