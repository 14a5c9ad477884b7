/* A session on a pseudo-terminal: who leads it gets the terminal by opening it, keys send signals to
 * the foreground group, the background is stopped when it reads, and closing the master hangs up. */
#include "check.h"

#include <sys/ioctl.h>
#include <termios.h>

static int master, *seen; /* signals, by number */

static void on_signal(int sig) { __atomic_fetch_add(&seen[sig], 1, __ATOMIC_SEQ_CST); }

static void catch (int sig)
{
    struct sigaction a = { .sa_handler = on_signal };
    CHECK_EQ(sigaction(sig, &a, NULL), 0);
}

static const char *open_master(void)
{
    static char name[64];
    int n = -1, unlocked = 0;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK_EQ(ioctl(master, TIOCGPTN, &n), 0);
    CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlocked), 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    return name;
}

/* In a child: a session of its own on the terminal. */
static int begin(const char *name)
{
    CHECK(setsid() == getpid());
    CHECK_ERR(ENXIO, open("/dev/tty", O_RDWR));
    int slave = open(name, O_RDWR);
    int tty = open("/dev/tty", O_RDWR);
    CHECK(slave >= 0 && tty >= 0);
    CHECK_EQ(tcgetpgrp(tty), getpid());
    CHECK_EQ(tcgetsid(slave), getpid());
    close(tty);
    return slave;
}

static void keys(void)
{
    const char *name = open_master();
    int go[2];
    char c;
    CHECK_EQ(pipe(go), 0);
    pid_t pid = START({
        begin(name);
        close(master);
        catch (SIGINT);
        catch (SIGQUIT);
        catch (SIGWINCH);
        CHECK_EQ(write(go[1], "x", 1), 1);
        CHECK(WAIT_UNTIL(seen[SIGINT] && seen[SIGQUIT] && seen[SIGWINCH]));
    });
    CHECK_EQ(read(go[0], &c, 1), 1);
    CHECK_EQ(tcgetpgrp(master), pid);
    CHECK_EQ(write(master, "\003", 1), 1);
    CHECK(WAIT_UNTIL(seen[SIGINT]));
    CHECK_EQ(write(master, "\034", 1), 1);
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &(struct winsize){ 50, 90, 0, 0 }), 0);
    CHECK_EQ(status_of(pid), 0);
    close(master);
    close(go[0]);
    close(go[1]);
    SAY("INT %d QUIT %d WINCH %d\n", seen[SIGINT], seen[SIGQUIT], seen[SIGWINCH]);
}

static void background(void)
{
    const char *name = open_master();
    pid_t pid = START({
        char c;
        int status;
        int slave = begin(name);
        close(master);
        pid_t job = START(setpgid(0, 0); _exit(read(slave, &c, 1) == 1 ? c : 99));
        setpgid(job, job);
        CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
        CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
        CHECK_EQ(tcsetpgrp(slave, job), 0);
        CHECK_EQ(kill(-job, SIGCONT), 0);
        CHECK_EQ(waitpid(job, &status, 0), job);
        CHECK_EQ(WEXITSTATUS(status), 'q');
    });
    CHECK_EQ(write(master, "q\n", 2), 2);
    CHECK_EQ(status_of(pid), 0);
    close(master);
}

static void hang_up(void)
{
    const char *name = open_master();
    int go[2];
    char c;
    CHECK_EQ(pipe(go), 0);
    pid_t pid = START({
        int slave = begin(name);
        close(master);
        catch (SIGHUP);
        catch (SIGCONT);
        CHECK_EQ(write(go[1], "x", 1), 1);
        CHECK(WAIT_UNTIL(seen[SIGHUP] && seen[SIGCONT]));
        CHECK_EQ(read(slave, &c, 1), 0);
        CHECK_ERR(ENXIO, open("/dev/tty", O_RDWR));
    });
    CHECK_EQ(read(go[0], &c, 1), 1);
    close(master);
    CHECK_EQ(status_of(pid), 0);
    close(go[0]);
    close(go[1]);
    SAY("HUP %d CONT %d\n", seen[SIGHUP], seen[SIGCONT]);
}

/* A shell does not know the difference. */
static void shell(void)
{
    const char *name = open_master();
    char text[512];
    size_t n = 0;
    pid_t pid = START({
        int slave = begin(name);
        close(master);
        for (int fd = 0; fd < 3; fd++)
            dup2(slave, fd);
        close(slave);
        execl("/bin/sh", "sh", "-c", "read x; echo \"got $x\"; exit 3", NULL);
    });
    CHECK_EQ(write(master, "line\n", 5), 5);
    for (ssize_t got; n < sizeof(text) && (got = read(master, text + n, sizeof(text) - n)) > 0;)
        n += (size_t)got;
    CHECK_EQ(status_of(pid), EXITED(3));
    SAY("%zu bytes, %s\n", n,
        n >= 10 && memcmp(text + n - 10, "got line\r\n", 10) == 0 ? "good" : "bad");
    close(master);
}

static void test(void)
{
    seen = map_shared(PAGE);
    keys();
    background();
    hang_up();
    shell();
}
