/* stress.h - storms of processes, threads and memory, in one program.
 *
 * A storm is a function that works until its time is over and checks its own results:
 * FAIL says what is wrong, counts, and goes on.  What it does depends on its seed only, up to
 * what the scheduler decides.  It may be called again and again, and leaves no process,
 * thread, mapping or descriptor. */
#ifndef TESTS_STRESS_H
#define TESTS_STRESS_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE          4096L
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define EXITED(code)  ((code) << 8)

struct rng {
    uint64_t state;
};

struct storm {
    const char *name;
    void (*run)(void);
};
extern const struct storm process_storms[], memory_storms[], sync_storms[]; /* name NULL: end */

void rng_start(struct rng *r, unsigned worker); /* of this storm: by seed and worker */
uint32_t rng(struct rng *r, uint32_t below);
int go_on(void);       /* until the storm's time is over */
void done(unsigned n); /* rounds, of whichever process or thread */

void fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define FAIL(...) fail(__FILE__, __LINE__, __VA_ARGS__)
#define MUST(...) ((__VA_ARGS__) ? (void)0 : FAIL("%s (errno %d)", #__VA_ARGS__, errno))

int status_of(pid_t pid); /* waits for this one; -1: no such child */
/* Runs fn in n processes (at most 16) until each returns. */
void in_processes(int n, void (*fn)(struct rng *r));
void *map_shared(size_t bytes);
void *map_private(size_t bytes);
pthread_t thread_start(void *(*fn)(void *), void *arg);
void thread_join(pthread_t t);
void pause_us(unsigned us);
/* Sometimes moves this thread to another CPU, and keeps it there: threads of one process
 * would otherwise stay together where every CPU has something to do. */
void wander(struct rng *r);
void go_to_cpu(unsigned n); /* of those there are, modulo */
long futex(volatile void *at, int op, uint32_t val, const void *timeout, volatile void *at2,
           uint32_t val3);

#endif
