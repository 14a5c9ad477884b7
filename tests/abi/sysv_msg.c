/* System V messages: order by type, limits of a queue, who waits is given what he waits for before anybody
 * who comes by; RMID ends all waits; rights, limits and errors are Linux's. */
#include "check.h"

#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#define MSG_STAT_ 11
#define MSG_INFO_ 12

struct message {
    long type;
    char text[9000];
};

static int make(void)
{
    int id = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);

    CHECK(id >= 0);
    return id;
}

static int put(int id, long type, const char *text, int flags)
{
    struct message m = { .type = type };

    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text), flags);
}

static const char *get(int id, long type, int flags)
{
    static struct message m;

    memset(&m, 0, sizeof m);
    ssize_t n = msgrcv(id, &m, sizeof m.text - 1, type, flags);
    return n < 0 ? strerror(errno) : m.text;
}

static void end(int id) { CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0); }

static struct msqid_ds stat_of(int id)
{
    struct msqid_ds d = { 0 };

    CHECK_EQ(msgctl(id, IPC_STAT, &d), 0);
    return d;
}

static void order(void)
{
    int id = make();

    CHECK_EQ(put(id, 3, "c", 0), 0);
    CHECK_EQ(put(id, 1, "a", 0), 0);
    CHECK_EQ(put(id, 2, "b", 0), 0);
    CHECK_EQ(put(id, 3, "d", 0), 0);
    CHECK_EQ(stat_of(id).msg_qnum, 4);
    SAY("%s ", get(id, 2, 0));
    SAY("%s ", get(id, -3, 0));
    SAY("%s ", get(id, 3, MSG_EXCEPT | IPC_NOWAIT));
    SAY("%s ", get(id, 0, 0));
    SAY("%s ", get(id, LONG_MIN, 0));
    SAY("%s\n", get(id, 0, IPC_NOWAIT));
    CHECK_EQ(put(id, LONG_MAX, "", 0), 0);
    SAY("[%s]\n", get(id, LONG_MAX, 0));
    CHECK_EQ(put(id, 1, "copied", 0), 0);
    CHECK_EQ(put(id, 2, "second", 0), 0);
    SAY("%s ", get(id, 1, MSG_COPY | IPC_NOWAIT));
    SAY("%s ", get(id, 0, MSG_COPY | IPC_NOWAIT));
    SAY("%s ", get(id, 2, MSG_COPY | IPC_NOWAIT));
    SAY("%s\n", get(id, 0, MSG_COPY));
    CHECK_EQ(stat_of(id).msg_qnum, 2);
    end(id);
}

static void sizes(void)
{
    int id = make();
    static struct message m = { .type = 1 };

    for (int i = 0; i < 9000; i++)
        m.text[i] = (char)('a' + i % 26);
    CHECK_EQ(msgsnd(id, &m, 8192, 0), 0);
    CHECK_EQ(msgsnd(id, &m, 8192, 0), 0);
    CHECK_ERR(EAGAIN, msgsnd(id, &m, 1, IPC_NOWAIT));
    CHECK_EQ(stat_of(id).msg_cbytes, 16384);
    CHECK_ERR(EINVAL, msgsnd(id, &m, 8193, 0));
    memset(m.text, 0, sizeof m.text);
    CHECK_ERR(E2BIG, msgrcv(id, &m, 8191, 0, 0));
    CHECK_EQ(msgrcv(id, &m, 5000, 0, MSG_NOERROR), 5000);
    CHECK(m.text[0] == 'a' && m.text[4999] == 'a' + 4999 % 26 && m.text[5000] == 0);
    CHECK_EQ(msgrcv(id, &m, 9000, 0, 0), 8192);
    CHECK(m.text[8191] == 'a' + 8191 % 26 && m.text[8192] == 0);
    CHECK_ERR(EINVAL, msgrcv(id, &m, -1, 0, 0));
    m.type = 0;
    CHECK_ERR(EINVAL, msgsnd(id, &m, 1, 0));
    m.type = -1;
    CHECK_ERR(EINVAL, msgsnd(id, &m, 1, 0));
    CHECK_ERR(EFAULT, msgsnd(id, (void *)8, 1, 0));
    m.type = 1;
    CHECK_EQ(msgsnd(id, &m, 1, 0), 0);
    CHECK_ERR(EFAULT, msgrcv(id, (void *)8, 10, 0, 0));
    CHECK_EQ(stat_of(id).msg_qnum, 0); /* it is lost */
    CHECK_ERR(EINVAL, msgrcv(-1, &m, 1, 0, 0));
    CHECK_ERR(ENOMSG, msgrcv(id, &m, 1, 0, IPC_NOWAIT));
    end(id);
    CHECK(msgsnd(id, &m, 1, 0) == -1 && (errno == EINVAL || errno == EIDRM));
}

static void receivers(void)
{
    int id = make();
    pid_t a = START(_exit(strcmp(get(id, 7, 0), "seven") == 0 ? 3 : 4));

    CHECK(WAIT_UNTIL(state_of(a) == 'S'));
    msleep(20);
    CHECK_EQ(put(id, 6, "six", 0), 0);
    CHECK_EQ(put(id, 7, "seven", 0), 0);
    CHECK_EQ(stat_of(id).msg_qnum, 1); /* it has it already */
    CHECK(strcmp(get(id, 7, IPC_NOWAIT), strerror(ENOMSG)) == 0);
    CHECK_EQ(status_of(a), EXITED(3));
    a = START(struct message m; _exit(msgrcv(id, &m, 2, 9, 0) == -1 && errno == E2BIG ? 5 : 6));
    msleep(50);
    CHECK_EQ(put(id, 9, "long", 0), 0);
    CHECK_EQ(status_of(a), EXITED(5));
    CHECK_EQ(stat_of(id).msg_qnum, 2);
    a = START(struct message m; _exit(msgrcv(id, &m, 2, 10, 0) == -1 && errno == EIDRM ? 7 : 8));
    msleep(50);
    end(id);
    CHECK_EQ(status_of(a), EXITED(7));
}

static void senders(void)
{
    int id = make();
    static struct message m = { .type = 1 };

    CHECK_EQ(msgsnd(id, &m, 8192, 0), 0);
    CHECK_EQ(msgsnd(id, &m, 8192, 0), 0);
    pid_t a = START(_exit(put(id, 2, "waited", 0) == 0 ? 3 : 4));
    CHECK(WAIT_UNTIL(state_of(a) == 'S'));
    CHECK_EQ(msgrcv(id, &m, 8192, 1, 0), 8192);
    CHECK_EQ(status_of(a), EXITED(3));
    SAY("%s\n", get(id, 2, 0));
    m.type = 1;
    CHECK_EQ(msgsnd(id, &m, 8192, 0), 0);
    a = START(_exit(put(id, 2, "waited", 0) == -1 && errno == EIDRM ? 5 : 6));
    msleep(50);
    end(id);
    CHECK_EQ(status_of(a), EXITED(5));
}

static void on_alarm(int sig) { (void)sig; }

static void signals(void)
{
    int id = make();
    struct message m;

    handle(SIGALRM, on_alarm, SA_RESTART);
    alarm(1);
    CHECK_ERR(EINTR, msgrcv(id, &m, 10, 0, 0)); /* never begun again */
    pid_t a = START(msgrcv(id, &m, 10, 0, 0));
    CHECK(WAIT_UNTIL(state_of(a) == 'S'));
    kill(a, SIGKILL);
    CHECK_EQ(status_of(a), KILLED(SIGKILL));
    CHECK_EQ(put(id, 1, "x", 0), 0);
    CHECK_EQ(stat_of(id).msg_qnum, 1);
    end(id);
}

static void rights(void)
{
    int id = msgget(own_key(1), 0640 | IPC_CREAT | IPC_EXCL);
    struct msqid_ds d = stat_of(id);

    CHECK_EQ(d.msg_perm.__key, own_key(1));
    CHECK_EQ(d.msg_qbytes, 16384);
    CHECK_EQ(msgget(own_key(1), 0), id);
    CHECK_ERR(EEXIST, msgget(own_key(1), IPC_CREAT | IPC_EXCL));
    CHECK_EQ(CHILD(CHECK_EQ(setgid(1000), 0); CHECK_EQ(setuid(1000), 0);
                   CHECK_ERR(EACCES, put(id, 1, "x", 0));
                   CHECK_ERR(EACCES, msgget(own_key(1), 0600));
                   CHECK_ERR(EPERM, msgctl(id, IPC_RMID, NULL))),
             0);
    d.msg_perm.uid = 1000;
    d.msg_perm.mode = 0600;
    d.msg_qbytes = 100;
    CHECK_EQ(msgctl(id, IPC_SET, &d), 0);
    CHECK_EQ(CHILD(CHECK_EQ(setuid(1000), 0); CHECK_EQ(put(id, 1, "x", 0), 0); d.msg_qbytes = 16385;
                   CHECK_ERR(EPERM, msgctl(id, IPC_SET, &d))),
             0);
    d.msg_qbytes = 12000;
    CHECK_EQ(msgctl(id, IPC_SET, &d), 0);
    CHECK_EQ(stat_of(id).msg_qbytes, 12000);
    CHECK_EQ(stat_of(id).msg_qnum, 1);
    end(id);
    CHECK_ERR(ENOENT, msgget(own_key(1), 0));
}

static void reports(void)
{
    int id = make(), found = 0;
    struct msginfo i;
    struct msqid_ds d;

    CHECK_EQ(put(id, 5, "report", 0), 0);
    int top = msgctl(0, IPC_INFO, (void *)&i);
    CHECK(top >= 0);
    SAY("%d %d %d\n", i.msgmax, i.msgmnb, i.msgmni);
    CHECK_EQ(msgctl(0, MSG_INFO_, (void *)&i), top);
    CHECK(i.msgpool >= 1 && i.msgmap >= 1 && i.msgtql >= 6);
    for (int at = 0; at <= top; at++)
        found += msgctl(at, MSG_STAT_, &d) == id && d.msg_lspid == getpid() && d.msg_stime > 0;
    CHECK_EQ(found, 1);
    char want[128];
    snprintf(want, sizeof want, " %10d   600           6          1 %5d     0     0     0     0 ",
             id, getpid());
    CHECK(strstr(slurp("/proc/sysvipc/msg"), want) != NULL);
    SAY("%.*s\n", (int)strcspn(slurp("/proc/sysvipc/msg"), "\n"), slurp("/proc/sysvipc/msg"));
    end(id);
}

static void test(void)
{
    order();
    sizes();
    receivers();
    senders();
    signals();
    rights();
    reports();
}
