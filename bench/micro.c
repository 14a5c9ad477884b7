/* micro.c - what do single operations cost?  The same static binary runs on any
 * Linux-compatible kernel.
 *
 *     micro [-n ROUNDS] [-m MB[,MB...]] [OPERATION...]
 *
 * One line per operation and parent size: name, MB, then the median over ROUNDS
 * rounds of what one operation took, in ticks of the time stamp counter and in
 * nanoseconds.  In QEMU with -icount shift=0 a tick is one instruction, so the
 * figure is exact there and the same in every run.
 *
 * Each round repeats its operation REPEAT times between two readings of the
 * counter; the loop itself is some instructions of user code.  MB is how much
 * anonymous memory, every page written, the process has besides its own; only
 * what creates processes is measured at more than the first size, and again only
 * where there is room.  An operation that the kernel does not know (ENOSYS) or that
 * fails is named with its error instead of figures. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE       4096u
#define MAX_ROUNDS 1000
#define CHILD_WORD "--child"
#define FAULTS     64 /* pages a round of the fault operations touches */

extern char **environ;

static int null_fd, zero_fd, there[2], back[2], self_pipe[2];
static char *pages;
static char *memory; /* the parent's, `bytes` of it, every page written */
static size_t bytes;
static char *child_argv[] = { "micro", CHILD_WORD, NULL };

static uint64_t ticks(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

static uint64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- the operations: 0, or an errno ------------------------------------------- */

static int failed_unless(int holds) { return holds ? 0 : errno ? errno : EIO; }

static int null_call(void) { return failed_unless(syscall(SYS_getppid) >= 0); }

static int read_one(void)
{
    char c;
    return failed_unless(read(zero_fd, &c, 1) == 1);
}

static int write_one(void) { return failed_unless(write(null_fd, "x", 1) == 1); }

static int pipe_io(void)
{
    char c;
    return failed_unless(write(self_pipe[1], "x", 1) == 1 && read(self_pipe[0], &c, 1) == 1);
}

static int pipe_round_trip(void)
{
    char c;
    return failed_unless(write(there[1], "x", 1) == 1 && read(back[0], &c, 1) == 1);
}

static char *anonymous(size_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static int map_unmap(void)
{
    char *p = anonymous(PAGE);
    return failed_unless(p != NULL && munmap(p, PAGE) == 0);
}

static int touch_pages(void)
{
    for (unsigned i = 0; i < FAULTS; i++)
        ((volatile char *)pages)[i * PAGE] = 1;
    return 0;
}

static volatile sig_atomic_t handled;
static void handler(int signo) { handled += signo != 0; }

static int signal_self(void)
{
    sig_atomic_t before = handled;
    return failed_unless(syscall(SYS_kill, getpid(), SIGUSR1) == 0 && handled == before + 1);
}

static int reap(pid_t pid)
{
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return errno;
    return failed_unless((errno = 0, status == 0));
}

static int fork_exit(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return reap(pid);
}

static void write_pages(char *p, size_t n, size_t step)
{
    for (size_t at = 0; at < n; at += step)
        ((volatile char *)p)[at]++;
}

/* The child writes one page in every 2 MiB. */
static int fork_touch(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        write_pages(memory, bytes, 2u << 20);
        _exit(0);
    }
    return reap(pid);
}

/* Both write every page, the child while the parent has its own as they were. */
static int fork_write(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        write_pages(memory, bytes, PAGE);
        _exit(0);
    }
    int err = reap(pid);
    write_pages(memory, bytes, PAGE);
    return err;
}

static int fork_exec(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execve("/proc/self/exe", child_argv, environ);
        _exit(127);
    }
    return reap(pid);
}

static int vfork_exit(void)
{
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    return reap(pid);
}

static int vfork_exec(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execve("/proc/self/exe", child_argv, environ);
        _exit(127);
    }
    return reap(pid);
}

static int spawn_exec(void)
{
    pid_t pid;
    int err = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, child_argv, environ);
    return err != 0 ? err : reap(pid);
}

static void *nothing(void *arg) { return arg; }

static int thread_create(void)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, nothing, NULL);
    return err != 0 ? err : pthread_join(thread, NULL);
}

/* --- what a round needs before and after, outside the measurement -------------- */

static pid_t partner;

static int partner_start(void)
{
    if (pipe(there) != 0 || pipe(back) != 0 || (partner = fork()) < 0)
        return errno;
    if (partner == 0) {
        char c;
        close(there[1]);
        while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
            ;
        _exit(0);
    }
    return 0;
}

static void partner_end(void)
{
    close(there[1]);
    reap(partner);
    close(there[0]);
    close(back[0]);
    close(back[1]);
}

static int fresh_pages(void) { return failed_unless((pages = anonymous(FAULTS * PAGE)) != NULL); }
static void drop_pages(void) { munmap(pages, FAULTS * PAGE); }

/* As much memory as the parent has, fresh. */
static int fresh_memory(void) { return failed_unless((pages = anonymous(bytes)) != NULL); }
static void drop_memory(void) { munmap(pages, bytes); }

static int first_touch(void)
{
    write_pages(pages, bytes, PAGE);
    return 0;
}

static pid_t sharer;

/* Written pages that a child holds, too: the next write to each copies. */
static int shared_pages(void)
{
    char c;
    if (fresh_pages() != 0 || touch_pages() != 0 || pipe(there) != 0)
        return errno;
    sharer = fork();
    if (sharer == 0) {
        close(there[1]);
        _exit(read(there[0], &c, 1) != 0);
    }
    return failed_unless(sharer > 0);
}

static void drop_shared_pages(void)
{
    close(there[1]);
    reap(sharer);
    close(there[0]);
    drop_pages();
}

/* A process with that much memory of its own, which ends when it is told to. */
static int grown_child(void)
{
    char c;
    if (pipe(there) != 0 || pipe(back) != 0)
        return errno;
    sharer = fork();
    if (sharer == 0) {
        close(there[1]);
        munmap(memory, bytes);
        if ((pages = anonymous(bytes)) == NULL)
            _exit(1);
        write_pages(pages, bytes, PAGE);
        _exit(write(back[1], "x", 1) != 1 || read(there[0], &c, 1) != 0);
    }
    return failed_unless(sharer > 0 && read(back[0], &c, 1) == 1);
}

static int exit_grown(void)
{
    close(there[1]);
    return reap(sharer);
}

static void drop_pipes(void)
{
    close(there[0]);
    close(back[0]);
    close(back[1]);
}

static const struct operation {
    const char *name;
    int (*run)(void);
    unsigned repeat;  /* how often per round */
    unsigned per_run; /* how many operations one run is */
    int (*before)(void);
    void (*after)(void);
    int sized; /* does it depend on the parent's memory? */
} operations[] = {
    { "null_call", null_call, 100, 1, NULL, NULL, 0 },
    { "read", read_one, 100, 1, NULL, NULL, 0 },
    { "write", write_one, 100, 1, NULL, NULL, 0 },
    { "pipe_io", pipe_io, 50, 2, NULL, NULL, 0 },
    { "pipe_round_trip", pipe_round_trip, 20, 1, partner_start, partner_end, 0 },
    { "page_fault", touch_pages, 1, FAULTS, fresh_pages, drop_pages, 0 },
    { "cow_fault", touch_pages, 1, FAULTS, shared_pages, drop_shared_pages, 0 },
    { "mmap_munmap", map_unmap, 50, 1, NULL, NULL, 0 },
    { "signal", signal_self, 20, 1, NULL, NULL, 0 },
    { "thread_create", thread_create, 5, 1, NULL, NULL, 0 },
    { "fork_exit", fork_exit, 2, 1, NULL, NULL, 1 },
    { "vfork_exit", vfork_exit, 5, 1, NULL, NULL, 1 },
    { "fork_exec", fork_exec, 2, 1, NULL, NULL, 1 },
    { "vfork_exec", vfork_exec, 2, 1, NULL, NULL, 1 },
    { "posix_spawn", spawn_exec, 2, 1, NULL, NULL, 1 },
    { "fork_touch", fork_touch, 1, 1, NULL, NULL, 1 },
    { "fork_write", fork_write, 1, 1, NULL, NULL, 1 },
    { "first_touch", first_touch, 1, 1, fresh_memory, drop_memory, 1 },
    { "exit", exit_grown, 1, 1, grown_child, drop_pipes, 1 },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* --- measuring ------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof(*values), by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int round_of(const struct operation *op, double *tsc, double *ns)
{
    int err = op->before != NULL ? op->before() : 0;
    if (err != 0)
        return err;
    uint64_t ns0 = nanoseconds(), tsc0 = ticks();
    for (unsigned i = 0; i < op->repeat && err == 0; i++)
        err = op->run();
    uint64_t tsc1 = ticks(), ns1 = nanoseconds();
    if (op->after != NULL)
        op->after();
    double n = (double)op->repeat * op->per_run;
    *tsc = (double)(tsc1 - tsc0) / n;
    *ns = (double)(ns1 - ns0) / n;
    return err;
}

/* The first round warms up: pages, caches, links. */
static void measure(const struct operation *op, unsigned long mb, unsigned rounds)
{
    static double tsc[MAX_ROUNDS], ns[MAX_ROUNDS];
    int err = round_of(op, &tsc[0], &ns[0]);

    for (unsigned i = 0; i < rounds && err == 0; i++)
        err = round_of(op, &tsc[i], &ns[i]);
    if (err != 0)
        printf("%s %lu - %s\n", op->name, mb, strerror(err));
    else
        printf("%s %lu %.1f %.1f\n", op->name, mb, median(tsc, rounds), median(ns, rounds));
    fflush(stdout);
}

static int chosen(const struct operation *op, char **names)
{
    if (*names == NULL)
        return 1;
    for (; *names != NULL; names++) {
        if (strcmp(*names, op->name) == 0)
            return 1;
    }
    return 0;
}

static int usage(void)
{
    fputs("usage: micro [-n ROUNDS] [-m MB[,MB...]] [OPERATION...]; operations:", stderr);
    for (size_t i = 0; i < OPERATIONS; i++)
        fprintf(stderr, " %s", operations[i].name);
    fputc('\n', stderr);
    return 2;
}

static void one_size(unsigned long mb, int first, unsigned rounds, char **names)
{
    bytes = mb << 20;
    memory = mb != 0 ? anonymous(bytes) : NULL;

    for (size_t at = 0; memory != NULL && at < bytes; at += PAGE)
        memory[at] = 1;
    for (size_t i = 0; i < OPERATIONS; i++) {
        const struct operation *op = &operations[i];
        if (!chosen(op, names) || (!first && !op->sized))
            continue;
        if (mb != 0 && memory == NULL)
            printf("%s %lu - %s\n", op->name, mb, strerror(ENOMEM));
        else
            measure(op, mb, rounds);
    }
    if (memory != NULL)
        munmap(memory, bytes);
}

int main(int argc, char **argv)
{
    unsigned long rounds = 11;
    char *sizes = "0", *end;
    int c;

    if (argc == 2 && strcmp(argv[1], CHILD_WORD) == 0)
        _exit(0);
    while ((c = getopt(argc, argv, "n:m:")) != -1) {
        if (c == 'n')
            rounds = strtoul(optarg, &end, 10);
        else if (c == 'm')
            sizes = optarg;
        else
            return usage();
    }
    if (rounds < 1 || rounds > MAX_ROUNDS)
        return usage();
    null_fd = open("/dev/null", O_WRONLY);
    zero_fd = open("/dev/zero", O_RDONLY);
    if (null_fd < 0 || zero_fd < 0 || pipe(self_pipe) != 0 || signal(SIGUSR1, handler) == SIG_ERR) {
        perror("micro");
        return 1;
    }
    for (char *at = sizes;; at = end + 1) {
        unsigned long mb = strtoul(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0'))
            return usage();
        one_size(mb, at == sizes, (unsigned)rounds, argv + optind);
        if (*end == '\0')
            return 0;
    }
}
