/* Pipes: end of file, EPIPE and SIGPIPE, blocking, O_NONBLOCK, FIONREAD, what a pipe
 * holds, atomic writes of up to PIPE_BUF, bad uses. */
#include "check.h"
#include <sys/ioctl.h>

static void ends(void)
{
    int fds[2], n;
    char buf[8];

    CHECK(pipe(fds) == 0);
    CHECK(write(fds[1], "abc", 3) == 3);
    CHECK(ioctl(fds[0], FIONREAD, &n) == 0 && n == 3);
    CHECK_EQ(read(fds[0], buf, 2), 2);
    CHECK_EQ(read(fds[0], buf, 8), 1);
    CHECK_ERR(EBADF, read(fds[1], buf, 1));
    CHECK_ERR(EBADF, write(fds[0], buf, 1));
    CHECK_ERR(ESPIPE, lseek(fds[0], 0, SEEK_CUR));
    CHECK_ERR(EFAULT, write(fds[1], (char *)8, 1));
    CHECK_EQ(write(fds[1], "", 0), 0);
    CHECK(write(fds[1], "last", 4) == 4);
    close(fds[1]);
    CHECK_EQ(read(fds[0], buf, 8), 4);
    CHECK_EQ(read(fds[0], buf, 8), 0);
    CHECK_EQ(read(fds[0], buf, 8), 0);
    close(fds[0]);

    CHECK(pipe(fds) == 0);
    close(fds[0]);
    CHECK_DIES(SIGPIPE, if (write(fds[1], "x", 1) < 0) _exit(1));
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(EPIPE, write(fds[1], "x", 1));
    close(fds[1]);
    CHECK_ERR(EINVAL, pipe2(fds, 0x7));
    CHECK_ERR(EFAULT, pipe((int *)8));
}

static void full(void)
{
    int fds[2], n;
    long total = 0, got;
    static char page[4096], big[200000];

    CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    CHECK((fcntl(fds[1], F_GETFL) & O_NONBLOCK) != 0);
    CHECK_ERR(EAGAIN, read(fds[0], page, 1));
    while ((got = write(fds[1], page, sizeof(page))) > 0)
        total += got;
    SAY("holds %ld, F_GETPIPE_SZ %d\n", total, fcntl(fds[0], F_GETPIPE_SZ));
    CHECK_EQ(errno, EAGAIN);
    CHECK_ERR(EAGAIN, write(fds[1], "x", 1));
    CHECK(ioctl(fds[1], FIONREAD, &n) == 0 && n == total);
    CHECK_EQ(read(fds[0], page, 4096), 4096);
    CHECK_EQ(write(fds[1], page, 4096), 4096);
    while (read(fds[0], page, sizeof(page)) > 0)
        ;
    SAY("a write of 200000 takes %zd\n", write(fds[1], big, sizeof(big)));

    /* blocking: all of it goes through */
    fcntl(fds[1], F_SETFL, 0);
    fcntl(fds[0], F_SETFL, 0);
    pid_t pid = START(close(fds[0]); CHECK_EQ(write(fds[1], big, sizeof(big)), sizeof(big)));
    close(fds[1]);
    total = 0;
    while ((got = read(fds[0], page, 1000)) > 0)
        total += got;
    SAY("then %ld come out\n", total);
    CHECK_EQ(status_of(pid), 0);
    close(fds[0]);
}

/* Four writers of PIPE_BUF each, of one letter: no letters mix within a block. */
static void atomic(void)
{
    int fds[2];
    pid_t pid[4];
    char block[4096];
    size_t have = 0, blocks = 0;

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < 4; i++)
        pid[i] = START(close(fds[0]); memset(block, 'a' + i, sizeof(block));
                       for (int n = 0; n < 25; n++) CHECK(write(fds[1], block, 4096) == 4096));
    close(fds[1]);
    for (;;) {
        ssize_t got = read(fds[0], block + have, sizeof(block) - have);
        if (got <= 0)
            break;
        have += got;
        if (have == sizeof(block)) {
            for (size_t i = 1; i < have; i++)
                if (block[i] != block[0]) {
                    CHECK(!"one writer's block in one piece");
                    break;
                }
            have = 0;
            blocks++;
        }
    }
    CHECK_EQ(blocks, 100);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status_of(pid[i]), 0);
    close(fds[0]);
}

static void test(void)
{
    ends();
    full();
    atomic();
}
