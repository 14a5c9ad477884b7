/* read, write, lseek, pread, pwrite, readv, writev, truncate: holes read as zero, offsets,
 * errors of bad positions, files that shrink and grow. */
#include "check.h"
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PIECES 1024 /* as many as a call takes */
#define EACH   13

static char to[PIECES][EACH], from[PIECES][EACH];

static void cover(struct iovec *v, char (*bytes)[EACH])
{
    for (int i = 0; i < PIECES; i++)
        v[i] = (struct iovec){ bytes[i], EACH };
}

/* Of n bytes that came, all are right, and no more did. */
static void came(const char *how, long n)
{
    const char *a = (const char *)from, *b = (const char *)to;
    long right = 0;

    while (right < (long)sizeof(to) && a[right] == b[right])
        right++;
    SAY("%s: %ld, %ld right\n", how, n, MIN(right, n));
    memset(to, 0, sizeof(to));
}

/* A vector is one call's, whatever its length: of a file, of a datagram, of another's memory. */
static void many_pieces(int fd)
{
    struct iovec v[PIECES + 1], w[PIECES + 1]; /* one that no call takes */
    struct msghdr out = { .msg_iov = v, .msg_iovlen = PIECES },
                  in = { .msg_iov = w, .msg_iovlen = PIECES };
    int pair[2], ends[2], room = 200000;

    for (size_t i = 0; i < sizeof(from); i++)
        from[i / EACH][i % EACH] = (char)(1 + i % 127);
    cover(v, from);
    cover(w, to);
    SAY("writev %zd\n", pwritev(fd, v, PIECES, 100));
    came("readv", preadv(fd, w, PIECES, 100));
    for (int n = 250; n <= 260; n++) /* about where a page is full */
        came("readv of some", preadv(fd, w, n, 100));
    came("readv of 511", preadv(fd, w, 511, 100));
    CHECK_ERR(EINVAL, preadv(fd, w, PIECES + 1, 100));
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && pipe(ends) == 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    SAY("sendmsg %zd\n", sendmsg(pair[0], &out, 0));
    came("recvmsg", recvmsg(pair[1], &in, 0));
    SAY("writev of a datagram %zd\n", writev(pair[0], v, PIECES));
    came("readv of a datagram", readv(pair[1], w, PIECES));
    out.msg_iovlen = PIECES + 1;
    CHECK_ERR(EMSGSIZE, sendmsg(pair[0], &out, 0));
    came("process_vm_readv", process_vm_readv(getpid(), w, PIECES, v, PIECES, 0));
    SAY("vmsplice %zd\n", vmsplice(ends[1], v, 10, 0));
    came("readv of a pipe", readv(ends[0], w, PIECES));
    v[600].iov_base = (void *)8; /* what comes before it is written */
    SAY("writev to a bad piece: %d\n", pwritev(fd, v, PIECES, 100) > 0);
    v[900].iov_len = (size_t)-1;
    CHECK_ERR(EINVAL, pwritev(fd, v, PIECES, 100));
    CHECK_ERR(EFAULT, pwritev(fd, (void *)8, PIECES, 100));
    for (int i = 0; i < PIECES; i++)
        v[i].iov_len = 0;
    CHECK_EQ(pwritev(fd, v, PIECES, 100), 0);
    for (int i = 0; i < 2; i++)
        close(pair[i]), close(ends[i]);
}

static void test(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char buf[20000], one[3], two[5];
    struct stat st;
    struct iovec v[3] = { { "ab", 2 }, { NULL, 0 }, { "cdefgh", 6 } };

    CHECK_EQ(pwrite(fd, "end", 3, 9999), 3);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK_EQ(read(fd, buf, sizeof(buf)), 10002);
    for (int i = 0; i < 9999; i++)
        if (buf[i] != 0) {
            CHECK(!"the hole is zero");
            break;
        }
    CHECK_EQ(read(fd, buf, 1), 0);
    CHECK_EQ(lseek(fd, -2, SEEK_END), 10000);
    CHECK_EQ(lseek(fd, 5, SEEK_CUR), 10005);
    CHECK_EQ(read(fd, buf, 1), 0);
    CHECK_ERR(EINVAL, lseek(fd, -1, SEEK_SET));
    CHECK_ERR(EINVAL, lseek(fd, 0, 99));
    CHECK_ERR(EINVAL, lseek(fd, -20000, SEEK_END));
    CHECK_ERR(EINVAL, pread(fd, buf, 1, -1));
    CHECK_EQ(lseek(fd, 20000, SEEK_SET), 20000);
    CHECK_EQ(writev(fd, v, 3), 8);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 20008);
    struct iovec r[2] = { { one, 3 }, { two, 5 } };
    lseek(fd, 20000, SEEK_SET);
    CHECK_EQ(readv(fd, r, 2), 8);
    CHECK(memcmp(one, "abc", 3) == 0 && memcmp(two, "defgh", 5) == 0);
    CHECK_ERR(EINVAL, readv(fd, r, -1));
    CHECK_ERR(EINVAL, readv(fd, r, 2000));

    CHECK(ftruncate(fd, 4100) == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 4100);
    CHECK(ftruncate(fd, 9000) == 0);
    CHECK(pwrite(fd, "x", 1, 8999) == 1);
    CHECK_EQ(pread(fd, buf, sizeof(buf), 0), 9000);
    for (int i = 0; i < 8999; i++)
        if (buf[i] != 0) {
            CHECK(!"what was cut off is zero when the file grows again");
            break;
        }
    memset(buf, 'z', 6000);
    CHECK_EQ(pwrite(fd, buf, 6000, 0), 6000);
    CHECK(ftruncate(fd, 5000) == 0 && ftruncate(fd, 6000) == 0);
    CHECK_EQ(pread(fd, buf, 1000, 5000), 1000);
    CHECK(buf[0] == 0 && buf[999] == 0);
    CHECK_ERR(EINVAL, ftruncate(fd, -1));
    int ro = open("file", O_RDONLY);
    CHECK_ERR(EINVAL, ftruncate(ro, 0));
    CHECK_ERR(EBADF, write(ro, "x", 1));
    CHECK_ERR(EFAULT, write(fd, (char *)8, 10));
    CHECK_ERR(EFAULT, read(ro, (char *)8, 10));
    CHECK_EQ(write(fd, NULL, 0), 0);
    CHECK_ERR(EISDIR, read(open(".", O_RDONLY), buf, 1));
    CHECK_ERR(EISDIR, truncate(".", 0));
    CHECK_ERR(ENOENT, truncate("none", 0));
    many_pieces(fd);
    CHECK(truncate("file", 3) == 0 && stat("file", &st) == 0 && st.st_size == 3);

    /* a buffer that is bad from its middle on: what could be written is */
    char *p = map_pages(2);
    memset(p, 'p', PAGE);
    munmap(p + PAGE, PAGE);
    int fds[2];
    CHECK(pipe(fds) == 0);
    ssize_t got = write(fds[1], p + PAGE - 10, 20);
    CHECK(got == 10 || (got == -1 && errno == EFAULT));

    struct rlimit small = { 5000, RLIM_INFINITY };
    CHECK_EQ(CHILD({
                 signal(SIGXFSZ, SIG_IGN);
                 setrlimit(RLIMIT_FSIZE, &small);
                 int f = open("limited", O_RDWR | O_CREAT, 0644);
                 CHECK_EQ(write(f, buf, 6000), 5000);
                 CHECK_ERR(EFBIG, write(f, buf, 1));
                 CHECK_ERR(EFBIG, ftruncate(f, 6000));
                 signal(SIGXFSZ, SIG_DFL);
                 CHECK_DIES(SIGXFSZ, if (write(f, "x", 1) != 1) _exit(1));
             }),
             0);
}
