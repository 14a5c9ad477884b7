/* glibc's fork: buffers are copied, so what is not flushed comes twice; atexit handlers run
 * in both; errno, environment and locale are there. */
#include "check.h"

static void at_exit(void) { SAY("exit handler\n"); }

static void test(void)
{
    fflush(stdout);
    atexit(at_exit);
    printf("twice\n");
    pid_t pid = fork();
    if (pid == 0) {
        setenv("X", "child", 1);
        exit(getenv("X")[0] == 'c' ? 4 : 5);
    }
    CHECK_EQ(status_of(pid), EXITED(4));
    CHECK(getenv("X") == NULL);
    fflush(stdout);
}
