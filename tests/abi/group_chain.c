/* A signal to a process group, from kill(2) or a key, gets all of it, however many there are and
 * whatever they fork meanwhile: here each member forks a child and ends, again and again, so
 * one that is missed would never be met again. */
#include "check.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>

#define CHAINS 40
#define IDLE   500 /* others, which make it last */
#define LINKS  3   /* that each may get to before the signal comes */

static int *ready;

static void run_chain(void)
{
    for (unsigned n = 0;; n++) {
        if (n == LINKS)
            __atomic_fetch_add(ready, 1, __ATOMIC_SEQ_CST);
        usleep(2000);
        if (syscall(SYS_fork) >
            0) /* fork(3) blocks signals, so one that comes in it is its maker's alone */
            _exit(0);
    }
}

/* Where the group of the one who is called is made of chains; go() signals it. */
static void chains(void (*lead)(void), void (*go)(pid_t leader))
{
    *ready = 0;
    pid_t leader = fork();
    CHECK(leader >= 0);
    if (leader == 0) {
        lead();
        for (unsigned n = 0; n < IDLE; n++)
            if (fork() == 0)
                for (;;)
                    pause();
        for (unsigned n = 0; n < CHAINS; n++)
            if (fork() == 0)
                run_chain();
        for (;;)
            pause();
    }
    while (__atomic_load_n(ready, __ATOMIC_SEQ_CST) < CHAINS)
        sched_yield();
    go(leader);
    CHECK_ERR(ECHILD, wait(NULL)); /* the last of them has ended */
}

static void lead_group(void) { CHECK_EQ(setpgid(0, 0), 0); }
static void kill_group(pid_t leader) { CHECK_EQ(kill(-leader, SIGINT), 0); }

static int master;

static void lead_session(void)
{
    int n = -1, unlocked = 0;
    char name[64];

    CHECK(setsid() > 0);
    CHECK_EQ(ioctl(master, TIOCGPTN, &n), 0);
    CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlocked), 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    CHECK(open(name, O_RDWR) >= 0);
}
static void press_key(pid_t leader)
{
    (void)leader;
    CHECK_EQ(write(master, "\003", 1), 1);
}

static void test(void)
{
    ready = map_shared(sizeof(*ready));
    handle(SIGCHLD, SIG_IGN, 0); /* all descendants become ours, and are reaped at once */
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    chains(lead_group, kill_group);
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK(master >= 0);
    chains(lead_session, press_key);
}
