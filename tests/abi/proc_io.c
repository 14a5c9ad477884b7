/* /proc/PID/io: what read, write and their relatives have moved and how often they were called, by a thread and by its
 * process, threads that have ended included. */
#include "check.h"
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

struct io {
    unsigned long long rchar, wchar, syscr, syscw, text;
};

/* The look itself is a read, which it does not see, but the next one. */
static struct io look(const char *path)
{
    struct io i = { 0 };
    char text[512] = "";
    int fd = open(path, O_RDONLY);

    if (read(fd, text, sizeof(text) - 1) <= 0 ||
        sscanf(text, "rchar: %llu wchar: %llu syscr: %llu syscw: %llu", &i.rchar, &i.wchar,
               &i.syscr, &i.syscw) != 4)
        SAY("FAIL %s\n", path);
    i.text = strlen(text);
    close(fd);
    return i;
}

static char bytes[5000];
#define SELF "/proc/self/io"

/* What has been counted since the last time. */
#define SINCE(r, w, rc, wc) \
    do { \
        i = j; \
        j = look(SELF); \
        CHECK_EQ(j.rchar - i.rchar - i.text, (r)); \
        CHECK_EQ(j.wchar - i.wchar, (w)); \
        CHECK_EQ(j.syscr - i.syscr - 1, (rc)); \
        CHECK_EQ(j.syscw - i.syscw, (wc)); \
    } while (0)

static void *move_some(void *arg)
{
    int *fd = arg;

    CHECK_EQ(pwrite(fd[0], bytes, 100, 0), 100);
    CHECK_EQ(pread(fd[0], bytes, 50, 0), 50);
    return NULL;
}

static void test(void)
{
    int fd[2] = { open("f", O_RDWR | O_CREAT, 0600), open("g", O_RDWR | O_CREAT, 0600) };
    struct iovec v[2] = { { bytes, 10 }, { bytes, 20 } };
    struct io i = look(SELF);

    struct io j = look(SELF);
    CHECK(j.rchar == i.rchar + i.text && j.syscr == i.syscr + 1 && j.wchar == i.wchar &&
          j.syscw == i.syscw);

    CHECK_EQ(write(fd[0], bytes, 5000), 5000);
    SINCE(0, 5000, 0, 1);
    CHECK_EQ(writev(fd[0], v, 2), 30);
    CHECK_EQ(pread(fd[0], bytes, 7, 0), 7);
    SINCE(7, 30, 1, 1);
    CHECK_EQ(preadv(fd[0], v, 2, 0), 30);
    CHECK_EQ(read(fd[0], bytes, 10), 0); /* the end */
    SINCE(30, 0, 2, 0);
    CHECK_ERR(EBADF, read(77, bytes, 1));
    CHECK_ERR(EFAULT, write(fd[0], (void *)8, 1) == -1 ? pread(fd[0], (void *)8, 1, 0) : 0);
    SINCE(0, 0, 1, 1);
    CHECK_EQ(sendfile(fd[1], fd[0], &(off_t){ 0 }, 400), 400);
    SINCE(400, 400, 1, 1);
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, move_some, fd), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
    SINCE(50, 100, 1, 1);
    struct io mine = look("/proc/thread-self/io");
    j = look(SELF);
    CHECK(j.wchar >= mine.wchar + 100);
    pid_t pid = START(;);
    CHECK_EQ(waitid(P_PID, pid, NULL, WEXITED | WNOWAIT), 0);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/io", pid);
    struct io child = look(path); /* it has begun at 0, and ended */
    CHECK(child.wchar == 0 && child.syscw == 0);
    status_of(pid);
}
