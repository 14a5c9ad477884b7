/* attach.c - a task traces one that is no child of its, and waits for it by its number before it has
 * stopped even once: "attach" (it stops), "seize" (it does not; it ends). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t sleeper;
static int until[2]; /* a pipe: the sleeper ends when nobody can write to it any more */

static int must(const char *what, long result)
{
    if (result < 0) {
        perror(what);
        _exit(1);
    }
    return (int)result;
}

static void sleeps(void)
{
    char c;
    close(until[1]);
    (void)!read(until[0], &c, 1);
    _exit(7);
}

static void trace(int seize)
{
    int status;
    must("ptrace", ptrace(seize ? PTRACE_SEIZE : PTRACE_ATTACH, sleeper, 0, 0));
    if (seize)
        close(until[1]);
    must("waitpid", waitpid(sleeper, &status, __WALL));
    if (!seize) {
        printf("stopped by %d\n", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
        must("detach", ptrace(PTRACE_DETACH, sleeper, 0, 0));
    } else {
        printf("ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    int seize = argc > 1 && strcmp(argv[1], "seize") == 0, status;
    must("pipe", pipe(until));
    sleeper = must("fork", fork());
    if (sleeper == 0)
        sleeps();
    pid_t tracer = must("fork", fork());
    if (tracer == 0)
        trace(seize);
    close(until[1]);
    must("waitpid", waitpid(sleeper, &status, 0));
    printf("the parent: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    must("waitpid", waitpid(tracer, &status, 0));
    return WEXITSTATUS(status);
}
