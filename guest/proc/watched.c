/* watched.c - a system call of a task that somebody looks at. */
#include "proc/watched.h"

void watched_call(struct regs *r, void (*call)(struct regs *r))
{
    r->rax = (uint64_t)-ENOSYS; /* unless somebody says more */
    if (ptrace_call_enters(r) && (current->seccomp_mode == 0 || seccomp_allows(r)))
        call(r);
    ptrace_call_leaves(r);
}
