/* tty_jobs.c - who may do what with a terminal, call by call: its session's leader, a member in the background
 * (which is stopped, unless it ignores or blocks the signal), one in an orphaned group (an error), one of
 * another session, one without a terminal; and the order of tcsetpgrp's errors. */
#include "check.h"

#include <sys/ioctl.h>
#include <termios.h>

static int master, tty;

/* What n calls by name gave: the errors. */
static void say(const char *what, long rc)
{
    SAY(" %s %s", what, rc >= 0 ? "ok" : strerror(errno));
}

static long set_group(int fd, pid_t group) { return ioctl(fd, TIOCSPGRP, &group); }

static long set_modes(void)
{
    struct termios t;

    return tcgetattr(tty, &t) == 0 ? tcsetattr(tty, TCSANOW, &t) : -2;
}

static long set_discipline(void) { return ioctl(tty, TIOCSETD, &(int){ 0 }); }
static long resize(void) { return ioctl(tty, TIOCSWINSZ, &(struct winsize){ 24, 80, 0, 0 }); }
static long get_modes(void) { return tcgetattr(tty, &(struct termios){ 0 }); }
static long get_group(void) { return tcgetpgrp(tty); }
static long get_session(void) { return tcgetsid(tty); }
static long be_foreground(void) { return set_group(tty, getpgrp()); }
static long bad_group(void) { return set_group(tty, -1); }
static long send_break(void) { return tcsendbreak(tty, 0); }
static long drain(void) { return tcdrain(tty); }
static long flush_input(void) { return tcflush(tty, TCIFLUSH); }
static long bad_flush(void) { return tcflush(tty, 9); }
static long flow_on(void) { return tcflow(tty, TCOON); }
static long send_bytes(void) { return write(tty, "x", 1); }
static long get_bytes(void) { return read(tty, &(char){ 0 }, 1); }
static long take(void) { return ioctl(tty, TIOCSCTTY, 0); }

static const struct {
    const char *name;
    long (*call)(void);
} calls[] = {
    { "tcsetpgrp", be_foreground }, { "tcsetpgrp(-1)", bad_group }, { "tcsetattr", set_modes },
    { "TIOCSETD", set_discipline }, { "tcsendbreak", send_break },  { "tcdrain", drain },
    { "tcflush", flush_input },     { "tcflush(9)", bad_flush },    { "tcflow", flow_on },
    { "write", send_bytes },        { "TIOCSWINSZ", resize },       { "tcgetattr", get_modes },
    { "tcgetpgrp", get_group },     { "tcgetsid", get_session },    { "TIOCSCTTY", take },
    { "read", get_bytes },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* Each call in a child of its own, which is made ready by `prepare`. */
static void each(const char *who, void (*prepare)(void), int may_read)
{
    SAY("%s:", who);
    for (size_t i = 0; i < CALLS; i++) {
        int status;

        if (calls[i].call == get_bytes && may_read)
            continue; /* it would wait */
        pid_t pid = START(prepare(); say(calls[i].name, calls[i].call()));
        CHECK(waitpid(pid, &status, WUNTRACED) == pid);
        if (WIFSTOPPED(status)) {
            SAY(" %s stopped by %s", calls[i].name, strsignal(WSTOPSIG(status)));
            kill(pid, SIGKILL);
            status_of(pid);
        }
        sigset_t out, old;
        sigemptyset(&out);
        sigaddset(&out, SIGTTOU);
        sigprocmask(SIG_BLOCK, &out, &old);
        CHECK(set_group(tty, getpgrp()) == 0); /* again, if the child has it */
        sigprocmask(SIG_SETMASK, &old, NULL);
    }
    SAY("\n");
}

static void member(void) {}

static void background(void) { CHECK(setpgid(0, 0) == 0); }

static void ignoring(void)
{
    background();
    signal(SIGTTOU, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
}

static void blocking(void)
{
    sigset_t both;

    background();
    sigemptyset(&both);
    sigaddset(&both, SIGTTOU);
    sigaddset(&both, SIGTTIN);
    sigprocmask(SIG_BLOCK, &both, NULL);
}

static void elsewhere(void) { CHECK(setsid() == getpid()); }

/* Of a group whose other end is gone.  The call is made by a grandchild; its parent waits for its end
 * by a pipe, having been told by another that it is an orphan. */
static void orphans(void)
{
    SAY("orphaned:");
    for (size_t i = 0; i < CALLS; i++) {
        int end[2], status;
        char c;

        CHECK(pipe(end) == 0);
        pid_t pid = START(setpgid(0, 0); pid_t parent = getpid(); if (fork() == 0) {
            CHECK(WAIT_UNTIL(getppid() != parent));
            say(calls[i].name, calls[i].call());
            _exit(0);
        });
        CHECK(waitpid(pid, &status, 0) == pid);
        close(end[1]);
        CHECK_EQ(read(end[0], &c, 1), 0);
        close(end[0]);
    }
    SAY("\n");
}

static void groups(void)
{
    pid_t dead = START(_exit(0)), other = START(setpgid(0, 0); pause());

    status_of(dead);
    CHECK(WAIT_UNTIL(getpgid(other) == other));
    CHECK_ERR(EINVAL, set_group(tty, -1));
    CHECK_ERR(ESRCH, set_group(tty, 0));
    CHECK_ERR(ESRCH, set_group(tty, dead));
    CHECK_ERR(EPERM, set_group(tty, getppid()));
    CHECK_ERR(EPERM, set_group(tty, 1));
    CHECK_ERR(EFAULT, ioctl(tty, TIOCSPGRP, 8));
    CHECK_ERR(EINVAL, set_group(master, -1));
    CHECK_EQ(set_group(master, getpid()), 0);
    CHECK_EQ(set_group(tty, other), 0);
    CHECK_EQ(tcgetpgrp(tty), other);
    CHECK_EQ(tcgetpgrp(master), other);
    signal(SIGTTOU, SIG_IGN);
    kill(other, SIGKILL);
    status_of(other);
    CHECK_EQ(tcgetpgrp(tty), other); /* though nobody is in it */
    CHECK_EQ(set_group(tty, getpid()), 0);
    signal(SIGTTOU, SIG_DFL);
}

static void before(void)
{
    int null = open("/dev/null", O_RDWR);

    CHECK_ERR(ENOTTY, set_group(tty, getpid()));
    CHECK_ERR(EINVAL, set_group(tty, -1));
    CHECK_ERR(EFAULT, ioctl(tty, TIOCSPGRP, 8));
    CHECK_ERR(ENOTTY, tcgetpgrp(tty));
    CHECK_ERR(ENOTTY, tcgetsid(tty));
    CHECK_ERR(ENOTTY, ioctl(tty, TIOCNOTTY));
    CHECK_ERR(ENOTTY, tcgetsid(master));
    CHECK_ERR(ENOTTY, set_group(master, getpid()));
    CHECK_EQ(tcgetpgrp(master), 0);
    CHECK_ERR(ENOTTY, set_group(null, getpid()));
    CHECK_ERR(ENOTTY, tcgetpgrp(null));
    CHECK_ERR(EBADF, set_group(-1, getpid()));
    close(null);
    CHECK_EQ(ioctl(tty, TIOCSCTTY, 0), 0);
    CHECK_EQ(ioctl(tty, TIOCSCTTY, 0), 0);
    CHECK_EQ(tcgetpgrp(tty), getpid());
    CHECK_EQ(tcgetsid(master), getpid());
}

static void lead(const char *name)
{
    struct termios t;

    CHECK(setsid() == getpid());
    tty = open(name, O_RDWR | O_NOCTTY);
    before();
    groups();
    each("in the foreground", member, 1);
    each("in the background", background, 0);
    each("ignoring", ignoring, 0);
    each("blocking", blocking, 0);
    each("of another session", elsewhere, 1);
    orphans();
    CHECK(tcgetattr(tty, &t) == 0);
    t.c_lflag |= TOSTOP;
    CHECK(tcsetattr(tty, TCSANOW, &t) == 0);
    each("in the background, with TOSTOP", background, 0);
    each("ignoring, with TOSTOP", ignoring, 0);
    orphans();
}

static void test(void)
{
    char name[64];
    int n, unlocked = 0;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK(ioctl(master, TIOCGPTN, &n) == 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    CHECK_EQ(CHILD(lead(name)), 0);
}
