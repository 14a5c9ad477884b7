/* FIFOs: open waits for the other side, O_NONBLOCK does not (ENXIO for a writer
 * alone); the data go through; the node is a FIFO. */
#include "check.h"

static void test(void)
{
    struct stat st;
    char buf[8];

    CHECK(mkfifo("fifo", 0640) == 0);
    CHECK(stat("fifo", &st) == 0);
    SAY("mode %o size %d\n", st.st_mode, (int)st.st_size);
    CHECK_ERR(EEXIST, mkfifo("fifo", 0640));
    CHECK_ERR(ENXIO, open("fifo", O_WRONLY | O_NONBLOCK));
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0);
    CHECK_EQ(read(reader, buf, 1), 0);
    int writer = open("fifo", O_WRONLY | O_NONBLOCK);
    CHECK(writer >= 0);
    CHECK_ERR(EAGAIN, read(reader, buf, 1));
    CHECK(write(writer, "hello", 5) == 5);
    CHECK_EQ(read(reader, buf, 8), 5);
    close(writer);
    CHECK_EQ(read(reader, buf, 8), 0);
    close(reader);

    long start = now_ms();
    pid_t pid =
        START(msleep(60); int fd = open("fifo", O_WRONLY); CHECK(write(fd, "late", 4) == 4));
    reader = open("fifo", O_RDONLY);
    CHECK(reader >= 0 && now_ms() - start >= 55);
    CHECK_EQ(read(reader, buf, 8), 4);
    CHECK_EQ(read(reader, buf, 8), 0);
    CHECK_EQ(status_of(pid), 0);
    int both = open("fifo", O_RDWR);
    CHECK(both >= 0 && write(both, "x", 1) == 1 && read(both, buf, 1) == 1);
}
