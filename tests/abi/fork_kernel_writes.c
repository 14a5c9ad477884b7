/* The kernel, too, breaks copy-on-write when it writes for a process: read,
 * pipe, wait4's status, getcwd, a signal frame on the stack, stat. */
#include "check.h"

static volatile int handled;

static void handler(int sig) { handled = sig; }

static void test(void)
{
    struct {
        char buf[64];
        int fds[2];
        int status;
        struct stat st;
    } *p = (void *)map_pages(1);
    int pipes[2];

    CHECK(pipe(pipes) == 0);
    CHECK(write(pipes[1], "kernel", 6) == 6);
    strcpy(p->buf, "parent");
    p->status = 77;
    handle(SIGUSR1, handler, 0);
    CHECK_EQ(CHILD(CHECK(read(pipes[0], p->buf, 6) == 6); CHECK(memcmp(p->buf, "kernel", 6) == 0)),
             0);
    CHECK(strcmp(p->buf, "parent") == 0);
    CHECK_EQ(CHILD(CHECK(pipe(p->fds) == 0); CHECK(p->fds[0] > 2)), 0);
    CHECK_EQ(p->fds[0], 0);
    CHECK_EQ(CHILD(CHECK(stat("/", &p->st) == 0 && S_ISDIR(p->st.st_mode))), 0);
    CHECK_EQ(p->st.st_mode, 0);
    CHECK_EQ(CHILD(CHECK(getcwd(p->buf, 64) != NULL); CHECK(p->buf[0] == '/')), 0);
    CHECK(strcmp(p->buf, "parent") == 0);
    CHECK_EQ(CHILD(raise(SIGUSR1); CHECK(handled == SIGUSR1)), 0);
    CHECK_EQ(handled, 0);
    /* while the child lives and shares the page, the parent's side is written */
    pid_t pid = START(msleep(100); CHECK(strcmp(p->buf, "parent") == 0); CHECK(p->status == 77));
    CHECK(write(pipes[1], "second", 6) == 6);
    CHECK(read(pipes[0], p->buf, 6) == 6);
    CHECK_EQ(waitpid(pid, &p->status, 0), pid);
    CHECK_EQ(p->status, 0);
    CHECK(memcmp(p->buf, "second", 6) == 0);
}
