/* ipc.c - System V semaphores, messages and shared memory. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

/* Many semaphores, so that a set and what undoes it are in several pieces. */
static int do_semaphores(void)
{
    struct sembuf op = { 1999, 1, SEM_UNDO };
    int id = semget(IPC_PRIVATE, 2000, 0600), err = 0;
    if (id < 0)
        return -errno;
    if (semop(id, &op, 1) != 0)
        err = -errno;
    UNDO(semctl(id, 0, IPC_RMID));
    return err;
}

/* Two that share what is undone; the process ends with it. */
static int do_semaphore_undo(void)
{
    struct sembuf ops[20] = { { 0, 1, SEM_UNDO }, { 0, -1, 0 } };
    int id = semget(IPC_PRIVATE, 1, 0600), err = 0;
    if (id < 0)
        return -errno;
    for (int i = 2; i < 20; i++)
        ops[i] = ops[i % 2];
    if (semop(id, ops, 20) != 0)
        err = -errno;
    UNDO(semctl(id, 0, IPC_RMID));
    return err;
}

static int do_message(void)
{
    static struct {
        long type;
        char text[8192];
    } m = { .type = 1 };
    int id = msgget(IPC_PRIVATE, 0600), err = 0;
    if (id < 0)
        return -errno;
    if (msgsnd(id, &m, sizeof(m.text), 0) != 0)
        err = -errno;
    else if (msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) != sizeof(m.text))
        err = -EPROTO;
    UNDO(msgctl(id, IPC_RMID, NULL));
    return err;
}

static int do_shared_memory(void)
{
    int id = shmget(0x5eed, 3 * PAGE, 0600 | IPC_CREAT | IPC_EXCL), err = 0;
    if (id < 0)
        return -errno;
    char *a = shmat(id, NULL, 0);
    if (a == (void *)-1)
        err = -errno;
    UNDO(if (err == 0) shmdt(a); shmctl(id, IPC_RMID, NULL));
    return err;
}

const struct op ipc_ops[] = {
    { "semaphores", do_semaphores, 0 },
    { "semaphore undo", do_semaphore_undo, 0 },
    { "message", do_message, 0 },
    { "shared memory", do_shared_memory, 0 },
    { 0 },
};
