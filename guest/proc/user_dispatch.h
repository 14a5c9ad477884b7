/* user_dispatch.h - system calls that a program takes back: PR_SET_SYSCALL_USER_DISPATCH. */
#ifndef PROC_USER_DISPATCH_H
#define PROC_USER_DISPATCH_H

#include "sched/task.h"

struct user_dispatch {      /* [o], its tracer in its stops */
    uint64_t offset, bytes; /* calls from this code are made */
    uaddr_t selector;       /* a byte: SYSCALL_DISPATCH_FILTER_*; 0: as if it said BLOCK */
};

/* t is current, or stands still.  0, -EINVAL, -EFAULT or -ENOMEM, and nothing has changed. */
long user_dispatch_set(struct task *t, uint64_t mode, uint64_t offset, uint64_t bytes,
                       uaddr_t selector);
void user_dispatch_end(struct task *t); /* exec, exit.  No lock held */
/* current, which has one, is about to make the call in r.  True: it is not made; the program gets SIGSYS. */
bool user_dispatch_takes(struct regs *r);

/* PTRACE_GET_, PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG: bytes is the room at `at`. */
long user_dispatch_config(struct task *t, bool set, uint64_t bytes, uaddr_t at);

#endif
