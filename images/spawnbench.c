/* spawnbench.c - what does it cost to create a process, and does that depend
 * on how much memory the parent has?
 *
 *     spawnbench [-n COUNT] [-m MB[,MB...]] [METHOD...]
 *
 * For each parent size and method, COUNT times: create a child that ends at
 * once ("exit") or becomes a program that does ("exec"), and wait for it.  The
 * table shows the median and the least time of one such round in microseconds,
 * the time until the parent runs again included in both.
 *
 * Methods: copy and share (fork that copies page tables, fork that shares them, where the kernel
 * has both; elsewhere they are left out), fork (as this process has it), vfork, clone
 * (CLONE_VM|CLONE_VFORK, with a stack of its own), spawn (posix_spawn; always with exec).  Without
 * METHOD: copy and share, or fork where there is only that, and the others. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../shared/prctl.h"

#define SELF       "/proc/self/exe"
#define CHILD_WORD "--child"
#define MAX_COUNT  100000

extern char **environ;

static char *child_argv[] = { "spawnbench", CHILD_WORD, NULL };
static char clone_stack[64 * 1024] __attribute__((aligned(16)));

static void child_body(int with_exec)
{
    if (with_exec)
        execve(SELF, child_argv, environ);
    _exit(with_exec ? 127 : 0);
}

static int clone_child(void *arg)
{
    child_body(arg != NULL);
    return 0;
}

static pid_t by_fork(int with_exec)
{
    pid_t pid = fork();

    if (pid == 0)
        child_body(with_exec);
    return pid;
}

static pid_t by_vfork(int with_exec)
{
    pid_t pid = vfork();

    if (pid == 0)
        child_body(with_exec);
    return pid;
}

static pid_t by_clone(int with_exec)
{
    return clone(clone_child, clone_stack + sizeof(clone_stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
                 with_exec ? clone_stack : NULL);
}

static pid_t by_spawn(int with_exec)
{
    pid_t pid;

    (void)with_exec;
    errno = posix_spawn(&pid, SELF, NULL, NULL, child_argv, environ);
    return errno == 0 ? pid : -1;
}

static const struct method {
    const char *name;
    pid_t (*create)(int with_exec);
    int can_exit;
    int tables; /* FORK_TABLES_*; -1: as they are */
} methods[] = {
    { "copy", by_fork, 1, FORK_TABLES_COPY },
    { "share", by_fork, 1, FORK_TABLES_SHARE },
    { "fork", by_fork, 1, -1 },
    { "vfork", by_vfork, 1, -1 },
    { "clone", by_clone, 1, -1 },
    { "spawn", by_spawn, 0, -1 },
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

static long nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static long one_round(const struct method *method, int with_exec)
{
    int status;
    long start = nanoseconds();
    pid_t pid = method->create(with_exec);

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "spawnbench: %s: %s\n", method->name,
                pid < 0 ? strerror(errno) : "the child failed");
        exit(1);
    }
    return nanoseconds() - start;
}

static int by_value(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;

    return (x > y) - (x < y);
}

static void measure(const struct method *method, int with_exec, int mb, int count, long *times)
{
    one_round(method, with_exec); /* the first one brings pages in */
    for (int i = 0; i < count; i++)
        times[i] = one_round(method, with_exec);
    qsort(times, count, sizeof(times[0]), by_value);
    printf("%8d  %-6s %-5s %10.1f %10.1f\n", mb, method->name, with_exec ? "exec" : "exit",
           times[count / 2] / 1000.0, times[0] / 1000.0);
    fflush(stdout);
}

/* Makes the process mb megabytes bigger, every page written to.  In small pages: of huge ones a fork that
 * copies has one entry each to write, too, and there would be nothing to compare. */
static char *grow(int mb)
{
    size_t bytes = (size_t)mb << 20;
    char *memory =
        mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        fprintf(stderr, "spawnbench: %d MB: %s\n", mb, strerror(errno));
        exit(1);
    }
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < bytes; at += 4096)
        memory[at] = 1;
    return memory;
}

/* The setting that the kernel has for this process; -1: it has no such thing. */
static int tables_now(void) { return prctl(PR_GET_FORK_TABLES, 0, 0, 0, 0); }

static int wanted(const struct method *method, char **names)
{
    int has_both = tables_now() >= 0;

    if (method->tables >= 0 && !has_both)
        return 0;
    if (*names == NULL)
        return method->tables >= 0 || !has_both || method->create != by_fork;
    for (; *names != NULL; names++)
        if (strcmp(*names, method->name) == 0)
            return 1;
    return 0;
}

static void both_ends(const struct method *method, int mb, int count, long *times)
{
    int before = tables_now();

    if (method->tables >= 0)
        prctl(PR_SET_FORK_TABLES, method->tables, 0, 0, 0);
    if (method->can_exit)
        measure(method, 0, mb, count, times);
    measure(method, 1, mb, count, times);
    if (method->tables >= 0)
        prctl(PR_SET_FORK_TABLES, before, 0, 0, 0);
}

static void usage(void)
{
    fprintf(stderr, "usage: spawnbench [-n COUNT] [-m MB[,MB...]] "
                    "[copy|share|fork|vfork|clone|spawn]...\n");
    exit(2);
}

static void check_names(char **names)
{
    for (; *names != NULL; names++) {
        size_t i = 0;
        while (i < METHODS && strcmp(*names, methods[i].name) != 0)
            i++;
        if (i == METHODS)
            usage();
    }
}

int main(int argc, char **argv)
{
    const char *sizes = "1,16,64";
    int count = 100, option;

    if (argc == 2 && strcmp(argv[1], CHILD_WORD) == 0)
        return 0;
    while ((option = getopt(argc, argv, "n:m:")) != -1) {
        if (option == 'n')
            count = atoi(optarg);
        else if (option == 'm')
            sizes = optarg;
        else
            usage();
    }
    if (count < 1 || count > MAX_COUNT)
        usage();
    check_names(argv + optind);
    long *times = malloc(count * sizeof(times[0]));
    if (times == NULL)
        return 1;

    printf("size, MB  method then    median us   least us\n");
    for (const char *at = sizes; *at != '\0'; at += *at == ',') {
        char *end;
        long mb = strtol(at, &end, 10);
        if (end == at || mb < 0 || mb > 1 << 20 || (*end != ',' && *end != '\0'))
            usage();
        at = end;
        char *memory = grow(mb);
        for (size_t i = 0; i < METHODS; i++)
            if (wanted(&methods[i], argv + optind))
                both_ends(&methods[i], mb, count, times);
        munmap(memory, ((size_t)mb << 20) + 1);
    }
    free(times);
    return 0;
}
