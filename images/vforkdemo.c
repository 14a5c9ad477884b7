/* vforkdemo.c - shows what vfork does: nothing is copied, the child runs in
 * the parent's memory, and the parent stands still until the child exits or
 * has become another program.
 *
 * Between vfork and _exit the child only stores and makes system calls.  (POSIX
 * allows it even less; Linux allows this.) */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int shared = 1;
static volatile long child_faults;

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static long milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(void)
{
    printf("parent: shared = %d, now vfork; the child will sleep for 200 ms\n", shared);
    fflush(stdout);

    long start = milliseconds();
    pid_t child = vfork();
    if (child < 0) {
        perror("vfork");
        return 1;
    }
    if (child == 0) {
        struct timespec nap = { .tv_nsec = 200 * 1000 * 1000 };
        long before = faults();
        shared = 42;
        child_faults = faults() - before;
        nanosleep(&nap, NULL);
        _exit(0);
    }
    printf("parent: runs again after %ld ms: it was blocked until the child's _exit\n",
           milliseconds() - start);
    printf("parent: shared = %d: the child's store, and it cost %ld page faults\n", shared,
           child_faults);
    waitpid(child, NULL, 0);

    start = milliseconds();
    child = vfork();
    if (child == 0) {
        execlp("sleep", "sleep", "1", (char *)NULL);
        _exit(127);
    }
    printf("parent: a child that became `sleep 1` let go after %ld ms: exec releases, too\n",
           milliseconds() - start);
    waitpid(child, NULL, 0);
    printf("parent: and it ended after %ld ms\n", milliseconds() - start);
    return 0;
}
