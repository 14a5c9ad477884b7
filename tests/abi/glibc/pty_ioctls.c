/* What else a pseudo-terminal can be asked: its slave by TIOCGPTPEER, System V's settings, exclusive use,
 * bytes as if typed (TIOCSTI), what is dropped by TCFLSH, and hanging up: vhangup, TIOCVHANGUP. */
#include "check.h"
#include <asm/termbits.h>
#include <poll.h>
#include <sys/ioctl.h>

/* asm/termbits.h has its own struct termios; asm/termios.h would have two more. */
struct old_settings {
    unsigned short flags[4];
    unsigned char line, characters[8];
};

static int master, slave, number;
static char name[32];

static void make(void)
{
    int zero = 0;

    CHECK((master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0);
    CHECK(ioctl(master, TIOCSPTLCK, &zero) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    CHECK((slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0);
}

static void peer(void)
{
    struct stat a, b;
    int one = 1, zero = 0;
    int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

    CHECK(fd >= 0 && isatty(fd) && fstat(fd, &a) == 0 && fstat(slave, &b) == 0 &&
          a.st_rdev == b.st_rdev);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    close(fd);
    CHECK_ERR(EIO, ioctl(slave, TIOCGPTPEER, O_RDWR));
    CHECK(ioctl(master, TIOCSPTLCK, &one) == 0);
    CHECK_ERR(EIO, ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    CHECK(ioctl(master, TIOCSPTLCK, &zero) == 0);
}

static void settings(void)
{
    struct old_settings old;
    struct termios2 t;

    CHECK(ioctl(slave, TCGETS2, &t) == 0);
    SAY("%x %x %x %x %u %u\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_ispeed, t.c_ospeed);
    CHECK(ioctl(slave, TCGETA, &old) == 0);
    SAY("%x %x %x %x, erase %x\n", old.flags[0], old.flags[1], old.flags[2], old.flags[3],
        old.characters[2]);
    old.flags[3] &= ~ECHO;
    old.characters[2] = 'e';
    CHECK(ioctl(slave, TCSETA, &old) == 0 && ioctl(slave, TCGETS2, &t) == 0);
    SAY("%x %x %x, kill %x\n", t.c_lflag, t.c_cc[VERASE], t.c_cc[VWERASE], t.c_cc[VKILL]);
    old.flags[3] |= ECHO;
    CHECK(ioctl(slave, TCSETAW, &old) == 0 && ioctl(slave, TCSETAF, &old) == 0);
    CHECK_ERR(EFAULT, ioctl(slave, TCGETA, -1));
    CHECK_ERR(EFAULT, ioctl(slave, TCSETA, -1));
    CHECK(ioctl(slave, TIOCSBRK) == 0 && ioctl(slave, TIOCCBRK) == 0);
}

static void exclusive(void)
{
    int is = -1;

    CHECK(ioctl(slave, TIOCEXCL) == 0 && ioctl(slave, TIOCGEXCL, &is) == 0 && is == 1);
    int fd = open(name, O_RDWR | O_NOCTTY);
    CHECK(fd >= 0); /* by root */
    close(fd);
    CHECK(chmod(name, 0666) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setresuid(1000, 1000, 1000) == 0);
        CHECK_ERR(EBUSY, open(name, O_RDWR | O_NOCTTY));
        CHECK(ioctl(slave, TIOCNXCL) == 0 && open(name, O_RDWR | O_NOCTTY) >= 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    CHECK(ioctl(slave, TIOCGEXCL, &is) == 0 && is == 0);
}

static void say_read(const char *what, int fd)
{
    char text[32];
    ssize_t n = read(fd, text, sizeof text);

    SAY("%s: %zd", what, n);
    for (ssize_t i = 0; i < n; i++)
        SAY(" %02x", text[i] & 0xff);
    SAY("\n");
}

static void typed(void)
{
    CHECK(ioctl(slave, TIOCSTI, "a") == 0); /* no terminal of ours, but root's */
    CHECK_ERR(EFAULT, ioctl(slave, TIOCSTI, -1));
    CHECK(ioctl(slave, TIOCSTI, "\n") == 0);
    say_read("typed", slave);
    CHECK(ioctl(master, TCFLSH, TCIFLUSH) == 0); /* its echo */
    CHECK_ERR(EINVAL, ioctl(master, TCFLSH, 3));
    say_read("echo", master);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setsid() == getpid() && ioctl(slave, TIOCSCTTY, 0) == 0);
        CHECK(setresuid(1000, 1000, 1000) == 0 && ioctl(slave, TIOCSTI, "u") == 0);
        CHECK_ERR(EPERM, syscall(SYS_vhangup));
        CHECK_ERR(EPERM, ioctl(slave, TIOCVHANGUP));
        CHECK(setsid() == -1);
        signal(SIGHUP, SIG_IGN);
        CHECK(ioctl(slave, TIOCNOTTY) == 0);
        CHECK_ERR(EPERM, ioctl(slave, TIOCSTI, "u"));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    CHECK(ioctl(slave, TCFLSH, TCIOFLUSH) == 0 && ioctl(master, TCFLSH, TCIOFLUSH) == 0);
}

static volatile sig_atomic_t heard;
static void hears(int sig) { heard |= sig == SIGHUP ? 1 : 2; }

static void hung_up(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct termios t;
        CHECK(setsid() == getpid());
        signal(SIGHUP, hears);
        signal(SIGCONT, hears);
        int fd = open(name, O_RDWR);
        CHECK(fd >= 0 && syscall(SYS_vhangup) == 0);
        CHECK_EQ(heard, 3);
        struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
        CHECK_EQ(poll(&p, 1, 0), 1);
        SAY("dead: poll %x, read %zd\n", p.revents, read(fd, &t, 1));
        CHECK_ERR(EIO, write(fd, "x", 1));
        CHECK_ERR(EIO, ioctl(fd, TCGETS, &t));
        CHECK_ERR(ENXIO, open("/dev/tty", O_RDWR));
        CHECK(syscall(SYS_vhangup) == 0); /* nothing to hang up */
        _exit(0);
    }
    waitpid(child, NULL, 0);
    CHECK_EQ(read(slave, name + 20, 1), 0); /* it was open then */
    int fd = open(name, O_RDWR | O_NOCTTY);
    CHECK(fd >= 0 && write(fd, "z", 1) == 1);
    say_read("opened again", master);
    CHECK(ioctl(fd, TIOCVHANGUP) == 0);
    CHECK_ERR(EIO, write(fd, "z", 1));
}

static void test(void)
{
    make();
    peer();
    settings();
    exclusive();
    typed();
    hung_up();
}
