/* threads.h - what the programs about threads share, on top of check.h. */
#ifndef TESTS_ABI_THREADS_H
#define TESTS_ABI_THREADS_H

#include "check.h"
#include <pthread.h>
#include <stddef.h>

/* Linux's headers are not there for musl. */
enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET,
    FUTEX_PRIVATE_FLAG = 128,
    FUTEX_CLOCK_REALTIME = 256,
    FUTEX_WAIT_PRIVATE = FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
    FUTEX_WAKE_PRIVATE = FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
};
#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u

struct robust_list {
    struct robust_list *next;
};
struct robust_list_head {
    struct robust_list list;
    long futex_offset;
    struct robust_list *list_op_pending;
};

__attribute__((unused)) static pid_t my_tid(void) { return syscall(SYS_gettid); }

__attribute__((unused)) static pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, fn, arg), 0);
    return thread;
}

__attribute__((unused)) static long join(pthread_t thread)
{
    void *value = NULL;

    CHECK_EQ(pthread_join(thread, &value), 0);
    return (long)value;
}

/* The number of the system call in which a task sleeps; -1 while it runs, or is gone. */
__attribute__((unused)) static long sleeps_in(pid_t pid, pid_t tid)
{
    char path[64], text[256];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return -1;
    text[len] = '\0';
    return text[0] >= '0' && text[0] <= '9' ? strtol(text, NULL, 10) : -1;
}

/* Waits until the thread, whose TID appears in *tid, sleeps in system call nr. */
__attribute__((unused)) static int wait_asleep(volatile pid_t *tid, long nr)
{
    return WAIT_UNTIL(*tid != 0 && sleeps_in(getpid(), *tid) == nr);
}

__attribute__((unused)) static struct timespec after_ms(clockid_t clock, long ms)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

__attribute__((unused)) static long futex(volatile void *at, int op, uint32_t val,
                                          const void *timeout, volatile void *at2, uint32_t val3)
{
    return syscall(SYS_futex, at, op, val, timeout, at2, val3);
}

#endif
