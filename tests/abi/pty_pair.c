/* A pseudo-terminal's two sides: what is typed into the master is echoed, edited and read at the
 * slave; what the slave writes is processed and read from the master; sizes, locks, packet mode, polling,
 * a full line, and what either side finds when the other one is closed. */
#include "check.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char name[64];

static void open_pair(void)
{
    int n = -1, unlocked = 0;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK(master >= 0);
    CHECK_EQ(ioctl(master, TIOCGPTN, &n), 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    CHECK_ERR(EIO, open(name, O_RDWR | O_NOCTTY)); /* still locked */
    CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlocked), 0);
    slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
}

static void close_pair(void)
{
    close(slave);
    close(master);
}

/* What the master has to read, as C would write it. */
static void say_output(const char *what)
{
    char text[256], out[1024] = "";
    struct pollfd p = { master, POLLIN, 0 };
    while (poll(&p, 1, 0) == 1 && (p.revents & POLLIN)) {
        ssize_t n = read(master, text, sizeof(text));
        for (ssize_t i = 0; i < n; i++) {
            size_t at = strlen(out);
            snprintf(out + at, sizeof(out) - at, text[i] < ' ' ? "\\%o" : "%c", text[i]);
        }
    }
    SAY("%s: %s\n", what, out);
}

static void type(const char *keys)
{
    CHECK_EQ(write(master, keys, strlen(keys)), (long)strlen(keys));
}

static void say_read(const char *what)
{
    char text[256];
    ssize_t n = read(slave, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    SAY("%s: %zd %s\n", what, n, text);
}

static int ready(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
    poll(&p, 1, 0);
    return p.revents;
}

static void cooked(void)
{
    open_pair();
    CHECK(isatty(slave) && isatty(master));
    type("helo\177\177llo\n");
    say_read("a line");
    say_output("echo");
    type("one\ntwo\004three\026\003x\n");
    say_read("first");
    say_read("second, by ^D");
    say_read("third, literal");
    say_output("echo");
    CHECK_EQ(write(slave, "a\tb\nc", 5), 5);
    say_output("output");
    CHECK_EQ(ready(slave), POLLOUT);
    CHECK_EQ(ready(master), POLLOUT);
    close_pair();
}

static void raw(void)
{
    struct termios t;
    open_pair();
    CHECK_EQ(tcgetattr(master, &t), 0);
    cfmakeraw(&t);
    CHECK_EQ(tcsetattr(master, TCSANOW, &t), 0); /* it is the slave's */
    type("x\003\r");
    say_read("raw");
    say_output("no echo");
    CHECK_EQ(write(slave, "a\nb", 3), 3);
    say_output("as it is");
    close_pair();
}

static void sizes(void)
{
    struct winsize w = { 1, 1, 1, 1 };
    int n = 1;
    open_pair();
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &w), 0);
    CHECK(w.ws_row == 0 && w.ws_col == 0);
    w = (struct winsize){ 33, 77, 5, 6 };
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    w = (struct winsize){ 0 };
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &w), 0);
    CHECK(w.ws_row == 33 && w.ws_col == 77 && w.ws_xpixel == 5 && w.ws_ypixel == 6);
    type("abc\n");
    CHECK(WAIT_UNTIL(ioctl(slave, FIONREAD, &n) == 0 && n == 4));
    CHECK_ERR(ENOTTY, tcgetpgrp(slave)); /* nobody's terminal */
    CHECK_ERR(ESPIPE, lseek(master, 0, SEEK_CUR));
    struct stat st;
    CHECK_EQ(fstat(slave, &st), 0);
    SAY("major %d, mode %o\n", (int)(st.st_rdev >> 8), (int)(st.st_mode & S_IFMT));
    close_pair();
    CHECK_ERR(ENOENT, open(name, O_RDWR));
}

static void packets(void)
{
    int on = 1;
    open_pair();
    CHECK_EQ(ioctl(master, TIOCPKT, &on), 0);
    CHECK_EQ(write(slave, "hi", 2), 2);
    char b[8];
    CHECK_EQ(read(master, b, sizeof(b)), 3);
    CHECK(b[0] == TIOCPKT_DATA && b[1] == 'h');
    close_pair();
}

/* Nothing is lost on a line that is full again and again. */
static void full(void)
{
    char block[1000], got[700];
    long sent = 0, received = 0, bad = 0;
    struct termios t;
    open_pair();
    CHECK_EQ(tcgetattr(slave, &t), 0);
    cfmakeraw(&t);
    CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
    pid_t pid = START({
        close(master);
        for (long n = 0; n < 40; n++) {
            for (size_t i = 0; i < sizeof(block); i++)
                block[i] = (char)((sent + (long)i) % 251);
            CHECK_EQ(write(slave, block, sizeof(block)), sizeof(block));
            sent += sizeof(block);
        }
    });
    close(slave);
    for (ssize_t n; (n = read(master, got, sizeof(got))) > 0; received += n)
        for (ssize_t i = 0; i < n; i++)
            bad += got[i] != (char)((received + i) % 251);
    CHECK_EQ(errno, EIO);
    CHECK_EQ(received, 40000);
    CHECK_EQ(bad, 0);
    CHECK_EQ(status_of(pid), 0);
    close(master);
}

static void no_room(void)
{
    char block[512];
    long n, sum = 0;
    struct termios t;
    open_pair();
    CHECK_EQ(tcgetattr(slave, &t), 0);
    cfmakeraw(&t);
    CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
    memset(block, 'x', sizeof(block));
    CHECK_EQ(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
    while ((n = write(slave, block, sizeof(block))) > 0)
        sum += n;
    CHECK(n == -1 && errno == EAGAIN && sum >= 1024);
    CHECK_EQ(ready(slave) & POLLOUT, 0);
    while (sum > 0 && (n = read(master, block, sizeof(block))) > 0)
        sum -= n;
    CHECK_EQ(sum, 0);
    CHECK_EQ(ready(slave), POLLOUT);
    CHECK_EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    CHECK_ERR(EAGAIN, read(master, block, 1));
    close_pair();
}

static void closed(void)
{
    char c;
    open_pair();
    CHECK_EQ(write(slave, "last", 4), 4);
    close(slave);
    say_output("what was left");
    CHECK_ERR(EIO, read(master, &c, 1));
    CHECK_EQ(ready(master) & POLLHUP, POLLHUP);
    slave = open(name, O_RDWR | O_NOCTTY); /* and back */
    CHECK_EQ(ready(master), POLLOUT);
    close(master);
    CHECK_EQ(read(slave, &c, 1), 0);
    CHECK_ERR(EIO, write(slave, "x", 1));
    CHECK_EQ(ready(slave) & (POLLHUP | POLLERR), POLLHUP | POLLERR);
    CHECK_ERR(EIO, ioctl(slave, TIOCGWINSZ, &(struct winsize){ 0 }));
    close(slave);
}

static void test(void)
{
    cooked();
    raw();
    sizes();
    packets();
    full();
    no_room();
    closed();
}
