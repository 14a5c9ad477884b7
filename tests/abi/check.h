/* check.h - what the programs in tests/abi share.
 *
 * A program defines test().  It runs on Linux first and then in the guest, and
 * what it prints and its exit status must be the same.  CHECK is silent when
 * it holds; SAY prints a value for the comparison, so it must be the same in
 * every run: no PIDs, times or addresses.  Both write at once: nothing waits in
 * a buffer that a fork would double.  Failures in children count, too. */
#ifndef TESTS_ABI_CHECK_H
#define TESTS_ABI_CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L

static void test(void);

static int *check_failures; /* shared with all children */
static int check_self;      /* the PID of the program itself, in children, too */

/* The Nth name of what all programs of a machine share, as a key_t: no other run has it,
 * though the same program may run twice at once.  0 <= n < 256. */
__attribute__((unused)) static int own_key(int n) { return (check_self & 0x3fffff) << 8 | n; }

__attribute__((unused, format(printf, 1, 2))) static void SAY(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len >= (int)sizeof(line))
        len = sizeof(line) - 1;
    if (write(STDOUT_FILENO, line, len) != len)
        _exit(99);
}

__attribute__((unused)) static void check_that(int holds, const char *file, int line,
                                               const char *what, int error)
{
    const char *slash = strrchr(file, '/');

    if (holds)
        return;
    __atomic_fetch_add(check_failures, 1, __ATOMIC_SEQ_CST);
    SAY("FAIL %s:%d: %s (errno %d)\n", slash ? slash + 1 : file, line, what, error);
}

#define CHECK(...) check_that(!!(__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__, errno)
/* The call fails with exactly this errno. */
#define CHECK_ERR(err, ...) \
    (errno = 0, check_that((long)(__VA_ARGS__) == -1 && errno == (err), __FILE__, __LINE__, \
                           #__VA_ARGS__ " fails with " #err, errno))
/* Two integers are equal; says both when not. */
#define CHECK_EQ(a, b) \
    do { \
        long long a_ = (long long)(a), b_ = (long long)(b); \
        check_that(a_ == b_, __FILE__, __LINE__, #a " == " #b, errno); \
        if (a_ != b_) \
            SAY("     %lld and %lld\n", a_, b_); \
    } while (0)

/* Runs the statements in a forked child, which then exits with 0; gives the
 * child's wait status. */
#define CHILD(...) \
    ({ \
        pid_t child_ = fork(); \
        if (child_ == 0) { \
            __VA_ARGS__; \
            _exit(0); \
        } \
        status_of(child_); \
    })
/* The same with vfork: the parent stands still meanwhile and shares memory.
 * Not in it: raise() and abort(), which in musl take the thread's ID from that
 * memory, and so would signal the parent. */
#define VCHILD(...) \
    ({ \
        pid_t child_ = vfork(); \
        if (child_ == 0) { \
            __VA_ARGS__; \
            _exit(0); \
        } \
        status_of(child_); \
    })
/* Forks a child that runs the statements; gives its PID at once. */
#define START(...) \
    ({ \
        pid_t child_ = fork(); \
        if (child_ == 0) { \
            __VA_ARGS__; \
            _exit(0); \
        } \
        child_; \
    })

#define EXITED(code)         ((code) << 8)
#define KILLED(sig)          (sig)
#define CHECK_DIES(sig, ...) CHECK_EQ(CHILD(__VA_ARGS__) & ~0x80, KILLED(sig))

__attribute__((unused)) static int status_of(pid_t pid)
{
    int status = -1;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got == pid ? status : -1;
}

__attribute__((unused)) static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sleeps for all of it, whatever signals come. */
__attribute__((unused)) static void msleep(long ms)
{
    struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

/* Waits until the condition holds, at most 5 s; gives whether it does. */
#define WAIT_UNTIL(...) \
    ({ \
        int tries_ = 1000; \
        while (!(__VA_ARGS__) && --tries_ > 0) \
            msleep(5); \
        tries_ > 0; \
    })

/* Does this run in the guest, and not on the judge? */
__attribute__((unused)) static int is_forkscope(void)
{
    struct utsname is;

    return uname(&is) == 0 && strstr(is.version, "Forkscope") != NULL;
}

/* Is the judge older than Linux MAJOR.MINOR, and has not what came with that?  Says so.  We have it. */
__attribute__((unused)) static int linux_before(int major, int minor, const char *what)
{
    struct utsname is;
    int has_major = 0, has_minor = 0;

    uname(&is);
    sscanf(is.release, "%d.%d", &has_major, &has_minor);
    if (is_forkscope() || has_major > major || (has_major == major && has_minor >= minor))
        return 0;
    SAY("# this Linux is older than %d.%d: not compared is %s\n", major, minor, what);
    return 1;
}

__attribute__((unused)) static char *map_pages(int count)
{
    char *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

/* Memory that children made by fork share with their parent. */
__attribute__((unused)) static void *map_shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

/* A whole file of /proc or of anywhere, as a string; "" if it cannot be read. */
__attribute__((unused)) static const char *slurp(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = 0, got;

    while (fd >= 0 && (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += got;
    if (fd >= 0)
        close(fd);
    text[len] = '\0';
    return text;
}

/* The state letter of /proc/PID/stat; '?' if there is none. */
__attribute__((unused)) static char state_of(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    const char *end = strrchr(slurp(path), ')');
    return end != NULL && end[1] == ' ' ? end[2] : '?';
}

__attribute__((unused)) static void handle(int sig, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

    sigemptyset(&action.sa_mask);
    CHECK(sigaction(sig, &action, NULL) == 0);
}

/* What one write(2) of the text to a file gives, and its errno, or that of opening it. */
__attribute__((unused)) static long put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    long n = fd < 0 ? -1 : write(fd, text, strlen(text));
    int err = errno;

    if (fd >= 0)
        close(fd);
    errno = err;
    return n;
}

__attribute__((unused)) static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

int main(int argc, char **argv)
{
    struct rlimit no_core;

    (void)argc;
    (void)argv;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int sig = 1; sig <= SIGSYS; sig++)
        signal(sig, SIG_DFL); /* whatever started this */
    getrlimit(RLIMIT_CORE, &no_core);
    no_core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &no_core);
    umask(022);
    check_self = getpid();
    check_failures = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (check_failures == MAP_FAILED)
        return 99;
    test();
    return *check_failures != 0;
}

#endif
