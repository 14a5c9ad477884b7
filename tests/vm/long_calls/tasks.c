/* tasks.c - processes and threads by the thousand; fork, exec, exit, cores. */
#include "tests/vm/long_calls/calls.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FUTEX_WAIT_PRIVATE = 128,
    FUTEX_WAKE_PRIVATE = 129,
    FUTEX_CMP_REQUEUE_PRIVATE = 132,
    FUTEX_WAKE_BITSET_PRIVATE = 138
};

#define A_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

static void in_fork(void)
{
    memory(big, true);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}
static void in_exit(void)
{
    memory(2 * big, true);
    again = false;
    GO();
}
static void in_mappings_fork(void)
{
    mappings(many);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}
static char **strings(unsigned n, size_t bytes)
{
    char **v = calloc(n + 1, sizeof(*v)), *s = calloc(1, bytes);
    memset(s, 'a', bytes - 1);
    for (unsigned i = 0; i < n; i++)
        v[i] = s;
    return v;
}
static void in_argv(void)
{
    char **v = strings(8, 120000);
    v[0] = "true";
    struct rlimit r = { 64 * MB, 64 * MB };
    setrlimit(RLIMIT_STACK, &r);
    GO(if (again || fork() == 0) execve("/nothing", v, v);
       execve(again ? "/no" : "/bin/true", v, NULL));
}
static void in_argv_many(void)
{
    char **v = strings(60000, 4);
    v[0] = "true";
    struct rlimit r = { 64 * MB, 64 * MB };
    setrlimit(RLIMIT_STACK, &r);
    GO(execve(again ? "/no" : "/bin/true", v, NULL));
}
static void in_proc_args(void)
{
    static char b[MB];
    char **v = strings(7, 120000);
    struct rlimit r = { 64 * MB, 64 * MB };
    char name[64];
    setrlimit(RLIMIT_STACK, &r);
    pid_t p = vfork();
    if (p == 0) {
        char *sleeps[] = { "sleep", "1000", NULL };
        execve("/bin/sleep", sleeps, v);
        _exit(1);
    }
    snprintf(name, sizeof(name), "/proc/%d/environ", p);
    int f = dev(name, O_RDONLY);
    GO(NEED(pread(f, b, sizeof(b), 0) > 0));
    kill(p, SIGKILL);
}
static void in_execve_old(void)
{
    memory(big, true);
    again = false;
    GO(execl("/bin/true", "true", NULL));
}
static void in_wait(void)
{
    children(crowd);
    GO(waitpid(-1, NULL, WNOHANG); getpriority(PRIO_PGRP, 0); setpriority(PRIO_PGRP, 0, 1));
}
static void in_children_exit(void)
{
    children(crowd);
    again = false;
    GO(_exit(0));
}
static void *ends(void *arg) { return arg; }
static void in_children_thread(void) /* whose maker ends, of a process that goes on */
{
    pthread_t t;
    children(crowd);
    GO(pthread_create(&t, NULL, ends, NULL); pthread_join(t, NULL));
}
static void in_family(void) /* groups and sessions, asked for and changed */
{
    children(crowd);
    again = false;
    pid_t p = fork();
    if (p == 0) {
        GO(setpgid(0, 0); setsid());
        _exit(0);
    }
    GO(waitpid(p, NULL, 0); setpgid(p, p); getpgid(p); getsid(p));
}
static void in_threads_exit(void)
{
    threads(crowd);
    again = false;
    GO(_exit(0));
}
static void in_threads_exec(void)
{
    threads(crowd);
    again = false;
    GO(execl("/bin/true", "true", NULL));
}
static void in_threads_children(void)
{
    threads(crowd / 2);
    children(crowd / 2);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}
static void in_wake_pipe(void)
{
    int e[2];
    static char c[1];
    NEED(pipe(e) == 0);
    tasks(crowd, A_THREAD, (struct forever){ SYS_read, e[0], (long)c, 1, 0 });
    GO(write(e[1], "x", 1); sched_yield());
}
static void in_wake_wait(void)
{
    children(1);
    tasks(crowd, A_THREAD, (struct forever){ SYS_wait4, -1, 0, 0, 0 });
    GO(pid_t p = fork(); if (p == 0) _exit(0); sched_yield());
}
static uint32_t word, other;
static void wait_in_futex(void)
{
    tasks(crowd, A_THREAD, (struct forever){ SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 0, 0 });
}
static void in_futex(void)
{
    wait_in_futex();
    GO(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 0, crowd, &other, 0);
       syscall(SYS_futex, &other, FUTEX_WAKE_PRIVATE, crowd, NULL, NULL, 0); sched_yield());
}
static void in_futex_nobody(void)
{
    wait_in_futex();
    GO(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, crowd, NULL, NULL, 0x80000000));
}
/* A child that leaves a core. */
static void dump(void (*prepare)(void))
{
    struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
    int status;
    NEED(chdir("/tmp") == 0 && setrlimit(RLIMIT_CORE, &most) == 0);
    pid_t p = fork();
    if (p == 0) {
        prepare();
        GO(kill(getpid(), SIGABRT));
    }
    NEED(waitpid(p, &status, 0) == p && status == (SIGABRT | 0x80));
    unlink("core");
}
static void much_memory(void)
{
    memory(big, true);
    memory(8 * big, false)[0] = 1; /* holes */
}
static void in_core(void) { dump(much_memory); }
static void many_mappings(void) { mappings(many); }
static void in_mappings_core(void) { dump(many_mappings); }
static void many_threads(void) { threads(crowd / 8); }
static void in_threads_core(void) { dump(many_threads); }
static void in_groups(void)
{
    gid_t *g = calloc(65536, sizeof(*g));
    for (unsigned i = 0; i < 65536; i++)
        g[i] = 65536 - i;
    GO(setgroups(65536, g); getgroups(65536, g));
}
static void in_affinity(void)
{
    static char mask[65536];
    memset(mask, 255, sizeof(mask));
    GO(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
       syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
}

static void in_user_limit(void) /* RLIMIT_NPROC of one who has thousands */
{
    struct rlimit r = { 1000000, 1000000 };
    NEED(setrlimit(RLIMIT_NPROC, &r) == 0 && setresuid(1000, 1000, 1000) == 0);
    children(crowd);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}

/* clang-format off */
const struct call task_calls[] = {
    CALL(fork),
    CALL(exit),
    CALL(mappings_fork),
    CALL(argv),
    CALL(argv_many),
    CALL(proc_args),
    CALL(execve_old),
    CALL(wait),
    CALL(children_exit),
    CALL(children_thread),
    CALL(family),
    CALL(threads_exit),
    CALL(threads_exec),
    CALL(threads_children),
    CALL(wake_pipe),
    CALL(wake_wait),
    CALL(futex),
    CALL(futex_nobody),
    CALL(core),
    CALL(mappings_core),
    CALL(threads_core),
    CALL(groups),
    CALL(affinity),
    CALL(user_limit),
    { 0 },
};
/* clang-format on */
