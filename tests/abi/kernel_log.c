/* The kernel's log: what is written to /dev/kmsg is read there, by who opens it from the oldest on, and as lines by
 * syslog(2).  The log is the machine's: only records of its own are looked for. */
#include "check.h"
#include <poll.h>
#include <stdbool.h>
#include <sys/klog.h>

enum { READ = 2, READ_ALL, READ_CLEAR, CLEAR, OFF, ON, LEVEL, UNREAD, SIZE };

static char mark[32], got[9000];

/* A file that has seen all there is. */
static int at_end(int flags)
{
    int fd = open("/dev/kmsg", O_RDONLY | flags);

    CHECK(fd >= 0 && lseek(fd, 0, SEEK_END) == 0);
    return fd;
}

static long put(const char *before, const char *text)
{
    char line[1100];
    int fd = open("/dev/kmsg", O_WRONLY),
        n = snprintf(line, sizeof line, "%s%s%s", before, mark, text);
    long put = write(fd, line, n);

    CHECK(put == n);
    close(fd);
    return put;
}

/* The next record that has the mark: its priority and what comes behind the mark; its number is returned. */
static unsigned long record(int fd, const char *which)
{
    unsigned priority = 0;
    unsigned long seq = 0, us;
    char *text;

    do {
        got[0] = 0;
        long n = read(fd, got, sizeof got - 1);
        if (n < 0 && errno == EPIPE)
            continue;
        CHECK(n > 0);
        if (n <= 0)
            return 0;
        got[n] = 0;
    } while ((text = strstr(got, mark)) == NULL);
    CHECK(sscanf(got, "%u,%lu,%lu,", &priority, &seq, &us) == 3);
    SAY("%s: %u %s", which, priority, text + strlen(mark));
    return seq;
}

static void device(void)
{
    int fd = at_end(O_NONBLOCK);

    put("<7>", "debug\n");
    put("<5>", "no newline");
    put("", "no priority\n");
    put("<30>", "a daemon's\n");
    put("<300>", "many\n");
    put("<x>", "bad priority\n");
    put("<7>", "\\ tab\t and \001 \xc3\xa9\n");
    put("<7>", "two\nlines\n\n");
    unsigned long a = record(fd, "debug"), b = record(fd, "no newline");
    CHECK(b > a);
    record(fd, "no priority");
    record(fd, "facility");
    record(fd, "big");
    record(fd, "no number");
    record(fd, "escaped");
    record(fd, "two lines");

    int first = at_end(0);
    put("<7>", "small room\n");
    CHECK_ERR(EINVAL, read(first, got, 5));
    put("<7>", "next\n"); /* what had no room is gone */
    record(first, "next");
    CHECK_ERR(ESPIPE, lseek(first, 1, SEEK_SET));
    CHECK_ERR(EINVAL, lseek(first, 0, SEEK_CUR));
    CHECK(lseek(first, 0, SEEK_SET) == 0 && read(first, got, sizeof got) > 0);
    memset(got, 'x', sizeof got);
    int out = open("/dev/kmsg", O_WRONLY);
    CHECK_ERR(EINVAL, write(out, got, 1025));
    CHECK_ERR(EFAULT, write(out, (void *)8, 10));
    close(out);
    close(first);
    close(fd);
}

static void waiting(void)
{
    int fd = at_end(0);
    struct pollfd p = { fd, POLLIN, 0 };

    pid_t child = fork();
    if (child == 0) {
        record(fd, "awaited");
        _exit(0);
    }
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    put("<7>", "awaited\n");
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(lseek(fd, 0, SEEK_END) == 0);
    put("<7>", "polled\n");
    CHECK(poll(&p, 1, 10000) == 1 && (p.revents & POLLIN));
    close(fd);
}

static void lines(void)
{
    static char all[1 << 20];
    char *at;

    put("<13>", "one\nof two\n");
    long n = klogctl(READ_ALL, all, sizeof all - 1);
    CHECK(n > 0 && klogctl(SIZE, NULL, 0) > 0);
    all[n > 0 ? n : 0] = 0;
    at = strstr(all, mark);
    for (char *next; at && (next = strstr(at + 1, mark));)
        at = next;
    CHECK(at && strncmp(at + strlen(mark), "one\n<13>[", 9) == 0);
    at = at ? strstr(at, "] ") : NULL;
    SAY("second line: %s", at ? at + 2 : "none\n");
    CHECK(klogctl(READ_ALL, all, 10) >= 0 && klogctl(READ_ALL, all, 10) <= 10);
    CHECK_ERR(EINVAL, klogctl(READ, NULL, 1));
    CHECK_ERR(EINVAL, klogctl(READ_ALL, all, -1));
    CHECK_ERR(EFAULT, klogctl(READ_ALL, (char *)-4096, 8192));
    CHECK(klogctl(READ, all, 0) == 0 && klogctl(0, NULL, 0) == 0 && klogctl(1, NULL, 0) == 0);
    CHECK_ERR(EINVAL, klogctl(LEVEL, NULL, 9));
    CHECK_EQ(CHILD(CHECK(setuid(5) == 0); CHECK_ERR(EPERM, klogctl(READ, all, 5));
                   CHECK_ERR(EPERM, klogctl(CLEAR, NULL, 0));
                   CHECK_ERR(EPERM, klogctl(99, NULL, 0))),
             0);
}

/* The machine's own log is not emptied, nor filled: only the guest's. */
static void ours(void)
{
    static char all[1 << 16];
    int old, fd, cleared;
    long n;

    if (!is_forkscope())
        return;
    old = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    for (int i = 0; i < 2000; i++)
        put("<7>", "one of many that take the place of others\n");
    CHECK_ERR(EPIPE, read(old, got, sizeof got));
    CHECK(read(old, got, sizeof got) > 0);
    CHECK(klogctl(UNREAD, NULL, 0) > 1000 && klogctl(READ, all, 7) == 7);
    n = klogctl(UNREAD, NULL, 0);
    CHECK(klogctl(READ, all, sizeof all) == n && klogctl(UNREAD, NULL, 0) == 0);
    CHECK(klogctl(READ_CLEAR, all, sizeof all) == n + 7);
    put("<7>", "after\n");
    CHECK(klogctl(READ_ALL, all, sizeof all) < 100);
    cleared = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    CHECK(lseek(cleared, 0, SEEK_DATA) == 0 && read(cleared, got, sizeof got) < 100);
    CHECK_ERR(EAGAIN, read(cleared, got, sizeof got));
    fd = open("/proc/sys/kernel/printk", O_RDWR);
    n = read(fd, all, 100);
    CHECK(n == 8 && memcmp(all, "1\t4\t1\t7\n", 8) == 0);
    CHECK(klogctl(ON, NULL, 0) == 0 && pread(fd, all, 100, 0) == 8 && all[0] == '7');
    CHECK(pwrite(fd, "4\n", 2, 0) == 2 && pread(fd, all, 100, 0) == 8 && all[0] == '4');
    CHECK(klogctl(LEVEL, NULL, 7) == 0 && pread(fd, all, 100, 0) == 8 && all[0] == '7');
}

static void test(void)
{
    snprintf(mark, sizeof mark, "(test %d) ", getpid());
    if (access("/dev/kmsg", R_OK | W_OK) != 0 || klogctl(SIZE, NULL, 0) < 0) {
        SAY("# no log here\n");
        return;
    }
    if (is_forkscope()) /* what is written would stand on the console, too */
        CHECK(klogctl(OFF, NULL, 0) == 0);
    device();
    waiting();
    lines();
    ours();
}
