/* PR_SET_PDEATHSIG: who it comes from, who gets it, and what clears it: fork, and every change
 * of the effective or the file system's user or group, but no other change of IDs. */
#include "check.h"
#include <sys/fsuid.h>
#include <sys/prctl.h>

static int get(void)
{
    int sig = -1;

    prctl(PR_GET_PDEATHSIG, &sig);
    return sig;
}

/* What is left of it after a change, as root and in a child; and whether others may look in. */
#define AFTER(...) \
    do { \
        CHILD({ \
            prctl(PR_SET_PDEATHSIG, SIGTERM); \
            __VA_ARGS__; \
            SAY("%s: signal %d dumpable %d\n", #__VA_ARGS__, get(), prctl(PR_GET_DUMPABLE)); \
        }); \
    } while (0)

static void changes(void)
{
    AFTER(setuid(0));
    AFTER(setuid(1000));
    AFTER(setgid(0));
    AFTER(setgid(1000));
    AFTER(setegid(1000));
    AFTER(seteuid(1000));
    AFTER(setfsuid(1000));
    AFTER(setfsgid(1000));
    AFTER(setfsuid(0));
    AFTER(setfsgid(0));
    AFTER(setresuid(1000, -1, -1));
    AFTER(setresuid(-1, -1, 1000));
    AFTER(setresgid(1000, -1, 1000));
    AFTER(setresgid(-1, 1000, -1));
    AFTER(setreuid(-1, 1000));
    AFTER(setregid(-1, 1000));
    AFTER(setregid(1000, -1));
    AFTER(setgroups(0, NULL));
    CHECK_EQ(CHILD(prctl(PR_SET_PDEATHSIG, SIGTERM); CHECK_EQ(CHILD(CHECK_EQ(get(), 0)), 0)), 0);
}

/* The process, not only the thread, and with the dying parent as the sender. */
static void sender(void)
{
    int ready[2], done[2];
    char c = 0;
    sigset_t set;
    siginfo_t info;

    CHECK(pipe(ready) == 0 && pipe(done) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        pid_t me = getpid();

        if (fork() == 0) {
            sigemptyset(&set);
            sigaddset(&set, SIGTERM);
            sigprocmask(SIG_BLOCK, &set, NULL);
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            CHECK(write(ready[1], "x", 1) == 1);
            CHECK_EQ(sigwaitinfo(&set, &info), SIGTERM);
            CHECK_EQ(info.si_pid, me);
            SAY("code %d uid %d\n", info.si_code, info.si_uid);
            CHECK(write(done[1], "x", 1) == 1);
            _exit(0);
        }
        CHECK(read(ready[0], &c, 1) == 1);
        _exit(0);
    }
    status_of(parent);
    CHECK(read(done[0], &c, 1) == 1);
}

/* A parent that may not signal its child does not at its end either. */
static void not_allowed(void)
{
    int ready[2], done[2];
    char c = 0;

    CHECK(pipe(ready) == 0 && pipe(done) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        if (fork() == 0) {
            CHECK(setresuid(2000, 2000, 2000) == 0);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(ready[0]);
            CHECK(write(ready[1], "x", 1) == 1);
            WAIT_UNTIL(getppid() != parent && kill(getppid(), 0) == -1 && getppid() == 1);
            msleep(20);
            CHECK(write(done[1], "y", 1) == 1);
            _exit(0);
        }
        CHECK(read(ready[0], &c, 1) == 1);
        CHECK(setresuid(1000, 1000, 1000) == 0);
        _exit(0);
    }
    status_of(parent);
    close(done[1]);
    SAY("not allowed: %s\n", read(done[0], &c, 1) == 1 ? "lives" : "died");
}

/* The file capabilities follow the file system's user ID. */
static void file_caps(void)
{
    CHILD({
        setfsuid(1000);
        SAY("as 1000:%.17s\n", strstr(slurp("/proc/self/status"), "CapEff:") + 7);
        setfsuid(0);
        SAY("as 0:%.17s\n", strstr(slurp("/proc/self/status"), "CapEff:") + 7);
    });
}

static void test(void)
{
    changes();
    sender();
    not_allowed();
    (void)file_caps;
}
