/* IPC namespaces: System V queues, sets and segments and POSIX queues of one are not in another, nor are its limits; a
 * segment that is attached, and an open queue, are good for longer than the namespace; who enters one again finds what is there. */
#include "check.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY own_key(1)

static long number_in(const char *path)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    return atol(text);
}

static int lines_in(const char *path)
{
    char text[4096];
    int n = 0, fd = open(path, O_RDONLY);
    ssize_t got;

    while ((got = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < got; i++)
            n += text[i] == '\n';
    close(fd);
    return n;
}

static void put_number(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void all_there(const char *what)
{
    mqd_t q;

    errno = 0;
    SAY("%s: msg %d", what, msgget(KEY, 0) >= 0);
    SAY(" sem %d", semget(KEY, 1, 0) >= 0);
    SAY(" shm %d", shmget(KEY, 4096, 0) >= 0);
    q = mq_open("/forkscope", O_RDONLY);
    SAY(" mq %d lines %d %d %d\n", q >= 0, lines_in("/proc/sysvipc/msg"),
        lines_in("/proc/sysvipc/sem"), lines_in("/proc/sysvipc/shm"));
    if (q >= 0)
        mq_close(q);
}

static mqd_t make_all(void)
{
    struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 32 };

    CHECK(msgget(KEY, IPC_CREAT | 0600) == 0);
    CHECK(semget(KEY, 3, IPC_CREAT | 0600) == 0);
    CHECK(shmget(KEY, 4096, IPC_CREAT | 0600) == 0);
    return mq_open("/forkscope", O_CREAT | O_RDWR, 0600, &a);
}

static void limits(void)
{
    CHECK_EQ(number_in("/proc/sys/kernel/msgmax"), 8192);
    CHECK_EQ(number_in("/proc/sys/fs/mqueue/msg_max"), 10);
    put_number("/proc/sys/kernel/msgmax", "100");
    put_number("/proc/sys/kernel/shmmni", "1");
    put_number("/proc/sys/kernel/sem", "5 5 5 1");
    put_number("/proc/sys/fs/mqueue/msg_max", "7");
    CHECK_EQ(CHILD(CHECK(unshare(CLONE_NEWIPC) == 0);
                   CHECK_EQ(number_in("/proc/sys/kernel/msgmax"), 8192);
                   CHECK_EQ(number_in("/proc/sys/kernel/shmmni"), 4096);
                   CHECK_EQ(number_in("/proc/sys/kernel/sem"), 32000);
                   CHECK_EQ(number_in("/proc/sys/fs/mqueue/msg_max"), 10)),
             0);
    CHECK_EQ(number_in("/proc/sys/kernel/msgmax"), 100);
    CHECK_EQ(number_in("/proc/sys/fs/mqueue/msg_max"), 7);
    CHECK(shmget(IPC_PRIVATE, 4096, 0600) >= 0);
    CHECK_ERR(ENOSPC, shmget(IPC_PRIVATE, 4096, 0600));
    CHECK_ERR(EINVAL, semget(IPC_PRIVATE, 6, 0600));
}

/* What was attached and open goes on working; the rest is not to be found. */
static void outlive(void)
{
    char *p = shmat(0, NULL, 0), text[32];
    mqd_t q = mq_open("/forkscope", O_RDWR);
    struct shmid_ds d;

    CHECK(p != (void *)-1 && q >= 0 && shmctl(0, IPC_STAT, &d) == 0 && d.shm_nattch == 1);
    strcpy(p, "still");
    CHECK(unshare(CLONE_NEWIPC) == 0); /* nobody is in that one any more */
    all_there("after");
    CHECK(strcmp(p, "still") == 0 && mq_send(q, "message", 8, 0) == 0);
    CHECK(mq_receive(q, text, sizeof text, NULL) == 8 && strcmp(text, "message") == 0);
    CHECK_EQ(CHILD(CHECK(strcmp(p, "still") == 0); p[0] = 'S'; CHECK(shmdt(p) == 0)), 0);
    CHECK(strcmp(p, "Still") == 0 && shmdt(p) == 0 && mq_close(q) == 0);
}

static void undo(void)
{
    struct sembuf up = { 0, 1, SEM_UNDO };
    int ns = open("/proc/self/ns/ipc", O_RDONLY), id = semget(KEY, 1, 0);

    CHECK(semop(id, &up, 1) == 0 && semctl(id, 0, GETVAL) == 1);
    CHECK(unshare(CLONE_NEWIPC) == 0); /* which takes it back */
    CHECK_ERR(EINVAL, semctl(id, 0, GETVAL));
    CHECK(setns(ns, CLONE_NEWIPC) == 0);
    CHECK_EQ(semctl(id, 0, GETVAL), 0);
    close(ns);
}

/* The machine's own limits and queues are not touched. */
static void part(void)
{
    if (unshare(CLONE_NEWIPC) != 0) {
        SAY("FAIL no namespace of its own: %s\n", strerror(errno));
        _exit(1);
    }
}

static void test(void)
{
    part();
    all_there("nothing");
    mqd_t q = make_all();
    CHECK(q >= 0);
    all_there("made");
    int ns = open("/proc/self/ns/ipc", O_RDONLY);
    pid_t pid = syscall(SYS_clone, CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        all_there("another one");
        CHECK(make_all() >= 0);
        all_there("its own");
        CHECK(setns(ns, 0) == 0 && msgctl(0, IPC_RMID, NULL) == 0);
        all_there("entered");
        _exit(0);
    }
    CHECK_EQ(status_of(pid), 0);
    all_there("one less");
    undo();
    CHECK_EQ(CHILD(part(); limits()), 0);
    CHECK_ERR(EINVAL, syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0));
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); CHECK_ERR(EPERM, unshare(CLONE_NEWIPC));
                   CHECK_ERR(EPERM, setns(ns, 0))),
             0);
    close(ns);
    mq_close(q);
    outlive();
    for (int i = 0; i < 30; i++)
        CHECK_EQ(CHILD(CHECK(unshare(CLONE_NEWIPC) == 0); make_all(); shmat(0, NULL, 0)), 0);
}
