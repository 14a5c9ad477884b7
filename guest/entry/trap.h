/* trap.h - between entry.asm, trap.c and cpu.c. */
#ifndef ENTRY_TRAP_H
#define ENTRY_TRAP_H

#include "arch/regs.h"

#define STUB_BYTES 16 /* from one entry of trap_stubs to the next */

#define RFLAGS_TF X86_EFLAGS_TF /* trap after the next instruction */
#define RFLAGS_USER \
    (RFLAGS_POPF | X86_EFLAGS_ID) /* what SYSCALL hands on; RFLAGS_ALWAYS is added */
#define RFLAGS_CLEARED_BY_SYSCALL \
    (X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | \
     X86_EFLAGS_AC)

/* entry.asm */
extern char trap_stubs[], syscall_entry[], syscall_entry_32[], ret_from_fork[],
    ret_from_kernel_fork[];
void switch_stacks(uint64_t *save_rsp, uint64_t load_rsp);

/* guest/kernel.ld: where uaccess.c's EX_TABLE puts them; each relative to itself */
struct ex_entry {
    int32_t at, fixup;
};
extern const struct ex_entry ex_table_start[], ex_table_end[];

/* trap.c */
void trap_init(void); /* this CPU: SYSCALL leads to syscall_entry */
/* Called by entry.asm with interrupts off. */
void trap_user(struct regs *r);
void trap_return_work(struct regs *r); /* before user mode: preemption, signals */
void trap_kernel(struct regs *r);
void trap_paranoid(struct regs *r);

#endif
