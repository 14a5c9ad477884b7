/* alloc_fail.c - for each of many operations: lets its first, second, third ... allocation fail,
 * until there are no more.  Runs under the kernel that can do so (/proc/forkscope/fail_nth).
 *
 * Each time the operation succeeds, or fails with ENOMEM or EAGAIN (a lock: ENOLCK), and is as
 * if it had not been: what the kernel holds is as much as before.  An operation undoes itself when it succeeds. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096l
#define ENDS "ends" /* argv[1] of the program that exec starts */

static int fail_fd, counters_fd, meminfo_fd, stat_fd, load_fd, files_fd;
static char page_of_names[3000];
static int bad;

static void arm(int n)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", n);

    if (pwrite(fail_fd, text, len, 0) != len)
        _exit(99);
}

/* Whether it has failed; ends it. */
static int disarm(void)
{
    char text[16] = "";

    if (pread(fail_fd, text, sizeof(text) - 1, 0) <= 0)
        _exit(98);
    return text[0] == '0';
}

/* --- what the kernel holds --- */

struct held {
    long frames, tables, bytes, tasks, files;
};

static long figure(int fd, const char *after)
{
    static char text[8192];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = 0;
    const char *at = strstr(text, after);
    return at ? strtol(at + strlen(after), NULL, 10) : -1;
}

static struct held held(void)
{
    struct held h;
    /* a page of the heap for each 256 PIDs that were ever used */
    long given = figure(stat_fd, "\nprocesses "), pids = PAGE * (given / 256 + 1);

    h.tables = figure(counters_fd, "tables_used ");
    h.bytes = figure(counters_fd, "heap_bytes ") - pids;
    h.frames = figure(meminfo_fd, "MemTotal:") - figure(meminfo_fd, "MemFree:") -
               figure(meminfo_fd, "KReclaimable:") - figure(meminfo_fd, "SUnreclaim:");
    h.tasks = figure(load_fd, "/");
    h.files = figure(files_fd, "");
    return h;
}

/* Who has ended may still be on its way out. */
static int same(const struct held *before, struct held *now)
{
    for (int tries = 0; tries < 200; tries++) {
        *now = held();
        if (memcmp(now, before, sizeof(*now)) == 0)
            return 1;
        usleep(1000);
    }
    return 0;
}

static void say(const char *when, const struct held *h)
{
    printf("  %s: %ld KiB of frames, %ld tables, %ld bytes, %ld tasks, %ld files\n", when,
           h->frames, h->tables, h->bytes, h->tasks, h->files);
}

/* What undoes an operation does not fail. */
#define UNDO(...) \
    do { \
        int fired_ = disarm(); \
        __VA_ARGS__; \
        arm(fired_ ? 0 : 1000000); \
    } while (0)

/* --- operations: 0, or -errno and nothing done --- */

static int last_status;

static int done(long result) { return result < 0 ? -errno : 0; }

static int wait_for(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    last_status = status;
    return status;
}

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
static int exec_nth;
static const char *exec_path;

static int exec_in(pid_t pid)
{
    char *args[] = { "alloc_fail", ENDS, page_of_names, NULL }, *env[] = { page_of_names, NULL };

    if (pid == 0) {
        arm(exec_nth);
        execve(exec_path, args, env);
        int err = errno;
        _exit(disarm() ? err : 97);
    }
    if (pid < 0)
        return -EPROTO;
    int status = wait_for(pid);
    if (!WIFEXITED(status))
        return -EPROTO;
    arm(WEXITSTATUS(status) == 100 ? 1000000 : 0); /* for who asks next whether it has failed */
    return WEXITSTATUS(status) >= 100 ? 0 : -WEXITSTATUS(status);
}

static int do_exec(void) { return exec_in(fork()); }
static int do_vfork_exec(void) { return exec_in(vfork()); }

static int do_mmap(void)
{
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    UNDO(munmap(p, 3 * PAGE));
    return 0;
}

static int do_mmap_shared(void)
{
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    p[PAGE] = 1;
    UNDO(munmap(p, 3 * PAGE));
    return 0;
}

static int do_mmap_file(void)
{
    int fd = open("/bin/busybox", O_RDONLY);

    if (fd < 0)
        return -errno;
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    int err = p == MAP_FAILED ? -errno : 0;
    close(fd);
    if (err)
        return err;
    p[0] = p[PAGE];
    UNDO(munmap(p, 3 * PAGE));
    return 0;
}

/* Faults never fail: what could be had in the end is. */
static int do_fault(void)
{
    static const uintptr_t far[] = { 0x100000000000, 0x200000000000, 0x200040000000 };

    for (int i = 0; i < 3; i++) {
        char *p = mmap((void *)far[i], PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (p == MAP_FAILED)
            return -errno;
        p[0] = 1;
        UNDO(munmap(p, PAGE));
    }
    return 0;
}

static int do_populate(void)
{
    char *p = mmap(NULL, 40 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    UNDO(munmap(p, 40 * PAGE));
    return 0;
}

static char *five; /* mapped pages */

static int do_split(void)
{
    int err = done(mprotect(five + PAGE, PAGE, PROT_READ));

    UNDO(mprotect(five, 5 * PAGE, PROT_READ | PROT_WRITE));
    return err;
}

static int do_unmap_middle(void)
{
    if (munmap(five + 2 * PAGE, PAGE) != 0)
        return -errno;
    UNDO(mmap(five + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
         five[2 * PAGE] = 1);
    return 0;
}

static int do_mremap(void)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

    if (p == MAP_FAILED)
        return -errno;
    p[0] = p[PAGE] = 7;
    q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x300000000000);
    int err = q == MAP_FAILED ? -errno : 0;
    if (err == 0 && (q[0] != 7 || q[PAGE] != 7))
        err = -EPROTO;
    UNDO(munmap(err ? p : q, (err ? 2 : 4) * PAGE));
    return err;
}

static int do_brk(void)
{
    char *at = sbrk(0);

    if (syscall(SYS_brk, at + 64 * PAGE) != (long)(at + 64 * PAGE))
        return -ENOMEM;
    at[40 * PAGE] = 1;
    return syscall(SYS_brk, at) == (long)at ? 0 : -EPROTO;
}

static int do_open(void)
{
    int fd = open("/tmp/alloc_fail", O_CREAT | O_EXCL | O_RDWR, 0600), cause = errno;

    if (fd < 0) {
        UNDO(if (unlink("/tmp/alloc_fail") == 0) cause = EPROTO);
        return -cause;
    }
    long n = write(fd, page_of_names, sizeof(page_of_names));
    int err = n < 0 ? -errno : 0;
    close(fd);
    UNDO(unlink("/tmp/alloc_fail"));
    return err;
}

static int do_open_long(void) /* a name that needs memory of its own */
{
    char name[600] = "";

    while (strlen(name) < 500)
        strcat(name, "/bin/..");
    strcat(name, "/bin/busybox");
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int do_names(void)
{
    static const char *const made[] = { "/tmp/d", "/tmp/d/s", "/tmp/d/h", "/tmp/d/f", "/tmp/d/n" };
    int err = 0;

    if (mkdir("/tmp/d", 0700) < 0)
        return -errno;
    if (symlink(page_of_names + 2000, made[1]) < 0 || mknod(made[3], S_IFIFO | 0600, 0) < 0 ||
        link(made[3], made[2]) < 0 || rename(made[3], made[4]) < 0)
        err = -errno;
    UNDO(for (int i = 4; i > 0; i--) unlink(made[i]); rmdir(made[0]));
    return err;
}

static int do_pipe(void)
{
    int ends[2];

    if (pipe2(ends, O_NONBLOCK) < 0)
        return -errno;
    long n = write(ends[1], page_of_names, 3000);
    int err = n < 0 ? -errno : 0;
    if (err == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0)
        err = -errno;
    close(ends[0]);
    close(ends[1]);
    return err;
}

static volatile int signals;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    signals++;
}

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

static int do_mount(void)
{
    if (mount(page_of_names + 2500, "/mnt", "tmpfs", 0, "size=64k,mode=700") < 0)
        return -errno;
    int err = mkdir("/mnt/x", 0700) < 0 ? -errno : 0;
    UNDO(if (umount("/mnt") < 0) err = -EPROTO);
    return err;
}

static int do_bind(void)
{
    if (mount("/bin", "/mnt", NULL, MS_BIND, NULL) < 0)
        return -errno;
    int err = 0;
    UNDO(if (umount("/mnt") < 0) err = -EPROTO);
    return err;
}

static int do_memfd(void)
{
    int fd = syscall(SYS_memfd_create, "x", 2);

    if (fd < 0)
        return -errno;
    int err = pwrite(fd, "x", 1, 1 << 20) < 0 || pwrite(fd, "x", 1, 1l << 32) < 0 ? -errno : 0;
    close(fd);
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

static int do_poll(void)
{
    struct pollfd fds[100];

    for (int i = 0; i < 100; i++)
        fds[i] = (struct pollfd){ .fd = i % 3, .events = POLLPRI };
    return done(poll(fds, 100, 0));
}

static int do_pidfd(void)
{
    int fd = syscall(SYS_pidfd_open, getpid(), 0);

    if (fd < 0)
        return -errno;
    return done(close(fd));
}

static int do_dup_high(void) /* the table of descriptors grows, in a child */
{
    pid_t pid = fork();

    if (pid == 0) {
        arm(exec_nth);
        int err = dup2(0, 900) < 0 ? errno : 0;
        _exit(disarm() ? err : err ? 97 : 100);
    }
    if (pid < 0)
        return -EPROTO;
    int status = wait_for(pid);
    if (!WIFEXITED(status))
        return -EPROTO;
    arm(WEXITSTATUS(status) == 100 ? 1000000 : 0);
    return WEXITSTATUS(status) == 100 ? 0 : -WEXITSTATUS(status);
}

static int do_locks(void)
{
    struct flock l = { .l_type = F_WRLCK, .l_start = 5, .l_len = 5 };
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY), err = 0;

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX) < 0)
        err = -errno;
    close(fd);
    if (err || (fd = open("/tmp/locked", O_RDWR)) < 0)
        return err ? err : -errno;
    err = done(fcntl(fd, F_SETLK, &l));
    l = (struct flock){ .l_type = F_UNLCK, .l_start = 7, .l_len = 1 };
    if (!err)
        err = done(fcntl(fd, F_SETLK, &l));
    close(fd);
    return err;
}

static int do_proc(void)
{
    static const char *const files[] = { "/proc/self/maps", "/proc/self/stat",  "/proc/mounts",
                                         "/proc/meminfo",   "/proc/self/smaps", "/proc/1/status" };
    static char text[20000];

    for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
        int fd = open(files[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0)
            return -errno;
        long n = read(fd, text, sizeof(text));
        int err = n < 0 ? -errno : 0;
        close(fd);
        if (err)
            return err;
    }
    return 0;
}

static int do_links(void)
{
    char text[200];
    struct stat s;

    if (readlink("/proc/self/exe", text, 200) < 0 || stat("/bin/sh", &s) < 0 ||
        getcwd(text, 200) == NULL)
        return -errno;
    return chdir("/tmp") < 0 || chdir("/") < 0 ? -errno : 0;
}

static int do_vectors(void)
{
    struct iovec v[200];
    char c[200];
    int fd = open("/dev/zero", O_RDONLY);

    if (fd < 0)
        return -errno;
    for (int i = 0; i < 200; i++)
        v[i] = (struct iovec){ c + i, 1 };
    int err = done(readv(fd, v, 200));
    close(fd);
    return err;
}

static int do_setsid(void) /* in a child */
{
    pid_t pid = fork();

    if (pid == 0) {
        arm(exec_nth);
        int err = setsid() < 0 ? errno : 0;
        _exit(disarm() ? err : err ? 97 : 100);
    }
    if (pid < 0)
        return -EPROTO;
    int status = wait_for(pid);
    if (!WIFEXITED(status))
        return -EPROTO;
    arm(WEXITSTATUS(status) == 100 ? 1000000 : 0);
    return WEXITSTATUS(status) == 100 ? 0 : -WEXITSTATUS(status);
}

static int do_tmpfile(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), err;

    if (fd < 0)
        return -errno;
    err = done(fallocate(fd, 0, 0, 100 * PAGE));
    if (!err && sendfile(fd, fd, NULL, 0) < 0)
        err = -errno;
    if (!err) /* tables for a file that others map */
        err = done(ftruncate(fd, 1 << 20));
    close(fd);
    return err;
}

static int do_fifo(void)
{
    int fd = open("/tmp/fifo", O_RDWR | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    int err = write(fd, page_of_names, 3000) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int do_zero(void)
{
    int fd = open("/dev/zero", O_RDWR);

    if (fd < 0)
        return -errno;
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int err = p == MAP_FAILED ? -errno : 0;
    close(fd);
    if (err)
        return err;
    p[0] = 1;
    UNDO(munmap(p, PAGE));
    return 0;
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

static int do_rename(void)
{
    if (rename("/tmp/locked", "/tmp/a name that is longer than it was, by some") < 0)
        return -errno;
    UNDO(rename("/tmp/a name that is longer than it was, by some", "/tmp/locked"));
    return 0;
}

static int do_select(void)
{
    static unsigned long sets[3][256];
    struct timespec now = { 0, 0 };

    memset(sets, 0, sizeof(sets));
    sets[0][0] = 7;
    return done(syscall(SYS_pselect6, 1000, sets[0], sets[1], sets[2], &now, NULL));
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

static const struct op {
    const char *name;
    int (*run)(void);
    int in_child; /* which arms itself, and arms us with what was left */
} ops[] = {
    { "fork", do_fork, 0 },
    { "vfork", do_vfork, 0 },
    { "clone", do_clone_files, 0 },
    { "thread", do_thread, 0 },
    { "exec", do_exec, 1 },
    { "vfork and exec", do_vfork_exec, 1 },
    { "exec of a script", do_exec, 1 },
    { "core", do_core, 1 },
    { "mmap", do_mmap, 0 },
    { "shared mmap", do_mmap_shared, 0 },
    { "mmap of a file", do_mmap_file, 0 },
    { "page faults", do_fault, 0 },
    { "MAP_POPULATE", do_populate, 0 },
    { "mprotect", do_split, 0 },
    { "munmap", do_unmap_middle, 0 },
    { "mremap", do_mremap, 0 },
    { "brk", do_brk, 0 },
    { "open", do_open, 0 },
    { "a long name", do_open_long, 0 },
    { "names", do_names, 0 },
    { "pipe", do_pipe, 0 },
    { "signal", do_signal, 0 },
    { "queued signal", do_queue, 0 },
    { "signal stack", do_signal_stack, 0 },
    { "mount", do_mount, 0 },
    { "bind mount", do_bind, 0 },
    { "memfd", do_memfd, 0 },
    { "timer", do_timer, 0 },
    { "poll", do_poll, 0 },
    { "pidfd", do_pidfd, 0 },
    { "descriptors", do_dup_high, 1 },
    { "locks", do_locks, 0 },
    { "proc", do_proc, 0 },
    { "links", do_links, 0 },
    { "vectors", do_vectors, 0 },
    { "setsid", do_setsid, 1 },
    { "O_TMPFILE", do_tmpfile, 0 },
    { "fifo", do_fifo, 0 },
    { "shared /dev/zero", do_zero, 0 },
    { "CLONE_PIDFD", do_clone_pidfd, 0 },
    { "rename", do_rename, 0 },
    { "select", do_select, 0 },
    { "large fork", do_large_fork, 1 },
};

static void try_all(const struct op *op)
{
    struct held before, now;
    int failed = 0, n, err;

    exec_path = strstr(op->name, "script") ? "/tmp/script" : "/proc/self/exe";
    exec_nth = 1000000;
    for (int i = 0; i < 3; i++) /* what it touches for the first time */
        if ((err = op->run()) != 0)
            printf("FAIL %s, undisturbed: %s\n", op->name, strerror(-err)), bad = 1;
    disarm();
    before = held();
    if (!same(&before, &now))
        before = now;
    for (n = 1; n < 5000; n++) {
        exec_nth = n;
        arm(op->in_child ? 0 : n);
        last_status = 0;
        err = op->run();
        int fired = disarm();
        if (err != 0 && err != -ENOMEM && err != -EAGAIN && err != -ENOLCK) {
            printf("FAIL %s, allocation %d: %s, status %#x\n", op->name, n, strerror(-err),
                   last_status);
            bad = 1;
        }
        failed += err != 0;
        if (!same(&before, &now)) {
            printf("FAIL %s, allocation %d: %s, and then\n", op->name, n, strerror(-err));
            say("before", &before);
            say("after ", &now);
            before = now;
            bad = 1;
        }
        if (!fired)
            break;
    }
    if (n == 5000)
        printf("FAIL %s: there is no end\n", op->name), bad = 1;
    printf("%s: %d allocations, %d times an error\n", op->name, n - 1, failed);
    fflush(stdout);
}

static void prepare(void)
{
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGRTMIN + 3, &a, NULL);
    memset(page_of_names, 'n', sizeof(page_of_names) - 1);
    five = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 5; i++)
        five[i * PAGE] = 1;
    int script = open("/tmp/script", O_CREAT | O_WRONLY, 0755);
    dprintf(script, "#!/alloc_fail %s\n", ENDS);
    close(script);
    mkfifo("/tmp/fifo", 0600);
    close(open("/tmp/locked", O_CREAT | O_WRONLY, 0600));
    counters_fd = open("/proc/forkscope/counters", O_RDONLY | O_CLOEXEC);
    meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    stat_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    load_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    files_fd = open("/proc/sys/fs/file-nr", O_RDONLY | O_CLOEXEC);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ENDS) == 0) {
        fail_fd = 3;
        _exit(disarm() ? 101 : 100); /* started, with an allocation that failed, or without */
    }
    fail_fd = open("/proc/forkscope/fail_nth", O_RDWR);
    if (fail_fd != 3) {
        printf("no /proc/forkscope/fail_nth, or descriptors are open\n");
        return 2;
    }
    prepare();
    for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++)
        if (argc < 2 || strcmp(argv[1], ops[i].name) == 0)
            try_all(&ops[i]);
    printf("%s\n", bad ? "BAD" : "all is well");
    return bad;
}
