/* asm_offsets.c - constants of the C headers for the assembler.  Never run: the
 * Makefile picks the arrows out of the compiler's output. */
#include "arch/cpu.h"
#include "arch/regs.h"
#include "entry/trap.h"
#include "sched/task.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"((long)(value)))
#define CONSTANT(name)      __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"((long)(name)))

void asm_offsets(void);
void asm_offsets(void)
{
    CONSTANT(KERNEL_CS);
    CONSTANT(KERNEL_SS);
    CONSTANT(USER_CS);
    CONSTANT(USER_SS);
    CONSTANT(TRAP_NMI);
    CONSTANT(TRAP_BP);
    CONSTANT(TRAP_OF);
    CONSTANT(TRAP_DF);
    CONSTANT(TRAP_TS);
    CONSTANT(TRAP_NP);
    CONSTANT(TRAP_SS);
    CONSTANT(TRAP_GP);
    CONSTANT(TRAP_PF);
    CONSTANT(TRAP_AC);
    CONSTANT(TRAP_MC);
    CONSTANT(TRAP_SYSCALL);
    CONSTANT(IST_NMI);
    CONSTANT(IST_DF);
    CONSTANT(IST_MC);
    CONSTANT(STUB_BYTES);
    CONSTANT(RFLAGS_USER);
    CONSTANT(RFLAGS_TF);
    CONSTANT(RFLAGS_ALWAYS);

    DEFINE(CPU_KSTACK_TOP, offsetof(struct cpu, kstack_top));
    DEFINE(CPU_USER_RSP, offsetof(struct cpu, user_rsp));
    DEFINE(CPU_CURRENT, offsetof(struct cpu, running));
    DEFINE(CPU_NEED_RESCHED, offsetof(struct cpu, need_resched));
    DEFINE(TASK_SIG_PENDING, offsetof(struct task, sig_pending));

    DEFINE(REGS_R11, offsetof(struct regs, r11));
    DEFINE(REGS_RCX, offsetof(struct regs, rcx));
    DEFINE(REGS_RIP, offsetof(struct regs, rip));
    DEFINE(REGS_RFLAGS, offsetof(struct regs, rflags));
    DEFINE(REGS_RSP, offsetof(struct regs, rsp));
    DEFINE(REGS_CS, offsetof(struct regs, cs));
    DEFINE(REGS_BYTES, sizeof(struct regs));
}
