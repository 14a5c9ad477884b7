/* What a fork child inherits and what not: descriptors (a copy of the table,
 * open files shared), handlers, mask, not the pending set, not timers, times at zero. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/times.h>

static void handler(int sig) { (void)sig; }

static void files(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    CHECK(write(fd, "0123456789", 10) == 10);
    lseek(fd, 2, SEEK_SET);
    CHECK_EQ(CHILD({
                 char c[2];
                 CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
                 CHECK(read(fd, c, 2) == 2 && c[0] == '2');
                 for (int i = 0; i < 256; i++)
                     close(i);
                 CHECK_EQ(open("/dev/null", O_RDONLY), 0);
                 _exit(0);
             }),
             0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
    CHECK_EQ(CHILD(lseek(fd, 7, SEEK_SET)), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
    close(fd);
}

static void signals(void)
{
    sigset_t set;

    handle(SIGUSR1, handler, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    CHECK_EQ(CHILD({
                 struct sigaction a;
                 sigset_t now;
                 sigaction(SIGUSR1, NULL, &a);
                 CHECK(a.sa_handler == handler);
                 sigprocmask(SIG_SETMASK, NULL, &now);
                 CHECK(sigismember(&now, SIGUSR2));
                 sigpending(&now);
                 CHECK(!sigismember(&now, SIGUSR2));
             }),
             0);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR2));
}

static void clocks(void)
{
    signal(SIGALRM, SIG_IGN);
    alarm(50);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    struct tms tms;
    do { /* some user time */
        for (volatile int i = 0; i < 1000000; i++)
            ;
        times(&tms);
    } while (tms.tms_utime < 30);
    CHECK_EQ(CHILD({
                 int sig = -1;
                 struct tms t;
                 CHECK_EQ(alarm(0), 0);
                 prctl(PR_GET_PDEATHSIG, &sig);
                 CHECK_EQ(sig, 0);
                 times(&t);
                 CHECK(t.tms_utime < 15 && t.tms_cutime == 0);
             }),
             0);
    CHECK(alarm(0) > 0);
}

static void test(void)
{
    files();
    signals();
    clocks();
}
