/* asm_offsets.c - constants of the C headers for the assembler.  Never run: the
 * Makefile picks the arrows out of the compiler's output. */
#include "arch/cpu.h"
#include "arch/msr.h"
#include "arch/regs.h"
#include "arch/ring3.h"
#include "arch/pte.h"
#include "shared/hypercall.h"
#include "entry/trap.h"
#include "sched/task.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"((long)(value)))
#define CONSTANT(name)      __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"((long)(name)))

/* Of struct stub_page: from its start, and from where trap frames end. */
#define PAGE_FIELD(name, field) DEFINE(STUB_##name, offsetof(struct stub_page, field))
#define FROM_T(name, field)     DEFINE(STUB_##name, offsetof(struct stub_page, field) - STUB_T)

void asm_offsets(void);
void asm_offsets(void)
{
    CONSTANT(KERNEL_CS);
    CONSTANT(KERNEL_SS);
    CONSTANT(USER_CS);
    CONSTANT(USER_SS);
    CONSTANT(TRAP_DB);
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
    CONSTANT(IST_DB);
    CONSTANT(DR6_NOTHING);
    CONSTANT(STUB_BYTES);
    CONSTANT(RFLAGS_USER);
    CONSTANT(RFLAGS_TF);
    CONSTANT(RFLAGS_ALWAYS);

    CONSTANT(USER_CS32);
    CONSTANT(TSS_SEL);
    CONSTANT(IRQ_BASE);
    CONSTANT(RFLAGS_CLEARED_BY_SYSCALL);
    CONSTANT(HC_PORT);
    CONSTANT(HC_PANIC);

    CONSTANT(PTE_P);
    CONSTANT(PTE_W);
    CONSTANT(PTE_U);
    CONSTANT(PTE_A);
    CONSTANT(PTE_D);
    CONSTANT(PTE_PS);
    CONSTANT(PTE_G);
    CONSTANT(PTE_NX);

    DEFINE(STUB_PAGES, STUB_PAGES);
    CONSTANT(STUB_ERROR);
    CONSTANT(RING3_CR4);
    DEFINE(TSS_BYTES, sizeof(struct tss));
    PAGE_FIELD(GDTR, gdtr);
    PAGE_FIELD(IDTR, idtr);
    PAGE_FIELD(CR4, cr4);
    PAGE_FIELD(START, start);
    PAGE_FIELD(TSS, tss);
    PAGE_FIELD(IST, ist);
    DEFINE(STUB_T, STUB_T);
    FROM_T(FAULT, fault);
    FROM_T(TRAP, trap);
    FROM_T(SYSCALL, syscall);
    FROM_T(OUT, out_rax);
    FROM_T(CPU, cpu);
    FROM_T(HALT_RSP, halt_rsp);
    FROM_T(RCX, rcx);
    FROM_T(VECTOR, vector);

    DEFINE(CPU_USER_GS, offsetof(struct cpu, user_gs));
    DEFINE(CPU_USER_ROOT, offsetof(struct cpu, user_root));
    DEFINE(CPU_CR2, offsetof(struct cpu, cr2));
    DEFINE(CPU_STUB, offsetof(struct cpu, stub));
    DEFINE(CPU_EMERGENCY, offsetof(struct cpu, emergency));

    DEFINE(CPU_KSTACK_TOP, offsetof(struct cpu, kstack_top));
    DEFINE(CPU_USER_RSP, offsetof(struct cpu, user_rsp));
    DEFINE(CPU_CURRENT, offsetof(struct cpu, running));
    DEFINE(CPU_NEED_RESCHED, offsetof(struct cpu, need_resched));
    DEFINE(TASK_SIG_PENDING, offsetof(struct task, sig_pending));
    _Static_assert(offsetof(struct task, rseq_event) == offsetof(struct task, sig_pending) + 1,
                   "RETURN_WORK reads both at once");

    DEFINE(REGS_R11, offsetof(struct regs, r11));
    DEFINE(REGS_RCX, offsetof(struct regs, rcx));
    DEFINE(REGS_RIP, offsetof(struct regs, rip));
    DEFINE(REGS_RFLAGS, offsetof(struct regs, rflags));
    DEFINE(REGS_RAX, offsetof(struct regs, rax));
    DEFINE(REGS_SS, offsetof(struct regs, ss));
    DEFINE(REGS_VECTOR, offsetof(struct regs, vector));
    DEFINE(REGS_ERROR, offsetof(struct regs, error));
    DEFINE(REGS_RSP, offsetof(struct regs, rsp));
    DEFINE(REGS_CS, offsetof(struct regs, cs));
    DEFINE(REGS_BYTES, sizeof(struct regs));
}
