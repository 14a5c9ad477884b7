/* PID namespaces: a task has a number in each from its own up to the first one, and every call tells and takes the one
 * of the caller's; whom a namespace's init obeys, what it inherits, and that all others end with it. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#define PID_FROM      0x8004b706
#define TGID_FROM     0x8004b707
#define PID_IN        0x8004b708
#define TGID_IN       0x8004b709
#define SPACES        (CLONE_NEWPID | CLONE_NEWNS)

struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size;
};

static pid_t clone_into(unsigned long flags)
{
    return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static long result(long rc) { return rc < 0 ? -errno : rc; }

/* Runs the statements as the init of a new namespace; its PID. */
#define INIT(...) \
    ({ \
        pid_t init_ = clone_into(SPACES); \
        if (init_ == 0) { \
            __VA_ARGS__; \
            _exit(0); \
        } \
        init_; \
    })
#define IN_NEW(...) CHECK_EQ(status_of(INIT(__VA_ARGS__)), 0)

static int open_ns(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void mount_proc(void)
{
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK(mount("proc", "/proc", "proc", 0, NULL) == 0);
}

/* The fields of a row of a task's status. */
static const char *row(const char *task, const char *name)
{
    static char text[512];
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/status", task);
    const char *at = strstr(slurp(path), name);
    snprintf(text, sizeof text, "%s", at != NULL ? at : "none");
    text[strcspn(text, "\n")] = 0;
    return text;
}

static void say_pids(void)
{
    struct dirent *e;
    DIR *d = opendir("/proc");

    SAY("pids:");
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
            SAY(" %s", e->d_name);
    SAY("\n");
    closedir(d);
}

/* --- numbers ------------------------------------------------------------------------- */

static void numbers(pid_t outside)
{
    int told = 0, child_told = 0, status;

    SAY("init: %d %d %d %d %d\n", getpid(), (int)syscall(SYS_gettid), getppid(), getpgrp(),
        getsid(0));
    CHECK_ERR(ESRCH, kill(outside, 0));
    CHECK_ERR(ESRCH, getpgid(outside));
    CHECK_ERR(ESRCH, kill(-outside, 0));
    SAY("setsid %d", setsid());
    SAY(" %d %d %d", getpgrp(), getsid(0), getpgid(1));
    SAY(" address %ld\n", syscall(SYS_set_tid_address, &told));
    pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &told,
                        &child_told, 0);
    if (pid == 0) {
        SAY("child: %d %d %d %d told %d\n", getpid(), getppid(), getpgrp(), getsid(0), child_told);
        CHECK(setpgid(0, 0) == 0);
        CHECK(getpgrp() == 2 && getpgid(0) == 2);
        SAY("grandchild: %d\n", WEXITSTATUS(CHILD(_exit(10 * getpid() + getppid()))));
        _exit(7);
    }
    pid_t waited = waitpid(-1, &status, 0);
    SAY("made %d told %d waited %d %d\n", pid, told, waited, WEXITSTATUS(status));
    pid = START(pause());
    int fd = syscall(SYS_pidfd_open, pid, 0);
    siginfo_t info;
    CHECK(fd >= 0 && kill(pid, SIGKILL) == 0);
    CHECK(waitid(P_PID, pid, &info, WEXITED) == 0 && info.si_pid == pid);
    CHECK_ERR(ECHILD, waitpid(pid, NULL, 0));
    CHECK_ERR(ECHILD, waitpid(-pid, NULL, 0));
    SAY("next %d\n", pid);
}

static void processes_by_number(void)
{
    cpu_set_t set;
    struct rlimit limit;
    pid_t pid = START(setpgid(0, 0); pause());

    CHECK(WAIT_UNTIL(getpgid(pid) == pid));
    CHECK(sched_getaffinity(pid, sizeof set, &set) == 0 &&
          syscall(SYS_sched_getscheduler, pid) == 0);
    CHECK(prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0);
    CHECK(setpriority(PRIO_PROCESS, pid, 3) == 0 && getpriority(PRIO_PGRP, pid) == 3);
    CHECK(syscall(SYS_kcmp, getpid(), pid, 2 /* KCMP_FILES */, 0, 0) > 0);
    clockid_t clock;
    struct timespec t;
    CHECK(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0);
    CHECK(setpriority(PRIO_USER, 0, 5) == 0); /* of this namespace */
    CHECK(getpriority(PRIO_PROCESS, 1) == 5 && getpriority(PRIO_PROCESS, pid) == 5);
    CHECK(kill(-pid, SIGTERM) == 0 && waitpid(-pid, NULL, 0) == pid);
    CHECK_ERR(ESRCH, syscall(SYS_sched_getscheduler, pid));
    CHECK_ERR(ESRCH, syscall(SYS_pidfd_open, pid, 0));
}

static void *thread_number(void *arg)
{
    *(int *)arg = syscall(SYS_gettid);
    return NULL;
}

static void threads(void)
{
    pthread_mutexattr_t a;
    pthread_mutex_t m;
    pthread_t t;
    int tid = 0;

    CHECK(pthread_create(&t, NULL, thread_number, &tid) == 0 && pthread_join(t, NULL) == 0);
    SAY("thread %d\n", tid);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t *shared = map_shared(PAGE);
    CHECK(pthread_mutex_init(shared, &a) == 0 && pthread_mutex_init(&m, &a) == 0);
    CHECK_EQ(CHILD(CHECK(pthread_mutex_lock(shared) == 0)), 0); /* and does not give it back */
    SAY("owner %s\n", pthread_mutex_lock(shared) == EOWNERDEAD ? "died" : "?");
    CHECK(pthread_mutex_consistent(shared) == 0 && pthread_mutex_unlock(shared) == 0);
    int *word = map_shared(PAGE);
    *word = 0;
    pid_t pid =
        START(CHECK(syscall(SYS_futex, word, 6 /* LOCK_PI */, 0, NULL, NULL, 0) == 0); pause());
    CHECK(WAIT_UNTIL(*(volatile int *)word == pid));
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    CHECK_ERR(ETIMEDOUT,
              syscall(SYS_futex, word, 6, 0, &soon, NULL, 0)); /* its owner is found by it */
    kill(pid, SIGKILL);
    status_of(pid);
    *word = pid;
    CHECK_ERR(ESRCH, syscall(SYS_futex, word, 6, 0, NULL, NULL, 0));
}

/* --- what others say of it -------------------------------------------------------------- */

static volatile int seen_pid = -1, seen_code, ended_pid = -1;
static void note(int sig, siginfo_t *info, void *frame)
{
    (void)frame;
    if (sig == SIGCHLD) {
        ended_pid = info->si_pid;
    } else {
        seen_code = info->si_code;
        seen_pid = info->si_pid;
    }
}

static void catch (int sig)
{
    struct sigaction a = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

    CHECK(sigaction(sig, &a, NULL) == 0);
}

static void signals_inside(void)
{
    catch (SIGUSR1);
    catch (SIGCHLD);
    pid_t pid =
        START(kill(1, SIGUSR1); kill(1, SIGTERM); kill(1, SIGKILL); kill(1, SIGSTOP); _exit(0));
    CHECK(WAIT_UNTIL(seen_pid == pid));
    status_of(pid);
    CHECK(WAIT_UNTIL(ended_pid == pid));
    pid =
        START(kill(-1, SIGKILL)); /* nobody else is in here but number 1, which it does not reach */
    CHECK_EQ(status_of(pid), 0);
    pid = START(pause());
    CHECK(kill(-1, SIGKILL) == 0);
    CHECK_EQ(status_of(pid), SIGKILL);
    CHECK_ERR(ESRCH, kill(-1, 0));
}

static void signals_from_outside(void)
{
    int ready[2], status;
    char c;

    CHECK(pipe(ready) == 0);
    pid_t pid =
        INIT(catch (SIGUSR1); CHECK(write(ready[1], "r", 1) == 1); alarm(20);
             while (seen_pid < 0) pause(); SAY("from outside: %d %d\n", seen_pid, seen_code);
             CHECK(write(ready[1], "r", 1) == 1); for (;;) pause());
    CHECK(read(ready[0], &c, 1) == 1);
    CHECK(kill(pid, SIGTERM) == 0 && kill(pid, SIGUSR1) == 0); /* the first has no handler */
    CHECK(read(ready[0], &c, 1) == 1);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
    SAY("stopped %d", WIFSTOPPED(status));
    CHECK(kill(pid, SIGCONT) == 0 && kill(pid, SIGKILL) == 0);
    SAY(" killed %d\n", WTERMSIG(status_of(pid)));
    close(ready[0]);
    close(ready[1]);
}

static void credentials(void)
{
    int sv[2], on = 1;
    struct ucred cred;
    socklen_t len = sizeof cred;
    char control[CMSG_SPACE(sizeof cred)], c;

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
    CHECK(setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    pid_t pid = INIT(CHECK(getsockopt(sv[1], SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
                     SAY("peer %d\n", (int)cred.pid); CHECK(write(sv[1], "c", 1) == 1); _exit(0));
    struct iovec v = { &c, 1 };
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    CHECK_EQ(status_of(pid), 0);
    CHECK(recvmsg(sv[0], &m, 0) == 1); /* of one who is gone */
    memcpy(&cred, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof cred);
    CHECK_EQ(cred.pid, pid);
    CHECK(getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid == getpid());
    IN_NEW(CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
           CHECK(getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
           SAY("own pair %d\n", (int)cred.pid));
}

/* By name, so that each end was told by a call of its own. */
static void connected(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct ucred cred;
    socklen_t len = sizeof cred;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), nl = socket(AF_NETLINK, SOCK_RAW, 0);
    struct {
        unsigned short family, pad;
        unsigned pid, groups;
    } port = { .family = AF_NETLINK };

    snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "pidns-%d", own_key(1));
    CHECK(bind(server, (struct sockaddr *)&a, sizeof a) == 0 && listen(server, 1) == 0);
    pid_t pid = START(int s = socket(AF_UNIX, SOCK_STREAM, 0);
                      CHECK(connect(s, (struct sockaddr *)&a, sizeof a) == 0);
                      CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
                      SAY("server %d", (int)cred.pid));
    CHECK_EQ(status_of(pid), 0);
    int s = accept(server, NULL, NULL);
    CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
    SAY(" client %d", cred.pid == pid);
    CHECK(bind(nl, (struct sockaddr *)&port, sizeof port) == 0);
    len = sizeof port;
    CHECK(getsockname(nl, (struct sockaddr *)&port, &len) == 0);
    SAY(" port %u\n", port.pid);
}

static void segments(void)
{
    struct shmid_ds d;
    int id = shmget(IPC_PRIVATE, PAGE, 0600);

    CHECK_EQ(CHILD(shmat(id, NULL, 0)), 0);
    CHECK(shmctl(id, IPC_STAT, &d) == 0);
    SAY("segment by %d, last %d\n", d.shm_cpid, d.shm_lpid);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void left_marks(void)
{
    struct msqid_ds d;
    struct flock lock = { .l_type = F_WRLCK };
    FILE *f = tmpfile();
    int fd = fileno(f), p[2];
    struct {
        long type;
        char text[1];
    } m = { 1, "m" };

    IN_NEW(int id = msgget(IPC_PRIVATE, 0600); CHECK_EQ(CHILD(msgsnd(id, &m, 1, 0)), 0);
           CHECK(msgctl(id, IPC_STAT, &d) == 0); SAY("sent by %d", d.msg_lspid); /* it is gone */
           msgctl(id, IPC_RMID, NULL); id = semget(IPC_PRIVATE, 1, 0600); semctl(id, 0, SETVAL, 1);
           SAY(" set by %d\n", semctl(id, 0, GETPID)); semctl(id, 0, IPC_RMID));
    CHECK(fcntl(fd, F_SETLK, &lock) == 0 && pipe(p) == 0 && fcntl(p[0], F_SETOWN, getpid()) == 0);
    IN_NEW(lock.l_pid = 5; CHECK(fcntl(fd, F_GETLK, &lock) == 0); SAY("locked by %d", lock.l_pid);
           SAY(" owned by %d", fcntl(p[0], F_GETOWN)); CHECK_ERR(ESRCH, fcntl(p[0], F_SETOWN, 77));
           CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0); SAY(" now %d\n", fcntl(p[0], F_GETOWN)));
    fclose(f);
}

static void terminal(void)
{
    int master, slave;

    CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    IN_NEW(CHECK(setsid() == 1 && ioctl(slave, TIOCSCTTY, 0) == 0);
           SAY("terminal %d %d", (int)tcgetpgrp(slave), (int)tcgetsid(slave));
           signal(SIGTTOU, SIG_IGN); pid_t pid = START(setpgid(0, 0); pause());
           CHECK(WAIT_UNTIL(getpgid(pid) == pid)); CHECK(tcsetpgrp(slave, pid) == 0);
           SAY(" %d\n", (int)tcgetpgrp(slave)); CHECK_ERR(ESRCH, tcsetpgrp(slave, 99)));
    close(master);
    close(slave);
}

static void traced(void)
{
    unsigned long message;
    int status;
    pid_t pid = INIT(ptrace(PTRACE_TRACEME, 0, 0, 0); kill(getpid(), SIGUSR1);
                     SAY("traced: %d\n", WEXITSTATUS(CHILD(_exit(getpid())))));

    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE) == 0);
    CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8));
    CHECK(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) == 0);
    pid_t child = message; /* as its tracer knows it */
    CHECK(child > 3 && waitpid(child, &status, __WALL) == child && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_DETACH, child, 0, 0) == 0 && ptrace(PTRACE_CONT, pid, 0, 0) == 0);
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, pid, 0, 0);
    CHECK_EQ(status, 0);
}

/* --- its end ------------------------------------------------------------------------------ */

static void orphans(void)
{
    int p[2];
    char text[8] = "";

    CHECK(pipe(p) == 0);
    CHECK_EQ(CHILD(if (fork() == 0) {
                 while (getppid() != 1)
                     msleep(1);
                 CHECK(write(p[1], "orphan", 6) == 6);
             }),
             0);
    CHECK(read(p[0], text, 6) == 6);
    SAY("%s", text);
    SAY(" waited for %d\n", waitpid(-1, NULL, 0) > 0);
}

static void ends_with_init(void)
{
    int p[2], status;
    char c;

    CHECK(pipe(p) == 0);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); /* outside: it gets none of them */
    pid_t pid = INIT(close(p[0]); for (int i = 0; i < 20; i++) if (fork() == 0) {
        signal(SIGTERM, SIG_IGN);
        if (i % 3 == 0)
            setsid();
        if (i % 2 == 0 && fork() != 0)
            _exit(0);
        if (i == 5)
            clone_into(CLONE_NEWPID); /* one more below */
        CHECK(write(p[1], "x", 1) == 1);
        for (;;)
            pause();
    } CHECK(write(p[1], "r", 1) == 1);
                     pause(); _exit(5));
    close(p[1]);
    for (int i = 0; i < 20 + 1 + 1; i++) /* all are there: those, the one below, and init */
        CHECK(read(p[0], &c, 1) == 1);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    SAY("init died of %d, others %d\n", WTERMSIG(status), (int)read(p[0], &c, 1));
    CHECK_ERR(ECHILD, waitpid(-1, NULL, 0));
    close(p[0]);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

static void after_the_end(void)
{
    CHECK(unshare(CLONE_NEWPID) == 0);
    SAY("unshared: own %d", getpid() == (int)syscall(SYS_gettid));
    char text[64];
    SAY(" link %ld", result(readlink("/proc/self/ns/pid_for_children", text, sizeof text)));
    pthread_t t;
    SAY(" thread %d", pthread_create(&t, NULL, thread_number, text));
    SAY(" again %ld", result(unshare(CLONE_NEWPID)));
    pid_t init = START(pause());
    SAY(" link %d", readlink("/proc/self/ns/pid_for_children", text, sizeof text) > 0);
    CHECK_EQ(CHILD(SAY(" second %d %d", getpid(), getppid())), 0);
    SAY(" own %d", open_ns("pid") >= 0);
    kill(init, SIGKILL);
    CHECK_EQ(status_of(init), SIGKILL);
    SAY(" fork %ld\n", result(fork()));
    CHECK_ERR(ENOMEM, vfork());
}

static void restarts(void)
{
    SAY("reboot:");
    for (int i = 0; i < 3; i++) {
        static const unsigned cmd[] = { 0x01234567, 0xcdef0123, 0x4321fedc };
        int status = status_of(INIT(if (fork() == 0) {
            syscall(SYS_reboot, 0xfee1dead, 672274793, cmd[i], NULL);
            _exit(1);
        } for (;;) pause()));
        SAY(" %d", WTERMSIG(status));
    }
    IN_NEW(SAY(" %ld\n",
               result(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef /* CAD_ON */, NULL))));
}

/* --- one in another ------------------------------------------------------------------------- */

static void ask(pid_t pid, int ns)
{
    CHECK_EQ(ioctl(ns, NS_GET_NSTYPE), CLONE_NEWPID);
    CHECK_EQ(ioctl(ns, PID_FROM, 1), pid);
    CHECK_EQ(ioctl(ns, TGID_FROM, 1), pid);
    CHECK_EQ(ioctl(ns, PID_IN, pid), 1);
    CHECK_EQ(ioctl(ns, TGID_IN, pid), 1);
    CHECK_ERR(ESRCH, ioctl(ns, PID_IN, getpid()));
    CHECK_ERR(ESRCH, ioctl(ns, PID_FROM, 999));
    int parent = ioctl(ns, NS_GET_PARENT), own = open_ns("pid");
    struct stat a, b;
    CHECK(fstat(parent, &a) == 0 && fstat(own, &b) == 0 && a.st_ino == b.st_ino);
    close(parent);
    close(own);
}

static void enter(void)
{
    char path[64], done;
    int up = open_ns("pid"), go[2], orphan[2];

    CHECK(pipe(go) == 0 && pipe(orphan) == 0);
    pid_t pid = INIT(char c; close(go[1]); CHECK_ERR(EPERM, ioctl(open_ns("pid"), NS_GET_PARENT));
                     CHECK_ERR(EINVAL, setns(up, CLONE_NEWPID)); /* one cannot go up */
                     CHECK(read(go[0], &c, 1) == 0));
    snprintf(path, sizeof path, "/proc/%d/ns/pid", pid);
    int ns = open(path, O_RDONLY), fd = syscall(SYS_pidfd_open, pid, 0);
    ask(pid, ns);
    CHECK_EQ(
        CHILD(CHECK(setns(ns, 0) == 0); SAY("entered %d:", getpid() > 1); CHECK_EQ(
                  CHILD(SAY(" child %d of %d", getpid(), getppid()); CHECK(kill(1, 0) == 0)), 0);
              CHECK(setns(up, CLONE_NEWPID) == 0); /* but back to one's own */
              CHECK_EQ(CHILD(CHECK(getppid() > 1)), 0); CHECK(setns(fd, CLONE_NEWPID) == 0);
              CHECK_EQ(CHILD(SAY(" and %d", getpid());
                             if (fork() == 0) { /* its parent is in there, and ends */
                                                while (getppid() != 1)
                                                    msleep(1);
                                                SAY(" orphan's parent %d\n", getppid());
                                                CHECK(write(orphan[1], "d", 1) == 1);
                                                _exit(0);
                             }),
                       0)),
        0);
    CHECK(read(orphan[0], &done, 1) == 1);
    close(orphan[0]);
    close(orphan[1]);
    close(go[1]);
    close(go[0]);
    CHECK_EQ(status_of(pid), 0);
    close(ns);
    close(up);
    close(fd);
}

static void deep(int level)
{
    pid_t pid = clone_into(CLONE_NEWPID);

    if (pid < 0) {
        SAY("level %d: errno %d\n", level, errno);
        const char *r = row("self", "NSpid:");
        int n = 0;
        for (; *r; r++)
            n += *r == '\t';
        SAY("numbers %d, last %s\n", n, strrchr(row("self", "NSpid:"), '\t') + 1);
    } else if (pid == 0) {
        deep(level + 1);
        _exit(0);
    } else {
        CHECK_EQ(status_of(pid), 0);
    }
}

static long clone_with(const pid_t *set, size_t n, unsigned long flags)
{
    struct clone_args a = { .flags = flags, .exit_signal = SIGCHLD };
    a.set_tid = (uintptr_t)set;
    a.set_tid_size = n;
    long pid = syscall(SYS_clone3, &a, sizeof a);

    if (pid == 0)
        _exit(getpid());
    if (pid > 0)
        pid = status_of(pid) == getpid() ? pid : pid * 1000 + WEXITSTATUS(status_of(pid));
    return pid < 0 ? -errno : pid;
}

static void wanted(void)
{
    pid_t set[4] = { 77, 30123, 4, 5 };
    struct clone_args a = { .exit_signal = SIGCHLD };
    siginfo_t info;

    SAY("wanted:");
    set[0] = 2;
    SAY(" %ld", clone_with(set, 1, CLONE_NEWPID)); /* it must be 1 */
    set[0] = 1;
    SAY(" %ld", clone_with(set, 4, CLONE_NEWPID)); /* there are three levels */
    SAY(" %d", clone_with(set, 1, CLONE_NEWPID) > 0);
    IN_NEW(set[0] = 77; a.set_tid = (uintptr_t)set; a.set_tid_size = 1;
           long pid = syscall(SYS_clone3, &a, sizeof a); if (pid == 0) _exit(getpid());
           CHECK(waitid(P_PID, pid, &info, WEXITED) == 0); SAY(" %ld %d", pid, info.si_status);
           pid = START(pause()); SAY(" next %ld", pid); set[0] = pid;
           SAY(" %ld", result(syscall(SYS_clone3, &a, sizeof a))); set[0] = 0;
           SAY(" %ld", result(syscall(SYS_clone3, &a, sizeof a)));
           CHECK(put_text("/proc/sys/kernel/ns_last_pid", "500") == 3); /* whosever /proc it is */
           SAY(" after 500: %d\n", START(_exit(0)));
           SAY("last %s", slurp("/proc/sys/kernel/ns_last_pid")));
}

/* --- /proc ------------------------------------------------------------------------------------ */

static void of_proc(void)
{
    char text[64];
    struct stat outer, inner;

    CHECK(stat("/proc", &outer) == 0);
    SAY("before: %d\n", readlink("/proc/self", text, sizeof text) > 0); /* its number in that one */
    mount_proc();
    CHECK(stat("/proc", &inner) == 0 && inner.st_dev != outer.st_dev);
    ssize_t n = readlink("/proc/self", text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    SAY("self %s", text);
    n = readlink("/proc/thread-self", text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    SAY(" %s\n", text);
    pid_t pid = START(setsid(); pause());
    CHECK(WAIT_UNTIL(getsid(pid) == pid));
    say_pids();
    snprintf(text, sizeof text, "%d", pid);
    static const char *const name[] = { "Tgid:",  "Pid:",    "PPid:", "NStgid:",
                                        "NSpid:", "NSpgid:", "NSsid:" };
    for (unsigned i = 0; i < 7; i++)
        SAY("%s; ", row(text, name[i]));
    snprintf(text, sizeof text, "/proc/%d/stat", pid);
    int a, b, c, d;
    CHECK(sscanf(slurp(text), "%d (%*[^)]) %*c %d %d %d", &a, &b, &c, &d) == 4);
    SAY("stat %d %d %d %d\n", a, b, c, d);
    SAY("init: %s; ", row("1", "PPid:"));
    SAY("%s\n", row("1", "NSpid:"));
    int fd = syscall(SYS_pidfd_open, pid, 0);
    snprintf(text, sizeof text, "/proc/self/fdinfo/%d", fd);
    SAY("pidfd: %.6s %s\n", strstr(slurp(text), "Pid:"),
        strchr(strstr(slurp(text), "NSpid:"), '\t') + 1);
    kill(pid, SIGKILL);
    status_of(pid);
    CHECK(access("/proc/999", F_OK) < 0 && errno == ENOENT);
    CHECK_EQ(status_of(INIT(mount_proc(); say_pids(); SAY("%s\n", row("self", "NSpid:")))), 0);
    CHECK(umount2("/proc", MNT_DETACH) == 0);
}

/* Who looks from above sees both numbers. */
static void from_above(void)
{
    int p[2];
    char c, text[64], want[64];
    struct stat a, b;

    CHECK(pipe(p) == 0);
    pid_t pid = INIT(CHECK(read(p[0], &c, 1) == 1));
    snprintf(text, sizeof text, "%d", pid);
    snprintf(want, sizeof want, "NSpid:\t%d\t1", pid);
    const char *got = row(text, "NSpid:");
    CHECK(strlen(got) >= strlen(want) && strcmp(strchr(want, '\t'), got + 6) == 0);
    snprintf(text, sizeof text, "/proc/%d/ns/pid", pid);
    CHECK(stat(text, &a) == 0 && stat("/proc/self/ns/pid", &b) == 0 && a.st_ino != b.st_ino);
    CHECK(write(p[1], "g", 1) == 1);
    CHECK_EQ(WAIT_UNTIL(state_of(pid) == 'Z'), 1);
    CHECK(stat(text, &b) == 0 && a.st_ino == b.st_ino); /* the dead have it, too */
    CHECK_EQ(status_of(pid), 0);
}

static void refused(void)
{
    int up = open_ns("pid");

    CHECK_ERR(EINVAL, clone_into(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM));
    IN_NEW(CHECK_ERR(EINVAL, clone_into(CLONE_PARENT)));
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); CHECK_ERR(EPERM, unshare(CLONE_NEWPID));
                   CHECK_ERR(EPERM, clone_into(CLONE_NEWPID)); CHECK_ERR(EPERM, setns(up, 0))),
             0);
    close(up);
}

static void test(void)
{
    pid_t outside = getpid();

    if (status_of(INIT()) != 0) {
        SAY("FAIL no namespace of its own: %s\n", strerror(errno));
        _exit(1);
    }
    IN_NEW(numbers(outside));
    IN_NEW(processes_by_number());
    IN_NEW(CHECK_EQ(CHILD(threads()), 0)); /* the library has looked up its number at fork */
    IN_NEW(signals_inside());
    signals_from_outside();
    CHECK_EQ(CHILD(credentials()), 0);
    IN_NEW(connected());
    IN_NEW(segments());
    CHECK_EQ(CHILD(left_marks()), 0);
    terminal();
    traced();
    IN_NEW(orphans());
    CHECK_EQ(CHILD(ends_with_init()), 0);
    CHECK_EQ(CHILD(after_the_end()), 0);
    restarts();
    enter();
    CHECK_EQ(CHILD(deep(1)), 0);
    IN_NEW(wanted());
    IN_NEW(of_proc());
    from_above();
    refused();
    for (int i = 0; i < 30; i++)
        IN_NEW(fork(); fork(); fork(););
}
