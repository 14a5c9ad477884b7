/* Files of /proc/PID that set something: timerslack_ns is PR_SET_TIMERSLACK's, who is scheduled in real time
 * has none; coredump_filter goes with fork and exec; the maps of the one user namespace stay as they are.
 * stack is for the privileged, and begins with what wchan says. */
#include "check.h"
#include <sys/prctl.h>

static char path[64];

static const char *of(pid_t pid, const char *name)
{
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return path;
}

static void modes(void)
{
    static const char *const names[] = { "timerslack_ns", "coredump_filter", "uid_map", "gid_map",
                                         "projid_map",    "setgroups",       "stack" };
    struct stat st;

    for (int i = 0; i < 7; i++) {
        CHECK(stat(of(getpid(), names[i]), &st) == 0);
        SAY("%s %o %d\n", names[i], st.st_mode, (int)st.st_size);
        snprintf(path, sizeof(path), "/proc/self/task/%d/%s", getpid(), names[i]);
        SAY("  of a thread: %d\n", stat(path, &st));
    }
}

static void drop(void)
{
    CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void slack(void)
{
    struct sched_param one = { .sched_priority = 1 }, zero = { 0 };

    CHECK(strcmp(slurp("/proc/self/timerslack_ns"), "50000\n") == 0);
    CHECK_EQ(put_text("/proc/self/timerslack_ns", "7000\n"), 5);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
    CHECK(prctl(PR_SET_TIMERSLACK, 8000) == 0);
    CHECK(strcmp(slurp("/proc/self/timerslack_ns"), "8000\n") == 0);
    CHECK_ERR(EINVAL, put_text("/proc/self/timerslack_ns", "x"));
    CHECK_ERR(EINVAL, put_text("/proc/self/timerslack_ns", "12x"));
    CHECK_ERR(ERANGE, put_text("/proc/self/timerslack_ns", "99999999999999999999"));
    CHECK_EQ(put_text("/proc/self/timerslack_ns", "18446744073709551615"), 20);
    CHECK(strcmp(slurp("/proc/self/timerslack_ns"), "18446744073709551615\n") == 0);
    CHECK(prctl(PR_GET_TIMERSLACK) == INT32_MAX || prctl(PR_GET_TIMERSLACK) == -1);
    CHECK_EQ(put_text("/proc/self/timerslack_ns", "0"), 1);
    CHECK(strcmp(slurp("/proc/self/timerslack_ns"), "50000\n") == 0);
    /* Another's: with CAP_SYS_NICE only. */
    pid_t pid = START(pause());
    CHECK_EQ(put_text(of(pid, "timerslack_ns"), "1234"), 4);
    CHECK(strcmp(slurp(path), "1234\n") == 0);
    CHECK_EQ(CHILD(drop(); char c; CHECK_ERR(EPERM, put_text(path, "5"));
                   int fd = open(path, O_RDONLY); CHECK(fd >= 0); CHECK_ERR(EPERM, read(fd, &c, 1));
                   CHECK_EQ(put_text("/proc/self/timerslack_ns", "5"), 1)),
             0);
    CHECK(strcmp(slurp(path), "1234\n") == 0);
    kill(pid, SIGKILL);
    status_of(pid);
    CHECK_ERR(ENOENT, put_text(path, "5"));
    /* In real time. */
    CHECK(prctl(PR_SET_TIMERSLACK, 8000) == 0);
    CHECK(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &one) == 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 0);
    CHECK(prctl(PR_SET_TIMERSLACK, 9000) == 0);
    CHECK_EQ(put_text("/proc/self/timerslack_ns", "9000"), 4);
    CHECK(strcmp(slurp("/proc/self/timerslack_ns"), "0\n") == 0);
    CHECK(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &zero) == 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
}

static void filter(void)
{
    static const char *const bad[] = { "", "x", "0x", "08", "1 2", "-1" };

    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "00000033\n") == 0);
    for (int i = 0; i < 6; i++)
        CHECK_ERR(EINVAL, put_text("/proc/self/coredump_filter", bad[i]));
    CHECK_ERR(ERANGE, put_text("/proc/self/coredump_filter", "0x100000000"));
    CHECK_EQ(put_text("/proc/self/coredump_filter", "0x1Ff\n"), 6);
    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "000001ff\n") == 0);
    CHECK_EQ(put_text("/proc/self/coredump_filter", "0xffffffff"), 10);
    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "000001ff\n") == 0);
    CHECK_EQ(put_text("/proc/self/coredump_filter", "017"), 3);
    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "0000000f\n") == 0);
    CHECK_EQ(put_text("/proc/self/coredump_filter", "+3"), 2);
    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "00000003\n") == 0);
    CHECK_EQ(CHILD(CHECK(strcmp(slurp("/proc/self/coredump_filter"), "00000003\n") == 0);
                   CHECK_EQ(put_text("/proc/self/coredump_filter", "4"), 1)),
             0);
    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "00000003\n") == 0);
    CHECK_EQ(VCHILD(put_text("/proc/self/coredump_filter", "5")), 0); /* the memory's */
    CHECK(strcmp(slurp("/proc/self/coredump_filter"), "00000005\n") == 0);
    CHECK_EQ(CHILD(execl("/bin/sh", "sh", "-c",
                         "read x </proc/$$/coredump_filter; [ $x = 00000005 ]", NULL)),
             0);
    put_text("/proc/self/coredump_filter", "0x33");
    pid_t pid = START(_exit(0));
    siginfo_t info;
    CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK(strcmp(slurp(of(pid, "coredump_filter")), "") == 0);
    CHECK_ERR(ESRCH, put_text(path, "1"));
    status_of(pid);
}

static void id_maps(void)
{
    static const char *const names[] = { "uid_map", "gid_map", "projid_map" };

    for (int i = 0; i < 3; i++) {
        SAY("%s", slurp(of(getpid(), names[i])));
        CHECK_ERR(EPERM, put_text(path, "0 0 1"));
        CHECK_ERR(EPERM, put_text(path, "nonsense"));
        CHECK_ERR(EPERM, put_text(path, ""));
        CHECK_EQ(CHILD(drop(); CHECK_ERR(EACCES, put_text(path, "0 65534 1"));
                       CHECK_ERR(EPERM, put_text(of(getpid(), names[i]), "0 65534 1"))),
                 0);
    }
    SAY("%s", slurp("/proc/self/setgroups"));
    CHECK_EQ(put_text("/proc/self/setgroups", "allow"), 5);
    CHECK_EQ(put_text("/proc/self/setgroups", "allow\n"), 6);
    CHECK_ERR(EPERM, put_text("/proc/self/setgroups", "deny"));
    CHECK_ERR(EPERM, put_text("/proc/self/setgroups", "deny \t\n"));
    CHECK_ERR(EINVAL, put_text("/proc/self/setgroups", "deny x"));
    CHECK_ERR(EINVAL, put_text("/proc/self/setgroups", "denying"));
    CHECK_ERR(EINVAL, put_text("/proc/self/setgroups", "allow        "));
    CHECK_EQ(CHILD(drop(); CHECK_ERR(EACCES, open("/proc/self/setgroups", O_WRONLY));
                   CHECK(open("/proc/self/setgroups", O_RDONLY) >= 0)),
             0);
}

static void stack(void)
{
    pid_t pid = START(msleep(100000));

    CHECK(WAIT_UNTIL(strcmp(slurp(of(pid, "wchan")), "hrtimer_nanosleep") == 0));
    const char *text = slurp(of(pid, "stack"));
    CHECK(strncmp(text, "[<0>] hrtimer_nanosleep", 23) == 0);
    CHECK(strstr(text, "\n[<0>] __x64_sys_clock_nanosleep") ||
          strstr(text, "\n[<0>] __x64_sys_nanosleep"));
    kill(pid, SIGKILL);
    status_of(pid);
    text = slurp("/proc/self/stack");
    CHECK(strncmp(text, "[<0>] ", 6) == 0);
    CHECK_EQ(CHILD(drop(); char c; int fd = open("/proc/self/stack", O_RDONLY); CHECK(fd >= 0);
                   CHECK_ERR(EACCES, read(fd, &c, 1));
                   CHECK_ERR(EACCES, open(of(getppid(), "stack"), O_RDONLY))),
             0);
}

static void test(void)
{
    modes();
    slack();
    filter();
    id_maps();
    stack();
}
