/* run.c - PID 1 of a machine that runs one command: `run COMMAND [ARG...]`.
 *
 * It makes the command the leader of a session whose terminal is the console,
 * so that Ctrl-C and job control work, reaps whatever ends, and exits when the
 * command has ended; the kernel takes PID 1's exit as the end of the machine,
 * so what else still runs ends with it.  Exit status: the command's; 128+N if
 * signal N killed it; 127 if it was not found, 126 if it could not be run.
 *
 * The command is started with vfork: the child borrows this program's memory
 * until it has become the command, and leaves the reason there if it cannot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(char **argv, int *error)
{
    /* volatile: the child's store to it must be in memory, not in a register */
    volatile int exec_error = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        setsid();
        ioctl(STDIN_FILENO, TIOCSCTTY, 0); /* fails where stdin is no terminal */
        execvp(argv[0], argv);
        exec_error = errno;
        _exit(127);
    }
    *error = pid < 0 ? errno : exec_error;
    return pid;
}

static int exit_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    int error, status;

    if (argc < 2) {
        fprintf(stderr, "usage: run COMMAND [ARG...]\n");
        return 125;
    }
    setenv("PATH", "/usr/local/bin:/bin:/sbin:/usr/bin:/usr/sbin", 0);
    setenv("HOME", "/root", 1); /* a kernel starts init with HOME=/ */
    setenv("TERM", "linux", 0);
    if (getpid() == 1 && mount("proc", "/proc", "proc", 0, NULL) != 0 && errno != EBUSY)
        fprintf(stderr, "run: /proc: %s\n", strerror(errno));

    pid_t command = start(argv + 1, &error);
    if (error != 0) {
        fprintf(stderr, "run: %s: %s\n", argv[1], strerror(error));
        return error == ENOENT || error == ENOTDIR ? 127 : 126;
    }
    for (;;) {
        pid_t pid = wait(&status);
        if (pid == command)
            return exit_status(status);
        if (pid < 0 && errno != EINTR) {
            perror("run: wait");
            return 125;
        }
    }
}
