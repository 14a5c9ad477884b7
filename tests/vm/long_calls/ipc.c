/* ipc.c - semaphores, messages and segments, as many as there may be. */
#include "tests/vm/long_calls/calls.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <linux/keyctl.h> */
#define SESSION_RING  -3
#define KEYCTL_UNLINK 9
#define KEYCTL_READ   11

static int sems;

static int semaphores(int n)
{
    int id = semget(IPC_PRIVATE, n, 0600);
    NEED(id >= 0);
    return id;
}
static void in_sem_values(void)
{
    static unsigned short v[32000];
    int id = semaphores(32000);
    GO(semctl(id, 0, GETALL, v); semctl(id, 0, SETALL, v));
}
/* One operation for many that wait, of whom each is looked at, again after each that goes on. */
static void in_sem_wake(void)
{
    static struct sembuf wait[100];
    int id = semaphores(2);
    for (int i = 0; i < 100; i++)
        wait[i] = (struct sembuf){ 0, i == 99 ? -1 : 0, 0 };
    NEED(semctl(id, 0, SETVAL, 1) == 0);
    tasks(400, CLONE_VM | SIGCHLD, (struct forever){ SYS_semop, id, (long)wait, 100, 0 });
    GO(semctl(id, 1, SETVAL, 1));
}
static void in_sem_end(void)
{
    static const struct sembuf wait = { 0, -1, 0 };
    sems = semaphores(1);
    tasks(crowd / 4, CLONE_VM | SIGCHLD, (struct forever){ SYS_semop, sems, (long)&wait, 1, 0 });
    again = false;
    GO(semctl(sems, 0, IPC_RMID));
}
static void in_sem_undo(void)
{
    for (int i = 0; i < 300; i++) {
        struct sembuf op = { 1999, 1, SEM_UNDO };
        int id = semaphores(2000);
        NEED(semop(id, &op, 1) == 0);
    }
    again = false;
    GO(_exit(0));
}
static void in_msg_end(void)
{
    struct {
        long type;
    } m = { 1 };
    int id = msgget(IPC_PRIVATE, 0600);
    for (int i = 0; i < 16384; i++)
        NEED(msgsnd(id, &m, 0, IPC_NOWAIT) == 0);
    again = false;
    GO(msgctl(id, IPC_RMID, NULL));
}
static void in_msg_search(void)
{
    struct {
        long type;
    } m = { 1 };
    int id = msgget(IPC_PRIVATE, 0600);
    for (int i = 0; i < 16384; i++)
        NEED(msgsnd(id, &m, 0, IPC_NOWAIT) == 0);
    GO(msgrcv(id, &m, 0, 2, IPC_NOWAIT); msgrcv(id, &m, 0, -5, MSG_NOERROR); m.type = 1;
       msgsnd(id, &m, 0, IPC_NOWAIT));
}
static void in_shm_end(void)
{
    int id = shmget(IPC_PRIVATE, big, 0600);
    char *a = shmat(id, NULL, 0);
    for (size_t i = 0; i < big; i += PAGE)
        a[i] = 1;
    NEED(shmctl(id, IPC_RMID, NULL) == 0);
    again = false;
    GO(shmdt(a));
}
static void in_shm_info(void)
{
    struct shm_info i;
    for (int n = 0; n < 4000; n++)
        NEED(shmget(IPC_PRIVATE, PAGE, 0600) >= 0);
    GO(shmctl(0, SHM_INFO, (void *)&i));
}

/* A ring with many keys. */
static long ring(void)
{
    char name[16];
    long ring = syscall(SYS_add_key, "keyring", "ring", NULL, 0, SESSION_RING);

    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof(name), "%d", i);
        NEED(syscall(SYS_add_key, "user", name, name, 1, ring) > 0);
    }
    return ring;
}
static void in_ring_read(void)
{
    static int keys[1500];
    long of = ring();
    GO(syscall(SYS_keyctl, KEYCTL_READ, of, keys, sizeof(keys)));
}
static void in_ring_end(void)
{
    long of = ring();
    again = false;
    GO(syscall(SYS_keyctl, KEYCTL_UNLINK, of, SESSION_RING));
}

const struct call ipc_calls[] = {
    CALL(sem_values), CALL(sem_wake),   CALL(sem_end), CALL(sem_undo),
    CALL(msg_end),    CALL(msg_search), CALL(shm_end), CALL(shm_info),
    CALL(ring_read),  CALL(ring_end),   { 0 },
};
