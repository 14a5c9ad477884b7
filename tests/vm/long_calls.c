/* long_calls.c - calls with arguments as large as they may be, for long_calls.t.
 *
 *     long_calls list             their names, by number
 *     long_calls count            makes each once, in a process of its own, and says its number first in the
 *                                 way that stretch.c understands
 *     long_calls wait NAME...     makes each again and again, in a process of its own; beside it sleeps for
 *                                 0.1 s, then kills it and waits for its end.  "NAME SLEPT DIED" in ms
 *
 * What a call needs is made before GO().  The end of the process belongs to the call. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129, FUTEX_CMP_REQUEUE_PRIVATE = 132 };

#ifndef FALLOC_FL_ZERO_RANGE
#define FALLOC_FL_ZERO_RANGE 16
#endif
#define PAGE 4096ul
#define MB   (1ul << 20)

static size_t big = 32 * MB; /* bytes of memory or of a file */
static unsigned many = 4000; /* things of a kind: files, mappings */
static bool again;           /* until killed */
static int *started;         /* shared: the call has begun */

static void fail(const char *what)
{
    fprintf(stderr, "long_calls: %s: %s\n", what, strerror(errno));
    _exit(1);
}
#define NEED(c) ((c) ? (void)0 : fail(#c))

/* --- what says which call comes, for stretch.c -------------------------------------- */

static void say(unsigned number);
static unsigned now_number;

static void go(void)
{
    __atomic_store_n(started, 1, __ATOMIC_SEQ_CST);
    say(now_number);
}
#define GO(...) \
    do { \
        go(); \
        do { \
            __VA_ARGS__; \
        } while (again); \
    } while (0)

/* --- things to call with -------------------------------------------------------------- */

static char *memory(size_t n, bool filled)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(p != MAP_FAILED);
    if (filled)
        for (size_t i = 0; i < n; i += PAGE)
            p[i] = 1;
    return p;
}

static int file(size_t n)
{
    static char some[65536];
    int fd = open("/tmp/long", O_RDWR | O_CREAT | O_TRUNC, 0600);
    NEED(fd >= 0);
    memset(some, 'x', sizeof(some));
    for (size_t i = 0; i < n; i += sizeof(some))
        NEED(write(fd, some, sizeof(some)) == sizeof(some));
    return fd;
}

static int dev(const char *name, int flags)
{
    int fd = open(name, flags);
    NEED(fd >= 0);
    return fd;
}

/* Mappings that do not merge. */
static char *mappings(unsigned n)
{
    char *p = memory(n * PAGE, false);
    for (unsigned i = 0; i < n; i += 2)
        NEED(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
    return p;
}

static void descriptors(unsigned n)
{
    struct rlimit r = { n + 16, n + 16 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    int fd = dev("/dev/null", O_RDWR);
    for (unsigned i = 0; i < n; i++)
        NEED(dup(fd) >= 0);
}

static void children(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pid_t p = fork();
        NEED(p >= 0);
        if (p == 0)
            for (;;)
                pause();
    }
}

static void files_in(const char *dir, unsigned n)
{
    char name[64];
    NEED(mkdir(dir, 0700) == 0 || errno == EEXIST);
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%s/a-file-%u", dir, i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        NEED(fd >= 0);
        close(fd);
    }
}

static uint32_t word;
static void *waits(void *arg)
{
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return arg;
}
static void threads(unsigned n, void *(*fn)(void *))
{
    pthread_attr_t a;
    pthread_t t;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 4 * PAGE);
    for (unsigned i = 0; i < n; i++)
        NEED(pthread_create(&t, &a, fn, NULL) == 0);
    usleep(10000);
}

/* --- the calls ------------------------------------------------------------------------ */

static void in_zero(void)
{
    char *b = memory(big, false);
    int f = dev("/dev/zero", O_RDONLY);
    GO(read(f, b, big));
}
static void in_urandom(void)
{
    char *b = memory(big / 16, false);
    int f = dev("/dev/urandom", O_RDONLY);
    GO(read(f, b, big / 16));
}
static void in_getrandom(void)
{
    char *b = memory(big / 16, false);
    GO(syscall(SYS_getrandom, b, big / 16, 0));
}
static void in_write(void)
{
    char *b = memory(big, true);
    int f = file(0);
    GO(pwrite(f, b, big, 0));
}
static void in_read(void)
{
    int f = file(big);
    char *b = memory(big, true);
    GO(pread(f, b, big, 0));
}
static void in_read_holes(void)
{
    int f = file(0);
    char *b = memory(big, true);
    NEED(ftruncate(f, (off_t)big) == 0);
    GO(pread(f, b, big, 0));
}
static void in_sendfile(void)
{
    int f = file(big), to = open("/tmp/long2", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t at;
    GO(at = 0; lseek(to, 0, SEEK_SET); sendfile(to, f, &at, big));
}
static void in_copy_file_range(void)
{
    int f = file(big), to = open("/tmp/long2", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t a, b;
    GO(a = b = 0; copy_file_range(f, &a, to, &b, big, 0));
}
static void in_tty(void)
{
    char *b = memory(MB / 4, true);
    memset(b, '\n', MB / 4);
    int f = dev("/dev/console", O_RDWR);
    GO(write(f, b, MB / 4));
}
static void in_kmsg(void)
{
    char *b = memory(MB / 4, true);
    memset(b, '.', MB / 4);
    int f = dev("/dev/kmsg", O_WRONLY);
    GO(write(f, b, MB / 4));
}
static void in_writev(void)
{
    static struct iovec v[1024];
    char *b = memory(big / 4, true);
    int f = file(0);
    for (unsigned i = 0; i < 1024; i++)
        v[i] = (struct iovec){ b, big / 4 };
    for (unsigned i = 0; i < 1024; i += 2)
        v[i].iov_len = 0;
    GO(pwritev(f, v, 1024, 0));
}
static void in_writev_null(void)
{
    static struct iovec v[1024];
    int f = dev("/dev/null", O_WRONLY);
    for (unsigned i = 0; i < 1024; i++)
        v[i] = (struct iovec){ v, sizeof(v) };
    GO(writev(f, v, 1024));
}
static void *drains(void *arg)
{
    static char b[65536];
    while (read((int)(intptr_t)arg, b, sizeof(b)) > 0)
        ;
    return NULL;
}
static void in_pipe(void)
{
    int p[2];
    pthread_t t;
    char *b = memory(big / 4, true);
    NEED(pipe(p) == 0 && pthread_create(&t, NULL, drains, (void *)(intptr_t)p[0]) == 0);
    fcntl(p[1], F_SETPIPE_SZ, MB);
    GO(write(p[1], b, big / 4));
}
static void in_pipe_size(void)
{
    int p[2];
    static char b[MB];
    NEED(pipe(p) == 0 && fcntl(p[1], F_SETPIPE_SZ, MB) > 0);
    NEED(write(p[1], b, MB) > 0);
    GO(fcntl(p[1], F_SETPIPE_SZ, MB / 2); fcntl(p[1], F_SETPIPE_SZ, MB); read(p[0], b, MB);
       write(p[1], b, MB));
}
static void in_populate(void)
{
    char *p;
    GO(p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                0);
       munmap(p, big));
}
static void in_populate_file(void)
{
    int f = file(big);
    char *p;
    GO(p = mmap(NULL, big, PROT_READ, MAP_SHARED | MAP_POPULATE, f, 0); munmap(p, big));
}
static void in_populate_hole(void)
{
    int f = file(0);
    char *p;
    NEED(ftruncate(f, (off_t)big) == 0);
    GO(p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
       munmap(p, big));
}
static void in_mlock(void)
{
    char *p = memory(big, false);
    GO(mlock(p, big));
}
static void in_mlock_again(void)
{
    char *p = memory(big, true);
    GO(mlock(p, big));
}
static void in_brk(void)
{
    char *end = sbrk(0);
    NEED(mlockall(MCL_FUTURE) == 0);
    GO(syscall(SYS_brk, end + big); syscall(SYS_brk, end));
}
static void in_munmap(void)
{
    char *p = memory(big, true);
    GO(munmap(p, big));
}
static void in_dontneed(void)
{
    char *p = memory(big, true);
    GO(madvise(p, big, MADV_DONTNEED); madvise(p, big, 23 /* MADV_POPULATE_WRITE */));
}
static void in_mprotect(void)
{
    char *p = memory(big, true);
    GO(mprotect(p, big, PROT_NONE); mprotect(p, big, PROT_READ | PROT_WRITE));
}
static void in_mremap(void)
{
    char *p = memory(big, true), *at = memory(2 * big, false), *to = at;
    GO(p = mremap(p, big, big, MREMAP_MAYMOVE | MREMAP_FIXED, to); NEED(p == to);
       to = to == at ? at + big : at);
}
static void in_mincore(void)
{
    char *p = memory(big, false);
    static unsigned char vec[65536];
    GO(mincore(p, big, vec));
}
static void in_mincore_file(void)
{
    int f = file(big);
    char *p = mmap(NULL, big, PROT_READ, MAP_SHARED, f, 0);
    static unsigned char vec[65536];
    GO(mincore(p, big, vec));
}
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
static void in_mappings_munmap(void)
{
    char *p = mappings(many);
    GO(munmap(p, many * PAGE));
}
static void in_mappings_over(void)
{
    char *p = mappings(many);
    GO(mmap(p, many * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}
static void in_mappings_mprotect(void)
{
    char *p = mappings(many);
    GO(mprotect(p, many * PAGE, PROT_READ));
}
static void in_mappings_madvise(void)
{
    char *p = mappings(many);
    GO(madvise(p, many * PAGE, MADV_DONTNEED));
}
static void in_mappings_mlock(void)
{
    char *p = mappings(many);
    GO(mlock(p, many * PAGE); munlock(p, many * PAGE));
}
static void in_mappings_msync(void)
{
    char *p = mappings(many);
    GO(msync(p, many * PAGE, MS_SYNC));
}
static void in_mappings_fork(void)
{
    mappings(many);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}
static void in_mappings_proc(void)
{
    static char b[MB];
    mappings(many);
    int f = dev("/proc/self/maps", O_RDONLY);
    GO(pread(f, b, sizeof(b), 0));
}
static void in_mappings_gap(void)
{
    char *p = memory(2 * many * PAGE, false);
    for (unsigned i = 0; i < 2 * many; i += 2)
        munmap(p + i * PAGE, PAGE);
    GO(p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       munmap(p, 2 * PAGE));
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
static void in_getdents(void)
{
    static char b[MB];
    files_in("/tmp/many", many);
    int f = dev("/tmp/many", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); NEED(syscall(SYS_getdents64, f, b, sizeof(b)) > 0));
}
static void in_lookup(void)
{
    struct stat st;
    files_in("/tmp/many", many);
    GO(stat("/tmp/many/not there", &st); stat("/tmp/many/a-file-0", &st);
       rename("/tmp/many/a-file-1", "/tmp/many/a-file-0-"));
}
static void in_umount(void)
{
    mkdir("/tmp/m", 0700);
    again = false;
    NEED(mount("none", "/tmp/m", "tmpfs", 0, NULL) == 0);
    files_in("/tmp/m/d", many);
    int f = open("/tmp/m/big", O_RDWR | O_CREAT, 0600);
    NEED(fallocate(f, 0, 0, (off_t)big) == 0);
    close(f);
    GO(NEED(umount("/tmp/m") == 0));
}
static void in_getdents_proc(void)
{
    static char b[MB];
    children(300);
    int f = dev("/proc", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); syscall(SYS_getdents64, f, b, sizeof(b)));
    kill(0, SIGKILL);
}
static void in_kill_group(void)
{
    signal(SIGUSR1, SIG_IGN);
    children(300);
    GO(kill(0, SIGUSR1));
    kill(0, SIGKILL);
}
static void in_kill_all(void)
{
    children(300);
    GO(kill(-1, SIGCONT));
    kill(0, SIGKILL);
}
static void in_kill_dead(void)
{
    children(300);
    again = false;
    GO(kill(0, SIGKILL));
}
static void in_wait(void)
{
    children(300);
    GO(waitpid(-1, NULL, WNOHANG); getpriority(PRIO_PGRP, 0); setpriority(PRIO_PGRP, 0, 1));
    kill(0, SIGKILL);
}
static void in_threads_exit(void)
{
    threads(300, waits);
    again = false;
    GO(_exit(0));
}
static void in_threads_kill(void)
{
    threads(300, waits);
    GO(kill(getpid(), SIGCONT); char b[4096]; int f = open("/proc/self/stat", O_RDONLY);
       read(f, b, sizeof(b)); close(f));
}
static void in_futex(void)
{
    static uint32_t other;
    threads(300, waits);
    GO(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 300, &other, 0);
       syscall(SYS_futex, &other, FUTEX_WAKE_PRIVATE, 300, NULL, NULL, 0); sched_yield());
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
static void many_threads(void) { threads(300, waits); }
static void in_threads_core(void) { dump(many_threads); }
static void in_fds_fork(void)
{
    descriptors(4000);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}
static void in_fds_close(void)
{
    descriptors(4000);
    again = false;
    GO(syscall(SYS_close_range, 3, ~0u, 0));
}
static void in_fds_cloexec(void)
{
    descriptors(4000);
    GO(syscall(SYS_close_range, 3, ~0u, 4));
}
static void in_fds_proc(void)
{
    static char b[MB];
    descriptors(4000);
    int f = dev("/proc/self/fd", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); syscall(SYS_getdents64, f, b, sizeof(b)));
}
static void in_fds_million(void)
{
    struct rlimit r = { 1048576, 1048576 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    GO(int f = dup2(2, 1048000); pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0);
       fcntl(2, F_DUPFD, 1000000); syscall(SYS_close_range, 3, ~0u, 0); (void)f);
}
static void in_poll(void)
{
    static struct pollfd p[4000];
    descriptors(4000);
    for (unsigned i = 0; i < 4000; i++)
        p[i] = (struct pollfd){ (int)i, POLLIN, 0 };
    GO(poll(p, 4000, 0));
}
static void in_poll_wait(void)
{
    static struct pollfd p[4000];
    int e[2];
    NEED(pipe(e) == 0);
    struct rlimit r = { 5000, 5000 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    for (unsigned i = 0; i < 4000; i++)
        p[i] = (struct pollfd){ e[0], POLLIN, 0 };
    GO(poll(p, 4000, 1));
}
/* epolls that watch e, n of them; and one that watches them all. */
static int epolls(int e, unsigned n)
{
    struct epoll_event want = { .events = EPOLLIN };
    struct rlimit r = { 10000, 10000 };
    int all = epoll_create1(0);
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    for (unsigned i = 0; i < n; i++) {
        int ep = epoll_create1(0);
        NEED(epoll_ctl(ep, EPOLL_CTL_ADD, e, &want) == 0);
        NEED(epoll_ctl(all, EPOLL_CTL_ADD, ep, &want) == 0);
    }
    return all;
}
static void in_epoll_wait(void)
{
    static struct epoll_event got[4000], want = { .events = EPOLLIN };
    int ep = epoll_create1(0);
    descriptors(4010);
    for (int i = 8; i < 4000; i++) {
        close(i);
        NEED(eventfd(1, 0) == i && epoll_ctl(ep, EPOLL_CTL_ADD, i, &want) == 0);
    }
    GO(epoll_wait(ep, got, 4000, 0); poll(&(struct pollfd){ ep, POLLIN, 0 }, 1, 0));
}
static void in_epoll_wake(void)
{
    uint64_t one = 1;
    int e = eventfd(0, EFD_NONBLOCK), all = epolls(e, 250);
    struct epoll_event want = { .events = EPOLLIN | EPOLLET };
    for (int i = 0; i < 3; i++) { /* each edge of the outer ones has a path of its own */
        int outer = epoll_create1(0);
        NEED(epoll_ctl(outer, EPOLL_CTL_ADD, all, &want) == 0);
        all = outer;
    }
    GO(write(e, &one, 8); read(e, &one, 8); poll(&(struct pollfd){ all, POLLIN, 0 }, 1, 0));
}
static void in_epoll_nest(void)
{
    struct epoll_event want = { .events = EPOLLIN };
    int e = eventfd(0, 0), all = epolls(e, 250), outer = epoll_create1(0);
    GO(epoll_ctl(outer, EPOLL_CTL_ADD, all, &want); epoll_ctl(outer, EPOLL_CTL_DEL, all, &want));
}
static void in_epoll_close(void)
{
    int e = eventfd(0, 0), all = epolls(e, 250);
    again = false;
    GO(close(e); close(all));
}
static void in_select(void)
{
    static char set[8192 / 8];
    int e[2];
    NEED(pipe(e) == 0);
    descriptors(4000);
    for (int i = 3; i < 4000; i++)
        dup2(e[0], i);
    struct timeval t;
    GO(memset(set, 255, 500); set[0] = 0; t = (struct timeval){ 0, 1 };
       select(4000, (fd_set *)set, NULL, NULL, &t));
}
static void in_path(void)
{
    static char p[4096];
    struct stat st;
    for (unsigned i = 0; i < 4094; i += 2)
        memcpy(p + i, "./", 2);
    GO(stat(p, &st); NEED(st.st_mode != 0));
}
static void in_path_links(void)
{
    static char to[4000];
    struct stat st;
    chdir("/tmp");
    memset(to, '/', sizeof(to) - 1);
    for (unsigned i = 0; i + 2 < sizeof(to) - 8; i += 2)
        memcpy(to + i, "./", 2);
    for (unsigned i = 0; i < 39; i++) {
        char name[8];
        snprintf(name, sizeof(name), "l%02u", i);
        snprintf(to + 3900, 8, "l%02u", i + 1);
        unlink(name);
        symlink(to, name);
    }
    GO(stat("l00", &st));
}
static void in_getcwd_deep(void)
{
    static char b[65536];
    chdir("/tmp");
    for (unsigned i = 0; i < 1000; i++)
        if ((mkdir("d", 0700) != 0 && errno != EEXIST) || chdir("d") != 0)
            fail("mkdir");
    int f = dev("/proc/self/cwd", O_RDONLY | O_DIRECTORY);
    GO(syscall(SYS_getcwd, b, sizeof(b)); readlink("/proc/self/cwd", b, sizeof(b));
       rename(".", "/tmp/x"); openat(f, "../../..", O_RDONLY));
}
static void in_truncate(void)
{
    int f = file(big);
    again = false;
    GO(ftruncate(f, 0));
}
static void in_truncate_mapped(void)
{
    int f = file(big);
    char *p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
    again = false;
    GO(ftruncate(f, 1); (void)p);
}
static void in_unlink(void)
{
    int f = file(big);
    again = false;
    GO(unlink("/tmp/long"); close(f));
}
static void in_fallocate(void)
{
    int f = file(0);
    GO(fallocate(f, 0, 0, (off_t)big));
}
static void in_punch(void)
{
    int f = file(big);
    GO(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)big);
       if (again) fallocate(f, 0, 0, (off_t)big));
}
static void in_punch_mapped(void)
{
    int f = file(big);
    char *p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
    GO(fallocate(f, FALLOC_FL_ZERO_RANGE, 0, (off_t)big); (void)p);
}
static void in_seek(void)
{
    int f = file(big);
    GO(lseek(f, 0, SEEK_HOLE); lseek(f, 0, SEEK_DATA));
}
static void in_seek_sparse(void)
{
    int f = file(0);
    for (uint64_t i = 0; i < 3000; i++)
        NEED(pwrite(f, "", 1, (off_t)(i << 32)) == 1);
    GO(lseek(f, 4096, SEEK_DATA); lseek(f, (off_t)(3000ull << 31), SEEK_HOLE));
    ftruncate(f, 0);
}
static void in_groups(void)
{
    gid_t *g = calloc(65536, sizeof(*g));
    for (unsigned i = 0; i < 65536; i++)
        g[i] = 65536 - i;
    GO(setgroups(65536, g); getgroups(65536, g));
}
static void in_file_locks(void)
{
    int f = file(0);
    again = false;
    for (unsigned i = 0; i < 3000; i++) {
        struct flock l = { .l_type = F_WRLCK, .l_start = 2 * (off_t)i, .l_len = 1 };
        NEED(fcntl(f, F_SETLK, &l) == 0);
    }
    struct flock l = { .l_type = F_WRLCK };
    GO(fcntl(f, F_SETLK, &l); l.l_type = F_UNLCK; fcntl(f, F_SETLK, &l));
}
static void in_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    unsigned n = 0;
    again = false;
    while (n < 10000 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
        n++;
    GO(sigset_t s; sigemptyset(&s); sigaddset(&s, SIGRTMAX); struct timespec t = { 0, 0 };
       sigtimedwait(&s, NULL, &t); signal(SIGRTMIN, SIG_IGN));
}
static void in_timers(void)
{
    timer_t t;
    again = false;
    for (unsigned i = 0; i < 2000; i++) {
        struct itimerspec s = { { 0, 0 }, { 0, 1000000 } };
        struct sigevent e = { .sigev_notify = SIGEV_NONE };
        if (timer_create(CLOCK_MONOTONIC, &e, &t) != 0)
            break;
        timer_settime(t, 0, &s, NULL);
    }
    usleep(500);
    GO(usleep(2000));
}
static void in_affinity(void)
{
    static char mask[65536];
    memset(mask, 255, sizeof(mask));
    GO(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask);
       syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
}
static void in_mounts(void)
{
    static char b[65536];
    char name[32];
    again = false;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "/tmp/mnt%u", i);
        mkdir(name, 0700);
        NEED(mount("none", name, "tmpfs", 0, NULL) == 0);
    }
    int f = dev("/proc/self/mounts", O_RDONLY);
    GO(read(f, b, sizeof(b)); struct stat st; stat("/tmp/mnt399/x", &st));
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "/tmp/mnt%u", i);
        umount(name);
    }
}
static void in_tty_input(void)
{
    int f = dev("/dev/console", O_RDWR);
    struct termios t;
    signal(SIGTTOU, SIG_IGN);
    tcgetattr(f, &t);
    GO(ioctl(f, TIOCSTI, "x"); tcsetattr(f, TCSAFLUSH, &t));
}

#define CALL(name) \
    { \
#name, in_##name \
    }
static const struct {
    const char *name;
    void (*make)(void);
} calls[] = {
    { "none", NULL },
    CALL(zero),
    CALL(urandom),
    CALL(getrandom),
    CALL(write),
    CALL(read),
    CALL(read_holes),
    CALL(sendfile),
    CALL(copy_file_range),
    CALL(tty),
    CALL(kmsg),
    CALL(writev),
    CALL(writev_null),
    CALL(pipe),
    CALL(pipe_size),
    CALL(populate),
    CALL(populate_file),
    CALL(populate_hole),
    CALL(mlock),
    CALL(mlock_again),
    CALL(brk),
    CALL(munmap),
    CALL(dontneed),
    CALL(mprotect),
    CALL(mremap),
    CALL(mincore),
    CALL(mincore_file),
    CALL(fork),
    CALL(exit),
    CALL(core),
    CALL(mappings_munmap),
    CALL(mappings_over),
    CALL(mappings_mprotect),
    CALL(mappings_madvise),
    CALL(mappings_mlock),
    CALL(mappings_msync),
    CALL(mappings_fork),
    CALL(mappings_core),
    CALL(mappings_proc),
    CALL(mappings_gap),
    CALL(argv),
    CALL(argv_many),
    CALL(proc_args),
    CALL(execve_old),
    CALL(getdents),
    CALL(lookup),
    CALL(umount),
    CALL(getdents_proc),
    CALL(kill_group),
    CALL(kill_all),
    CALL(kill_dead),
    CALL(wait),
    CALL(threads_exit),
    CALL(threads_kill),
    CALL(threads_core),
    CALL(futex),
    CALL(fds_fork),
    CALL(fds_close),
    CALL(fds_cloexec),
    CALL(fds_proc),
    CALL(fds_million),
    CALL(poll),
    CALL(poll_wait),
    CALL(epoll_wait),
    CALL(epoll_wake),
    CALL(epoll_nest),
    CALL(epoll_close),
    CALL(select),
    CALL(path),
    CALL(path_links),
    CALL(getcwd_deep),
    CALL(truncate),
    CALL(truncate_mapped),
    CALL(unlink),
    CALL(fallocate),
    CALL(punch),
    CALL(punch_mapped),
    CALL(seek),
    CALL(seek_sparse),
    CALL(groups),
    CALL(file_locks),
    CALL(signals),
    CALL(timers),
    CALL(affinity),
    CALL(mounts),
    CALL(tty_input),
};
#define NCALLS (sizeof(calls) / sizeof(calls[0]))

/* One NOP for each number, so that the number stands in the instruction. */
/* clang-format off */
#define NOP(n) \
    case n: __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n .long 0x7a5e0000 + %c0" : : "i"(n)); break;
#define NOP10(t) \
    NOP(t * 10) NOP(t * 10 + 1) NOP(t * 10 + 2) NOP(t * 10 + 3) NOP(t * 10 + 4) \
    NOP(t * 10 + 5) NOP(t * 10 + 6) NOP(t * 10 + 7) NOP(t * 10 + 8) NOP(t * 10 + 9)
static void say(unsigned number)
{
    _Static_assert(NCALLS <= 120, "each has its case");
    switch (number) {
        NOP10(0) NOP10(1) NOP10(2) NOP10(3) NOP10(4) NOP10(5)
        NOP10(6) NOP10(7) NOP10(8) NOP10(9) NOP10(10) NOP10(11)
    }
}
/* clang-format on */

/* --- the two ways to run them ----------------------------------------------------------- */

static pid_t start(unsigned i)
{
    *started = 0;
    pid_t p = fork();
    NEED(p >= 0);
    if (p == 0) {
        setpgid(0, 0);
        now_number = i;
        calls[i].make();
        _exit(0);
    }
    return p;
}

static void count(const char *only)
{
    for (unsigned i = 1; i < NCALLS; i++) {
        if (only && strcmp(only, calls[i].name) != 0)
            continue;
        int status;
        pid_t p = start(i);
        NEED(waitpid(p, &status, 0) == p);
        say(0);
        if (!*started || (status != 0 && status != SIGKILL))
            printf("%s: status %x%s\n", calls[i].name, status, *started ? "" : ", not started");
        kill(-p, SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void wait_beside(const char *name)
{
    unsigned i = 1;
    while (i < NCALLS && strcmp(calls[i].name, name) != 0)
        i++;
    NEED(i < NCALLS);
    pid_t p = start(i);
    while (!__atomic_load_n(started, __ATOMIC_SEQ_CST) && waitpid(p, NULL, WNOHANG) == 0)
        usleep(10000);
    double begun = now_ms();
    usleep(100000);
    double slept = now_ms();
    int status = 0;
    kill(-p, SIGKILL);
    kill(p, SIGKILL);
    waitpid(p, &status, 0);
    double died = now_ms();
    printf("%s %.0f %.0f%s\n", name, slept - begun, died - slept,
           status == SIGKILL ? "" : " not killed");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    started = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(started != MAP_FAILED);
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        for (unsigned i = 0; i < NCALLS; i++)
            printf("%u %s\n", i, calls[i].name);
    else if (argc > 1 && strcmp(argv[1], "count") == 0)
        count(argv[2]);
    else if (argc > 1 && strcmp(argv[1], "wait") == 0) {
        big = 8 * MB;
        many = 1000;
        again = true;
        for (int i = 2; i < argc; i++)
            wait_beside(argv[i]);
    }
    return 0;
}
