/* What is wrong first: reads, writes, copies and others with several things wrong at once, of files of many kinds. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static char name[] = "/tmp/errors.XXXXXX", room[16];

/* What the call gives, short: a dot, or its errno. */
static void say(long result)
{
    int err = errno;

    if (result >= 0)
        SAY(" .");
    else
        SAY(" %d", err);
}

#define TRY(...) say((errno = 0, (long)(__VA_ARGS__)))

struct kind {
    const char *name;
    int fd;
};

static void buffers(const struct kind *k)
{
    void *const at[] = { room, (void *)(1ul << 62), (void *)-4096l, (void *)16 };
    const size_t size[] = { 0, 8, -1, 1ul << 63, 1ul << 62 };

    for (int i = 0; i < 4; i++) {
        SAY("%s, buffer %d:", k->name, i);
        for (int j = 0; j < 5; j++) {
            struct iovec v = { at[i], size[j] };

            if (i == 0 && j > 1)
                continue;
            TRY(read(k->fd, at[i], size[j]));
            TRY(write(k->fd, at[i], size[j]));
            TRY(pread(k->fd, at[i], size[j], 0));
            TRY(pread(k->fd, at[i], size[j], -1));
            TRY(pwrite(k->fd, at[i], size[j], 0));
            TRY(readv(k->fd, &v, 1));
            TRY(writev(k->fd, &v, 1));
            TRY(preadv(k->fd, &v, 1, 0));
            TRY(preadv(k->fd, &v, 1, -1));
            SAY(",");
        }
        for (long n = -1; n < 2; n++)
            TRY(syscall(SYS_readv, k->fd, at[i], n));
        TRY(syscall(SYS_writev, k->fd, at[i], 1025));
        SAY("\n");
    }
}

static void copies(const struct kind *k, int good)
{
    off_t off = 0, less = -1;

    lseek(good, 0, SEEK_SET);
    SAY("%s, copies:", k->name);
    TRY(sendfile(k->fd, good, (void *)16, 1));
    TRY(sendfile(k->fd, good, &less, 1));
    TRY(sendfile(k->fd, good, &off, -1));
    TRY(sendfile(k->fd, good, &off, 0));
    TRY(sendfile(good, k->fd, NULL, 1));
    TRY(sendfile(good, k->fd, (void *)16, 1));
    TRY(sendfile(good, k->fd, &less, 1));
    TRY(sendfile(good, k->fd, &off, 0));
    TRY(sendfile(good, k->fd, &off, -1));
    TRY(copy_file_range(k->fd, NULL, good, NULL, 1, 0));
    TRY(copy_file_range(good, NULL, k->fd, NULL, 1, 1));
    TRY(syscall(SYS_copy_file_range, k->fd, 16, good, NULL, 1, 0));
    TRY(syscall(SYS_copy_file_range, good, 16, k->fd, NULL, 1, 1));
    TRY(copy_file_range(k->fd, &less, good, NULL, 1, 0));
    SAY("\n");
}

static void others(const struct kind *k)
{
    struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };

    SAY("%s, others:", k->name);
    TRY(fcntl(k->fd, F_SETFL, O_DIRECT));
    TRY(fcntl(k->fd, F_SETFL, 0));
    TRY(lseek(k->fd, 0, 99));
    TRY(lseek(k->fd, -1, SEEK_SET));
    TRY(ftruncate(k->fd, -1));
    TRY(fallocate(k->fd, 0, -1, 1));
    TRY(fallocate(k->fd, 0, 0, 0));
    TRY(fsync(k->fd));
    TRY(readahead(k->fd, 0, 1));
    TRY(sync_file_range(k->fd, 0, 0, 99));
    TRY(flock(k->fd, LOCK_UN));
    TRY(fcntl(k->fd, F_SETLK, &l));
    l.l_type = F_WRLCK;
    TRY(fcntl(k->fd, F_SETLK, &l));
    TRY(fcntl(k->fd, F_SETLK, 16));
    SAY("\n");
}

static void test(void)
{
    int good = mkstemp(name), ends[2];

    signal(SIGPIPE, SIG_IGN);
    CHECK(good >= 0 && pwrite(good, "0123456789", 10, 0) == 10 && pipe2(ends, O_NONBLOCK) == 0);
    struct kind kinds[] = {
        { "closed", 777 },
        { "for reading", open(name, O_RDONLY) },
        { "for writing", open(name, O_WRONLY) },
        { "path", open(name, O_PATH) },
        { "directory", open("/tmp", O_RDONLY | O_DIRECTORY) },
        { "pipe's end", ends[0] },
        { "pipe's other", ends[1] },
        { "epoll", epoll_create1(0) },
        { "socket", socket(AF_UNIX, SOCK_STREAM, 0) },
        { "inotify", inotify_init1(IN_NONBLOCK) },
        { "null", open("/dev/null", O_RDWR) },
    };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(kinds[i].name, "null") != 0)
            buffers(&kinds[i]);
        copies(&kinds[i], good);
        others(&kinds[i]);
    }
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), event = eventfd(0, EFD_NONBLOCK);
    CHECK_ERR(EINVAL, fcntl(timer, F_SETFL, O_DIRECT));
    CHECK_ERR(EINVAL, fcntl(event, F_SETFL, O_DIRECT | O_NONBLOCK));
    CHECK(fcntl(event, F_GETFL) == (O_RDWR | O_NONBLOCK));
    unlink(name);
}
