/* user_regs.h - a task's registers as debuggers see them: NT_PRSTATUS in core files and for ptrace(2).
 * struct user_regs is Linux's struct user_regs_struct, which is in no UAPI header of its own. */
#ifndef PROC_USER_REGS_H
#define PROC_USER_REGS_H

#include "sched/task.h"

struct user_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t orig_rax, rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

/* Of current, or of a task that does not run; r: where its registers are. */
void user_regs_get(struct user_regs *to, const struct task *t, const struct regs *r);
/* To a task that does not run, and stands on its way to user mode.  0, or -EIO: a value that user mode
 * may not have; then nothing has changed. */
int user_regs_set(struct task *t, const struct user_regs *from);

#endif
