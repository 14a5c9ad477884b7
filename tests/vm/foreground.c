/* foreground.c - tcsetpgrp(3) to what is no group of the session: run with a terminal as its
 * standard input, which it makes its controlling one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, int tty, pid_t group)
{
    errno = 0;
    int rc = tcsetpgrp(tty, group);
    printf("%s: %s\n", what, rc == 0 ? "done" : strerror(errno));
    fflush(stdout);
}

int main(void)
{
    int ready[2];
    char c;
    pid_t gone, other, member, session = fork();

    if (session != 0) {
        waitpid(session, NULL, 0);
        return 0;
    }
    setsid();
    signal(SIGTTOU, SIG_IGN);
    if (ioctl(0, TIOCSCTTY, 1) != 0)
        printf("no terminal: %s\n", strerror(errno));
    if (pipe(ready) != 0)
        return 1;
    if ((gone = fork()) == 0)
        _exit(0);
    waitpid(gone, NULL, 0);
    if ((other = fork()) == 0) {
        setsid();
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    if ((member = fork()) == 0) {
        pause();
        _exit(0);
    }
    if (read(ready[0], &c, 1) != 1)
        return 1;
    say("nobody", 0, gone);
    say("too large", 0, 4000000);
    say("negative", 0, -5);
    say("another session", 0, other);
    say("a process that leads no group", 0, member);
    say("its own", 0, getpgrp());
    kill(other, SIGKILL);
    kill(member, SIGKILL);
    while (wait(NULL) > 0)
        ;
    return 0;
}
