/* dispatch.h - how a system call is reached, and how often it was. */
#ifndef SYS_DISPATCH_H
#define SYS_DISPATCH_H

#include "arch/syscall.h"
#include "lib/base.h"

/* Called by the entry code with interrupts off: sets r->rax. */
void syscall_dispatch(struct regs *r);
const char *syscall_name(unsigned nr); /* Linux's; NULL: none has that number */
bool syscall_exists(unsigned nr);      /* here */
uint64_t syscall_count(unsigned nr);   /* calls so far, of unknown numbers too */
void syscall_init(void); /* after cmdline_parse(): trace.syscalls=1 traces all calls */

#endif
