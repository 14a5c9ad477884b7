/* CLONE_PARENT_SETTID and CLONE_CHILD_SETTID store the child's TID before it
 * runs; CLONE_CHILD_CLEARTID makes the word 0 in shared memory at exit and at exec. */
#include "check.h"

static volatile int tid, ctid, seen, seen_child;
static char stack[65536] __attribute__((aligned(16)));

static int look(void *arg)
{
    seen = tid;
    seen_child = ctid;
    if (arg != NULL)
        execlp("true", "true", (char *)NULL);
    return 0;
}

static void one(void *arg)
{
    tid = ctid = seen = seen_child = -1;
    pid_t pid = clone(look, stack + sizeof(stack),
                      CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                          CLONE_CHILD_CLEARTID | SIGCHLD,
                      arg, &tid, NULL, &ctid);
    CHECK_EQ(tid, pid);
    CHECK_EQ(seen, pid);
    CHECK_EQ(seen_child, pid);
    CHECK_EQ(ctid, 0);
    CHECK_EQ(status_of(pid), 0);
}

static void test(void)
{
    one(NULL);
    one(stack);
    /* not shared: the parent's word stays */
    ctid = -1;
    pid_t pid =
        syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, &ctid, 0);
    if (pid == 0)
        _exit(ctid != syscall(SYS_gettid));
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(ctid, -1);
}
