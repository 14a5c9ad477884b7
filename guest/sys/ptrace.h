/* ptrace.h - between ptrace.c and ptrace_regs.c. */
#ifndef SYS_PTRACE_H
#define SYS_PTRACE_H

#include "sched/task.h"

/* ptrace_regs.c: the requests about registers, of a tracee that is held. */
long ptrace_registers(struct ptrace *pt, int request, uint64_t addr, uint64_t data);

#endif
