/* tasks.c - fork, exec, exit and core, threads, signals, timers. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int do_fork(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid < 0 ? -errno : wait_for(pid) == 0 ? 0 : -EPROTO;
}

static int do_vfork(void)
{
    pid_t pid = vfork();

    if (pid == 0)
        _exit(0);
    return pid < 0 ? -errno : wait_for(pid) == 0 ? 0 : -EPROTO;
}

static int do_clone_files(void) /* shares what fork copies */
{
    long pid = syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return pid < 0 ? -errno : wait_for(pid) == 0 ? 0 : -EPROTO;
}

static void *nothing(void *arg) { return arg; }

static int do_thread(void)
{
    pthread_t t;
    int err = pthread_create(&t, NULL, nothing, NULL);

    if (err)
        return -err;
    UNDO(pthread_join(t, NULL));
    return 0;
}

/* exec in a child, where it is armed; what is left of that the new program says. */
static int exec_in(pid_t pid)
{
    char *args[] = { "alloc_fail", ENDS, page_of_names, NULL }, *env[] = { page_of_names, NULL };

    if (pid == 0) {
        arm(exec_nth);
        execve(exec_path, args, env);
        int err = errno;
        _exit(disarm() ? err : 97);
    }
    return child_said(pid);
}

static int do_exec(void) { return exec_in(fork()); }

static int do_vfork_exec(void) { return exec_in(vfork()); }

/* A usual signal comes, even if its siginfo has no room; a queued one does or is EAGAIN. */
static int do_signal(void)
{
    signals = 0;
    if (kill(getpid(), SIGUSR1) < 0)
        return -errno;
    return signals == 1 ? 0 : -EPROTO;
}

static int do_queue(void)
{
    union sigval value = { .sival_int = 1 };

    signals = 0;
    if (sigqueue(getpid(), SIGRTMIN + 3, value) < 0)
        return signals == 0 ? -errno : -EPROTO;
    return signals == 1 ? 0 : -EPROTO;
}

static int do_signal_stack(void) /* the frame goes to a page that is not there yet */
{
    stack_t stack = { .ss_size = 8 * PAGE }, none = { .ss_flags = SS_DISABLE };
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    int err = 0;

    stack.ss_sp = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED)
        return -errno;
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR2, &a, NULL);
    signals = 0;
    raise(SIGUSR2);
    if (signals != 1)
        err = -EPROTO;
    UNDO(sigaltstack(&none, NULL); munmap(stack.ss_sp, 8 * PAGE));
    return err;
}

static int do_timer(void)
{
    timer_t id;
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    int kernel_id;

    (void)id;
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &kernel_id) < 0)
        return -errno;
    return done(syscall(SYS_timer_delete, kernel_id));
}

static int do_pidfd(void)
{
    int fd = syscall(SYS_pidfd_open, getpid(), 0);

    if (fd < 0)
        return -errno;
    return done(close(fd));
}

static int do_setsid(void) /* in a child */
{
    pid_t pid = fork();

    if (pid == 0) {
        arm(exec_nth);
        int err = setsid() < 0 ? errno : 0;
        _exit(disarm() ? err : err ? 97 : 100);
    }
    return child_said(pid);
}

static int do_clone_pidfd(void)
{
    int fd = -1;
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);

    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return -errno;
    int status = wait_for(pid);
    close(fd);
    return status == 0 ? 0 : -EPROTO;
}

/* A fork with much to copy: descriptors, mappings, entries. */
static int do_large_fork(void)
{
    int fds[200], err = 0, n;
    char *maps[20];

    for (n = 0; n < 200; n++)
        fds[n] = dup(0);
    for (int i = 0; i < 20; i++) {
        maps[i] = mmap((void *)(0x400000000000 + (i << 21)), PAGE, PROT_READ | PROT_WRITE,
                       MAP_ANONYMOUS | MAP_FIXED | (i & 1 ? MAP_SHARED : MAP_PRIVATE), -1, 0);
        maps[i][0] = 1;
    }
    arm(exec_nth);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        err = -errno;
    else if (wait_for(pid) != 0)
        err = -EPROTO;
    UNDO(for (int i = 0; i < 200; i++) close(fds[i]);
         for (int i = 0; i < 20; i++) munmap(maps[i], PAGE));
    return err;
}

/* A child that leaves a core, where it is armed: with the core bit unless not even the notes could
 * be made, and short if the file could not grow.  A few whole ones in a row: there are no more
 * allocations. */
static int do_core(void)
{
    static off_t whole;
    static int in_a_row;
    struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY }, none = { 0, RLIM_INFINITY };
    struct stat st = { 0 };

    setrlimit(RLIMIT_CORE, &most);
    pid_t pid = fork();
    if (pid == 0) {
        arm(exec_nth);
        kill(getpid(), SIGABRT);
    }
    setrlimit(RLIMIT_CORE, &none);
    if (pid < 0)
        return -EPROTO;
    int status = wait_for(pid), found = stat("core", &st) == 0;
    if ((status & ~0x80) != SIGABRT || (status & 0x80 && !found))
        return -EPROTO;
    if (found && unlink("core") != 0)
        return -EPROTO;
    if (exec_nth == 1000000)
        whole = st.st_blocks;
    int short_one = !(status & 0x80) || st.st_blocks < whole;
    in_a_row = short_one ? 0 : in_a_row + 1;
    arm(exec_nth == 1000000 || in_a_row >= 10 ? 1000000 : 0);
    return short_one ? -ENOMEM : 0;
}

const struct op task_ops[] = {
    { "fork", do_fork, 0 },
    { "vfork", do_vfork, 0 },
    { "clone", do_clone_files, 0 },
    { "thread", do_thread, 0 },
    { "exec", do_exec, 1 },
    { "vfork and exec", do_vfork_exec, 1 },
    { "exec of a script", do_exec, 1 },
    { "core", do_core, 1 },
    { "signal", do_signal, 0 },
    { "queued signal", do_queue, 0 },
    { "signal stack", do_signal_stack, 0 },
    { "timer", do_timer, 0 },
    { "pidfd", do_pidfd, 0 },
    { "setsid", do_setsid, 1 },
    { "CLONE_PIDFD", do_clone_pidfd, 0 },
    { "large fork", do_large_fork, 1 },
    { 0 },
};
