/* System V semaphores: operations are all or none and in order; who waits is served in order, whatever
 * he waits for; SEM_UNDO is given back at the end of a process, not at exec or the end of a thread; RMID ends
 * all waits; rights, limits and errors are Linux's. */
#include "check.h"

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int make(int n)
{
    int id = semget(IPC_PRIVATE, n, 0600 | IPC_CREAT);

    CHECK(id >= 0);
    return id;
}

static int op1(int id, int num, int by, int flags)
{
    struct sembuf op = { (unsigned short)num, (short)by, (short)flags };

    return semop(id, &op, 1);
}

static int val(int id, int num) { return semctl(id, num, GETVAL); }
static void set(int id, int num, int v)
{
    CHECK_EQ(semctl(id, num, SETVAL, (union semun){ v }), 0);
}
static void end(int id) { CHECK_EQ(semctl(id, 0, IPC_RMID), 0); }
static int waiting(int id, int num) { return semctl(id, num, GETNCNT); }

static void keys(void)
{
    key_t key = own_key(1);
    int id = semget(key, 3, 0640 | IPC_CREAT | IPC_EXCL);

    CHECK(id >= 0);
    CHECK_EQ(semget(key, 3, 0), id);
    CHECK_EQ(semget(key, 0, 0), id);
    CHECK_ERR(EINVAL, semget(key, 4, 0));
    CHECK_ERR(EEXIST, semget(key, 3, IPC_CREAT | IPC_EXCL));
    end(id);
    CHECK_ERR(ENOENT, semget(key, 3, 0600));
    CHECK_ERR(EINVAL, semget(key, 0, 0600 | IPC_CREAT));
    CHECK_ERR(EINVAL, semget(key, -1, 0600 | IPC_CREAT));
    CHECK_ERR(EINVAL, semget(key, 32001, 0600 | IPC_CREAT));
    CHECK(semctl(id, 0, GETVAL) == -1 && (errno == EINVAL || errno == EIDRM));
    int again = semget(key, 3, 0600 | IPC_CREAT);
    CHECK(again >= 0 && again != id);
    end(again);
}

static void values(void)
{
    unsigned short v[4] = { 1, 2, 3, 32767 }, got[4];
    int id = make(4);
    struct semid_ds d;

    CHECK_EQ(semctl(id, 0, SETALL, (union semun){ .array = v }), 0);
    CHECK_EQ(semctl(id, 0, GETALL, (union semun){ .array = got }), 0);
    CHECK(memcmp(v, got, sizeof v) == 0);
    v[2] = 32768;
    CHECK_ERR(ERANGE, semctl(id, 0, SETALL, (union semun){ .array = v }));
    CHECK_EQ(val(id, 2), 3);
    CHECK_ERR(ERANGE, semctl(id, 0, SETVAL, (union semun){ -1 }));
    CHECK_ERR(ERANGE, semctl(id, 0, SETVAL, (union semun){ 32768 }));
    CHECK_ERR(EINVAL, semctl(id, 4, SETVAL, (union semun){ 1 }));
    CHECK_ERR(EINVAL, semctl(id, 4, GETVAL));
    CHECK_ERR(EINVAL, semctl(id, 0, 4711));
    CHECK_ERR(EINVAL, semctl(-1, 0, GETVAL));
    CHECK_ERR(EFAULT, semctl(id, 0, IPC_STAT, (union semun){ .buf = (void *)8 }));
    CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }), 0);
    CHECK_EQ(d.sem_nsems, 4);
    CHECK_EQ(d.sem_perm.mode, 0600);
    CHECK_EQ(d.sem_otime, 0);
    CHECK(d.sem_ctime > 0);
    CHECK_ERR(ERANGE, op1(id, 3, 1, 0));
    CHECK_EQ(op1(id, 0, 5, 0), 0);
    CHECK_EQ(val(id, 0), 6);
    CHECK_EQ(semctl(id, 0, GETPID), getpid());
    CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }), 0);
    CHECK(d.sem_otime > 0);
    end(id);
}

static void all_or_none(void)
{
    int id = make(2);
    struct sembuf ops[3] = { { 0, 3, 0 }, { 1, -1, IPC_NOWAIT }, { 0, -1, 0 } };
    struct sembuf many[501];

    CHECK_ERR(EAGAIN, semop(id, ops, 3));
    CHECK_EQ(val(id, 0), 0);
    set(id, 1, 1);
    CHECK_EQ(semop(id, ops, 3), 0);
    CHECK_EQ(val(id, 0), 2);
    CHECK_EQ(val(id, 1), 0);
    struct sembuf twice[2] = { { 0, -1, IPC_NOWAIT }, { 0, -2, IPC_NOWAIT } };
    CHECK_ERR(EAGAIN, semop(id, twice, 2));
    CHECK_EQ(val(id, 0), 2);
    CHECK_ERR(EFBIG, op1(id, 2, 1, 0));
    CHECK_ERR(EINVAL, semop(id, ops, 0));
    memset(many, 0, sizeof many);
    for (int i = 0; i < 501; i++)
        many[i] = (struct sembuf){ 1, i % 2 ? -1 : 1, 0 };
    CHECK_EQ(semop(id, many, 500), 0);
    CHECK_ERR(E2BIG, semop(id, many, 501));
    CHECK_ERR(EFAULT, semop(id, (void *)8, 1));
    CHECK_ERR(EFAULT, semop(id, (void *)8, 100));
    CHECK_ERR(EAGAIN, op1(id, 0, 0, IPC_NOWAIT));
    struct timespec t = { 0, 20000000 }, bad = { 0, 1000000000 };
    struct sembuf op = { 0, -9, 0 };
    long before = now_ms();
    CHECK_ERR(EAGAIN, semtimedop(id, &op, 1, &t));
    CHECK(now_ms() - before >= 19);
    CHECK_ERR(EINVAL, semtimedop(id, &op, 1, &bad));
    end(id);
}

static void waits(void)
{
    int id = make(2);
    pid_t a = START(_exit(op1(id, 0, -2, 0) == 0 && op1(id, 1, 1, 0) == 0 ? 3 : 4));

    CHECK(WAIT_UNTIL(waiting(id, 0) == 1));
    CHECK_EQ(semctl(id, 0, GETZCNT), 0);
    CHECK_EQ(op1(id, 0, 1, 0), 0);
    CHECK_EQ(waiting(id, 0), 1);
    CHECK_EQ(op1(id, 0, 1, 0), 0);
    CHECK_EQ(val(id, 0), 0); /* done for the sleeper, at once */
    CHECK_EQ(waiting(id, 0), 0);
    CHECK_EQ(status_of(a), EXITED(3));
    CHECK_EQ(val(id, 1), 1);
    a = START(_exit(op1(id, 1, 0, 0) == 0 ? 5 : 6));
    CHECK(WAIT_UNTIL(semctl(id, 1, GETZCNT) == 1));
    CHECK(WAIT_UNTIL(state_of(a) == 'S')); /* it counts as waiting before it sleeps */
    set(id, 1, 0);
    CHECK_EQ(status_of(a), EXITED(5));
    end(id);
}

static void in_order(void)
{
    int id = make(1);
    int *order = map_shared(PAGE);
    pid_t child[5];

    for (int i = 0; i < 5; i++) {
        child[i] = START(op1(id, 0, -1, 0); order[1 + __atomic_fetch_add(order, 1, 5)] = i);
        CHECK(WAIT_UNTIL(waiting(id, 0) == i + 1));
    }
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(op1(id, 0, 1, 0), 0);
        CHECK_ERR(EAGAIN, op1(id, 0, -1, IPC_NOWAIT));
        CHECK_EQ(status_of(child[i]), 0);
        CHECK_EQ(order[1 + i], i);
    }
    end(id);
}

static void on_alarm(int sig) { (void)sig; }

static void ends(void)
{
    int id = make(1);
    pid_t a = START(_exit(op1(id, 0, -1, 0) == -1 && errno == EIDRM ? 7 : 8)), b;

    CHECK(WAIT_UNTIL(waiting(id, 0) == 1));
    b = START(handle(SIGALRM, on_alarm, SA_RESTART); alarm(1);
              _exit(op1(id, 0, -1, 0) == -1 && errno == EINTR ? 9 : 10));
    CHECK_EQ(status_of(b), EXITED(9));
    b = START(op1(id, 0, -1, 0));
    CHECK(WAIT_UNTIL(waiting(id, 0) == 2));
    CHECK_EQ(kill(b, SIGKILL), 0);
    CHECK_EQ(status_of(b), KILLED(SIGKILL));
    CHECK_EQ(waiting(id, 0), 1);
    end(id);
    CHECK_EQ(status_of(a), EXITED(7));
}

/* --- undo ------------------------------------------------------------------------- */

static void *takes_one(void *id)
{
    CHECK_EQ(op1((int)(long)id, 0, -1, SEM_UNDO), 0);
    return NULL;
}

static void undo(void)
{
    int id = make(3);
    pthread_t t;

    set(id, 0, 5);
    CHECK_EQ(CHILD(op1(id, 0, -2, SEM_UNDO); op1(id, 1, 3, SEM_UNDO)), 0);
    CHECK_EQ(val(id, 0), 5);
    CHECK_EQ(val(id, 1), 0);
    pid_t a = START(op1(id, 0, -5, SEM_UNDO); pause());
    CHECK(WAIT_UNTIL(val(id, 0) == 0));
    pid_t b = START(_exit(op1(id, 0, -4, 0) == 0 ? 3 : 4)); /* served by the end of the other */
    CHECK(WAIT_UNTIL(waiting(id, 0) == 1));
    kill(a, SIGKILL);
    CHECK_EQ(status_of(a), KILLED(SIGKILL));
    CHECK_EQ(status_of(b), EXITED(3));
    CHECK_EQ(val(id, 0), 1);
    /* not the child's of a fork */
    CHECK_EQ(CHILD(op1(id, 0, -1, SEM_UNDO); pid_t c = fork(); if (c == 0) _exit(0); status_of(c);
                   CHECK_EQ(val(id, 0), 0)),
             0);
    CHECK_EQ(val(id, 0), 1);
    /* of all threads together */
    set(id, 0, 2);
    CHECK_EQ(CHILD(pthread_create(&t, NULL, takes_one, (void *)(long)id); pthread_join(t, NULL);
                   CHECK_EQ(val(id, 0), 1)),
             0);
    CHECK_EQ(val(id, 0), 2);
    /* SETVAL forgets them */
    CHECK_EQ(CHILD(op1(id, 0, -1, SEM_UNDO); set(id, 0, 9)), 0);
    CHECK_EQ(val(id, 0), 9);
    /* values stay in their range */
    CHECK_EQ(CHILD(op1(id, 2, 9, SEM_UNDO); pid_t c = START(op1(id, 2, -5, 0)); status_of(c)), 0);
    CHECK_EQ(val(id, 2), 0);
    CHECK_EQ(CHILD(for (int i = 0; i < 2; i++) CHECK_EQ(op1(id, 2, 16384 - i, SEM_UNDO), 0);
                   op1(id, 2, -32767, 0); CHECK_ERR(ERANGE, op1(id, 2, 2, SEM_UNDO))),
             0);
    CHECK_EQ(val(id, 2), 0);
    /* a set that is gone is none of the end's business */
    CHECK_EQ(CHILD(int own = make(1); op1(own, 0, 1, SEM_UNDO); end(own);
                   CHECK_EQ(op1(id, 1, 1, SEM_UNDO), 0)),
             0);
    CHECK_EQ(val(id, 1), 0);
    end(id);
}

/* kept over exec: `true` ends, not the exec */
static void undo_exec(void)
{
    int id = make(1), p[2];

    set(id, 0, 1);
    CHECK_EQ(pipe(p), 0);
    pid_t a = START(op1(id, 0, -1, SEM_UNDO); dup2(p[0], 0); close(p[1]);
                    execlp("cat", "cat", (char *)NULL));
    close(p[0]);
    CHECK(WAIT_UNTIL(val(id, 0) == 0));
    msleep(50);
    CHECK_EQ(val(id, 0), 0);
    close(p[1]);
    CHECK_EQ(status_of(a), 0);
    CHECK_EQ(val(id, 0), 1);
    end(id);
}

/* --- rights and reports ------------------------------------------------------------ */

static void rights(void)
{
    int id = semget(IPC_PRIVATE, 1, 0640 | IPC_CREAT);
    struct semid_ds d;

    CHECK_EQ(CHILD(CHECK_EQ(setgid(1000), 0); CHECK_EQ(setuid(1000), 0);
                   CHECK_ERR(EACCES, semctl(id, 0, GETVAL)); CHECK_ERR(EACCES, op1(id, 0, 1, 0));
                   CHECK_ERR(EPERM, semctl(id, 0, IPC_RMID));
                   CHECK_ERR(EACCES, semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }))),
             0);
    CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }), 0);
    d.sem_perm.uid = 1000;
    d.sem_perm.mode = 0400;
    CHECK_EQ(semctl(id, 0, IPC_SET, (union semun){ .buf = &d }), 0);
    CHECK_EQ(CHILD(CHECK_EQ(setuid(1000), 0); CHECK_EQ(val(id, 0), 0);
                   CHECK_ERR(EACCES, op1(id, 0, 1, 0)); CHECK_EQ(semctl(id, 0, IPC_RMID), 0)),
             0);
    CHECK(semctl(id, 0, GETVAL) == -1);
}

static void reports(void)
{
    struct seminfo i;
    struct semid_ds d;
    int id = make(7), found = 0;

    int top = semctl(0, 0, IPC_INFO, (union semun){ .info = &i });
    CHECK(top >= 0);
    SAY("%d %d %d %d %d\n", i.semmni, i.semmns, i.semmsl, i.semopm, i.semvmx);
    CHECK(semctl(0, 0, SEM_INFO, (union semun){ .info = &i }) == top);
    CHECK(i.semusz >= 1 && i.semaem >= 7);
    for (int at = 0; at <= top; at++)
        if (semctl(at, 0, SEM_STAT, (union semun){ .buf = &d }) == id) {
            found++;
            CHECK_EQ(d.sem_nsems, 7);
            CHECK_EQ(semctl(at, 0, SEM_STAT_ANY, (union semun){ .buf = &d }), id);
        }
    CHECK_EQ(found, 1);
    char want[100];
    snprintf(want, sizeof want, " %10d   600          7     0     0     0     0          0 ", id);
    CHECK(strstr(slurp("/proc/sysvipc/sem"), want) != NULL);
    SAY("%.*s\n", (int)strcspn(slurp("/proc/sysvipc/sem"), "\n"), slurp("/proc/sysvipc/sem"));
    SAY("%s", slurp("/proc/sys/kernel/sem"));
    end(id);
}

static void test(void)
{
    keys();
    values();
    all_or_none();
    waits();
    in_order();
    ends();
    undo();
    undo_exec();
    rights();
    reports();
}
