/* regs.h - a task's user registers, as entry.asm leaves them at the top of its
 * kernel stack; segment selectors; trap numbers. */
#ifndef ARCH_REGS_H
#define ARCH_REGS_H

#include <asm/processor-flags.h>
#include <stdbool.h>
#include <stdint.h>

/* Linux's selectors, which programs can see.  SYSRET wants 32-bit code, data
 * and 64-bit code in this order. */
#define KERNEL_CS 0x10
#define KERNEL_SS 0x18
#define USER_CS32 0x23
#define USER_SS   0x2b
#define USER_CS   0x33
#define TSS_SEL   0x40

#define TRAP_DE      0
#define TRAP_DB      1
#define TRAP_NMI     2
#define TRAP_BP      3
#define TRAP_OF      4
#define TRAP_UD      6
#define TRAP_NM      7
#define TRAP_DF      8
#define TRAP_TS      10
#define TRAP_NP      11
#define TRAP_SS      12
#define TRAP_GP      13
#define TRAP_PF      14
#define TRAP_MF      16
#define TRAP_AC      17
#define TRAP_MC      18
#define TRAP_XM      19
#define IRQ_BASE     32   /* IOAPIC pin n arrives as IRQ_BASE + n */
#define IRQ_TIMER    0xf0 /* local APIC timer */
#define IRQ_RESCHED  0xf1 /* look at need_resched, or at the run queues */
#define IRQ_TLB      0xf2 /* another CPU wants translations flushed: tlb_poll() */
#define IRQ_SPURIOUS 0xff
#define TRAP_SYSCALL 256

/* RFLAGS that user mode may choose by POPF; what a new program begins with, which is what
 * user mode always has: IF, and the bit that reads 1. */
#define RFLAGS_POPF \
    (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
     X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_RF | X86_EFLAGS_AC)
#define RFLAGS_ALWAYS (X86_EFLAGS_FIXED | X86_EFLAGS_IF)

/* Slots of TSS.IST, from 1. */
#define IST_NMI   1
#define IST_DF    2
#define IST_MC    3
#define IST_COUNT 3 /* those that C code runs on */
#define IST_DB    4

struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;
    uint64_t error; /* error code; for a system call its number (Linux's orig_rax),
                         * made -1 once it must not be restarted */
    uint64_t rip, cs, rflags, rsp, ss;
};

static inline bool regs_user(const struct regs *r) { return (r->cs & 3) == 3; }

#endif
