/* smp.c - how much do several CPUs do together?  `smp WHAT WORKERS MS` lets so many
 * processes do the same independently for so long and prints what all did in a second:
 *
 *   compute   nothing but arithmetic: what the host gives
 *   fork      fork, exit, wait
 *   vfork     vfork, exec, exit, wait
 *   pair      one byte to a child and back, by two pipes
 *   stream    blocks of 4 KiB to a child, which reads them; both touch each word */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK       4096
#define MAX_WORKERS 64

struct shared {
    volatile int go;
    struct {
        volatile long done;
        char apart[120];
    } worker[MAX_WORKERS];
};

static char *ends_at_once[] = { "smp", "--child", NULL };
static long end_ns;
static volatile long *done;

static long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    _exit(1);
}

/* -1: any child. */
static void reap(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) < 0 || status != 0)
        fail("child");
}

static void compute(void)
{
    for (volatile int i = 0; i < 10000; i++)
        ;
}

static void by_fork(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    if (pid < 0)
        fail("fork");
    reap(pid);
}

static void by_vfork(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        execv("/proc/self/exe", ends_at_once);
        _exit(1);
    }
    reap(pid);
}

static void pair(void)
{
    int to[2], from[2];
    char byte = 0;

    if (pipe(to) != 0 || pipe(from) != 0)
        fail("pipe");
    if (fork() == 0) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1)
            if (write(from[1], &byte, 1) != 1)
                break;
        _exit(0);
    }
    while (now_ns() < end_ns) {
        if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
            fail("pair");
        ++*done;
    }
}

static void touch(long *words)
{
    for (size_t i = 0; i < BLOCK / sizeof(long); i++)
        words[i]++;
}

static void stream(void)
{
    static long words[BLOCK / sizeof(long)];
    int to[2];

    if (pipe(to) != 0)
        fail("pipe");
    if (fork() == 0) {
        close(to[1]);
        while (read(to[0], words, BLOCK) > 0)
            touch(words);
        _exit(0);
    }
    while (now_ns() < end_ns) {
        touch(words);
        if (write(to[1], words, BLOCK) != BLOCK)
            fail("stream");
        ++*done;
    }
}

/* once: one operation; else it goes on until end_ns by itself. */
static const struct kind {
    const char *name;
    void (*run)(void);
    int once;
} kinds[] = {
    { "compute", compute, 1 }, { "fork", by_fork, 1 },  { "vfork", by_vfork, 1 },
    { "pair", pair, 0 },       { "stream", stream, 0 },
};

static void work(const struct kind *kind, struct shared *s, int nr, long ms)
{
    done = &s->worker[nr].done;
    while (!s->go)
        usleep(1000);
    end_ns = now_ns() + ms * 1000000;
    if (!kind->once)
        kind->run();
    else
        for (; now_ns() < end_ns; ++*done)
            kind->run();
    _exit(0);
}

int main(int argc, char **argv)
{
    const struct kind *kind = NULL;

    if (argc == 2 && strcmp(argv[1], ends_at_once[1]) == 0)
        return 0;
    for (size_t i = 0; argc == 4 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            kind = &kinds[i];
    int workers = kind != NULL ? atoi(argv[2]) : 0;
    if (workers < 1 || workers > MAX_WORKERS) {
        fprintf(stderr, "usage: smp compute|fork|vfork|pair|stream WORKERS MS\n");
        return 2;
    }
    struct shared *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        fail("mmap");
    for (int i = 0; i < workers; i++)
        if (fork() == 0)
            work(kind, s, i, atol(argv[3]));
    usleep(20000);
    long from = now_ns(), sum = 0;
    s->go = 1;
    for (int i = 0; i < workers; i++)
        reap(-1);
    for (int i = 0; i < workers; i++)
        sum += s->worker[i].done;
    printf("%.0f\n", sum * 1e9 / (now_ns() - from));
    return 0;
}
