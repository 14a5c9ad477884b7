/* F_NOTIFY: what happens in a directory is told by a signal, once or always; renames within it; how it
 * ends: by 0, and by a close of any of the caller's descriptors of it. */
#include "check.h"

#ifndef F_NOTIFY
#define F_NOTIFY     1026
#define DN_ACCESS    1
#define DN_MODIFY    2
#define DN_CREATE    4
#define DN_DELETE    8
#define DN_RENAME    16
#define DN_ATTRIB    32
#define DN_MULTISHOT 0x80000000u
#endif

static volatile int signals, last_signal, fd_told, code_told;

static void told(int sig, siginfo_t *info, void *context)
{
    (void)context;
    signals++;
    last_signal = sig;
    fd_told = info->si_fd;
    code_told = info->si_code;
}

static long notify(int fd, unsigned what) { return fcntl(fd, F_NOTIFY, what); }

/* The statement is told so often: once it is all there; never, for as long as one can wait. */
static void count(int expected, const char *what)
{
    static int said;

    if (expected > 0) {
        CHECK(WAIT_UNTIL(signals >= expected));
    } else {
        msleep(30); /* nothing can be waited for */
    }
    if (signals != expected)
        SAY("%d: %s: %d signals, not %d\n", said, what, signals, expected);
    CHECK_EQ(signals, expected);
    said++;
    signals = 0;
}
#define TOLD(n, ...) \
    do { \
        __VA_ARGS__; \
        count(n, #__VA_ARGS__); \
    } while (0)

static void make(const char *name)
{
    int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);

    CHECK(fd >= 0);
    close(fd);
}

static void once_and_always(int d)
{
    CHECK_EQ(notify(d, DN_CREATE), 0);
    CHECK_EQ(fcntl(d, F_GETOWN), getpid());
    TOLD(1, make("d/a"));
    CHECK_EQ(last_signal, SIGIO);
    TOLD(0, make("d/b")); /* it was once */
    CHECK_EQ(fcntl(d, F_SETSIG, SIGRTMIN), 0);
    CHECK_EQ(notify(d, DN_CREATE | DN_MULTISHOT), 0);
    TOLD(1, make("d/x"));
    CHECK_EQ(last_signal, SIGRTMIN);
    CHECK_EQ(fd_told, d);
    CHECK_EQ(code_told, 3); /* POLL_MSG */
    TOLD(1, CHECK(mkdir("d/s", 0700) == 0));
    TOLD(0, make("d/s/deeper"));
    CHECK_EQ(notify(d, 0), 0);
    TOLD(0, make("d/y"));
    CHECK_EQ(fcntl(d, F_GETOWN), getpid());
}

static void renames(int d)
{
    CHECK_EQ(notify(d, DN_RENAME | DN_MULTISHOT), 0);
    TOLD(1, CHECK(rename("d/a", "d/c") == 0));
    TOLD(0, CHECK(rename("d/c", "e/c") == 0));
    TOLD(0, CHECK(rename("e/c", "d/a") == 0));
    CHECK_EQ(notify(d, 0), 0);
    CHECK_EQ(notify(d, DN_DELETE | DN_MULTISHOT), 0);
    TOLD(1, CHECK(rename("d/a", "e/a") == 0));
    TOLD(0, CHECK(rename("e/a", "d/a") == 0));
    TOLD(1, CHECK(unlink("d/b") == 0));
    CHECK_EQ(notify(d, 0), 0);
    CHECK_EQ(notify(d, DN_CREATE | DN_MULTISHOT), 0);
    TOLD(0, CHECK(rename("d/a", "e/a") == 0));
    TOLD(1, CHECK(rename("e/a", "d/a") == 0));
    CHECK_EQ(notify(d, 0), 0);
}

static void contents(int d)
{
    char byte;
    int f = open("d/a", O_RDWR);

    CHECK_EQ(notify(d, DN_ATTRIB | DN_MULTISHOT), 0);
    TOLD(1, CHECK(chmod("d/a", 0644) == 0));
    TOLD(1, CHECK(chmod("d", 0755) == 0)); /* it itself */
    CHECK_EQ(notify(d, 0), 0);
    CHECK_EQ(notify(d, DN_MODIFY | DN_MULTISHOT), 0);
    TOLD(1, CHECK(write(f, "ab", 2) == 2));
    TOLD(0, CHECK(pread(f, &byte, 1, 0) == 1));
    CHECK_EQ(notify(d, DN_ACCESS), 0); /* comes to it, and stays */
    TOLD(1, CHECK(pread(f, &byte, 1, 0) == 1));
    TOLD(1, CHECK(pread(f, &byte, 1, 0) == 1));
    TOLD(1, CHECK(ftruncate(f, 0) == 0));
    CHECK_ERR(ENOTDIR, notify(f, DN_MODIFY));
    CHECK_EQ(notify(f, 0), 0);
    close(f);
}

static void ends(int d)
{
    int f = open("d/a", O_RDWR), pipes[2];

    close(dup(d)); /* as good as its own */
    TOLD(0, CHECK(write(f, "ab", 2) == 2));
    CHECK_EQ(notify(d, DN_MODIFY | DN_MULTISHOT), 0);
    TOLD(1, CHECK(write(f, "ab", 2) == 2));
    CHECK(pipe(pipes) == 0);
    pid_t child = START(close(pipes[1]); CHECK(read(pipes[0], &pipes, 1) == 0));
    TOLD(1, CHECK(write(f, "ab", 2) == 2));
    close(d); /* the child has it still */
    TOLD(0, CHECK(write(f, "ab", 2) == 2));
    close(pipes[1]);
    CHECK_EQ(status_of(child), 0);
    d = open("d", O_RDONLY);
    CHECK_EQ(notify(d, DN_DELETE), 0);
    CHECK_EQ(CHILD(close(d)), 0); /* not whose it is */
    signals = 0;                  /* SIGCHLD is none of them */
    TOLD(1, CHECK(unlink("d/y") == 0));
    close(d);
    close(f);
}

static void test(void)
{
    struct sigaction action = { .sa_sigaction = told, .sa_flags = SA_SIGINFO | SA_RESTART };

    CHECK(sigaction(SIGIO, &action, NULL) == 0 && sigaction(SIGRTMIN, &action, NULL) == 0);
    CHECK(mkdir("d", 0700) == 0 && mkdir("e", 0700) == 0);
    int d = open("d", O_RDONLY);
    once_and_always(d);
    renames(d);
    contents(d);
    ends(d);
    CHECK_EQ(atoi(slurp("/proc/sys/fs/dir-notify-enable")), 1);
}
