/* vfork gives 0 in the child and its PID in the parent; the child's getpid is
 * that PID, its parent is the caller, group and session are inherited. */
#include "check.h"

static void test(void)
{
    static volatile pid_t pid_seen, ppid_seen, pgrp_seen, sid_seen, tid_seen;
    pid_t pid = vfork();

    if (pid == 0) {
        pid_seen = getpid();
        tid_seen = syscall(SYS_gettid);
        ppid_seen = getppid();
        pgrp_seen = getpgrp();
        sid_seen = getsid(0);
        _exit(5);
    }
    CHECK(pid > 0);
    CHECK_EQ(pid_seen, pid);
    CHECK_EQ(tid_seen, pid);
    CHECK_EQ(ppid_seen, getpid());
    CHECK_EQ(pgrp_seen, getpgrp());
    CHECK_EQ(sid_seen, getsid(0));
    CHECK_EQ(status_of(pid), EXITED(5));
    CHECK_EQ(syscall(SYS_gettid), getpid());
}
