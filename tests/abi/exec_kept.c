/* What an execve keeps: PID, directory, umask, interval timer, limits, open files
 * without close-on-exec and their offsets, group and session. */
#include "check.h"
#include <sys/time.h>

static void test(void)
{
    static char *const argv[] = { "sh", "-c",
                                  "umask; pwd; ulimit -n; read line <&7; echo $line;"
                                  "[ -e /proc/self/fd/8 ] && echo 8 is open || echo 8 is closed;"
                                  "[ $$ = $WANT_PID ] && echo same pid; cat /proc/$$/comm",
                                  NULL };
    char pid[16];

    write_file("file", "zero\none\n");
    int fd = open("file", O_RDONLY);
    CHECK_EQ(CHILD({
                 struct rlimit limit = { 33, 40 };
                 umask(0135);
                 CHECK(chdir("/tmp") == 0);
                 setrlimit(RLIMIT_NOFILE, &limit);
                 dup2(fd, 7);
                 dup3(fd, 8, O_CLOEXEC);
                 lseek(fd, 5, SEEK_SET);
                 snprintf(pid, sizeof(pid), "%d", getpid());
                 setenv("WANT_PID", pid, 1);
                 execvp("sh", argv);
             }),
             0);
    static char *const sleeper[] = { "sleep", "5", NULL };
    struct itimerval soon = { .it_value = { 0, 100000 } };
    CHECK_DIES(SIGALRM, setitimer(ITIMER_REAL, &soon, NULL); execvp("sleep", sleeper));
    CHECK_DIES(SIGALRM, alarm(1); execvp("sleep", sleeper));
}
