/* The alternate signal stack: kept by fork and vfork, off after CLONE_VM alone. */
#include "check.h"

static char alt[65536], stack[65536] __attribute__((aligned(16)));
static volatile int flags;

static int look(void *arg)
{
    stack_t now;

    (void)arg;
    sigaltstack(NULL, &now);
    flags = now.ss_flags;
    return 0;
}

static void test(void)
{
    stack_t stack_alt = { .ss_sp = alt, .ss_size = sizeof(alt) };

    CHECK(sigaltstack(&stack_alt, NULL) == 0);
    CHECK_EQ(CHILD(look(NULL); _exit(flags)), EXITED(0));
    CHECK_EQ(VCHILD(look(NULL)), 0);
    CHECK_EQ(flags, 0);
    pid_t pid = clone(look, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(flags, SS_DISABLE);
}
