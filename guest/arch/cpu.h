/* cpu.h - one struct cpu per processor, reached through GS while in the kernel.
 *
 * Interrupts are enabled only in user mode and in the idle loop: kernel code is
 * never interrupted (NMI and machine checks aside) and never preempted, so what
 * belongs to this CPU needs no lock, and no lock needs interrupts turned off.
 * Other CPUs write no field of it but those marked [a], by atomic operations, and of
 * the others read only [k], counters, and `running` to compare it with something.
 * The price is latency: whoever loops as often as a program likes says so in each
 * turn, holding no spinlock (arch/preempt.h). */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "arch/here.h"
#include "arch/tsc.h"
#include "lib/base.h"
#include "mm/heap_cpu.h"
#include "mm/tlb_cpu.h"
#include "trace/trace_cpu.h"

#define MAX_CPUS 64

struct task;
struct fpu;
struct mm;
struct stub_page;

struct cpu { /* offsets of the first five: asm_offsets.c */
    struct cpu *self;
    uint64_t kstack_top; /* of the current task */
    uint64_t user_rsp;   /* scratch of the SYSCALL entry */
    struct task *running;
    uint64_t need_resched;   /* [a] look at the run queue before user mode */
    uint32_t id;             /* [k] 0..ncpus-1 */
    uint32_t holder;         /* [k] id + 1: whose the spinlocks are that it holds */
    uint32_t apic_id;        /* [k] */
    struct task *idle;       /* [k] */
    struct fpu *fpu_owner;   /* the vector state that the registers hold, NULL none */
    const void *debug_owner; /* whose debug registers are loaded (arch/debug.c) */
    struct mm *active_mm;    /* the address space it runs in; NULL: none (mm/tlb.c) */
    int32_t work_left;       /* instructions to the next window for interrupts (preempt.h) */
    uint64_t faults;         /* counters, since boot */
    uint64_t pte_writes;
    uint64_t switches;
    uint64_t idle_ns, idle_since; /* idle_since: ns, 0 while it is not idle (times.c) */
    uint64_t user_ns;             /* in user mode */
    int64_t files_open;           /* opened here less closed here: may be below 0 */
    uint64_t kicks, steals;       /* interrupts to others to look; tasks taken from others */
    uint64_t timer_irqs, uart_irqs;
    uint64_t halts_skipped; /* interrupts between STI and HLT */
    uint64_t polls;         /* turns of loops that waited for another CPU */
    struct trace_cpu trace;
    struct heap_cpu heap[HEAP_CLASSES];
    struct tlb_cpu tlb;
    /* Where the kernel runs in ring 3 (ring3.asm): */
    uint64_t stub;      /* [k] its stub page, at STUB_T */
    uint64_t emergency; /* [k] top of the stack on which the kernel dies */
    uint64_t user_root; /* CR3 for the next way out */
    uint64_t user_gs;   /* the program's GS base */
    uint64_t cr2;       /* of the last page fault */
};

extern struct cpu cpus[MAX_CPUS];
extern unsigned ncpus; /* CPUs that run, >= 1; the boot CPU writes it, [k] from the
                                     * first user instruction on */

static inline struct cpu *this_cpu(void) { return HERE->self; }
static inline struct task *current_task(void) { return HERE->running; }
#define current current_task()

/* What CPUID said, once. */
struct cpu_features {
    bool nx, smep, smap, umip, fsgsbase, xsave, xsaveopt, x2apic, tsc_deadline, rdrand, pge, page1g;
    uint64_t xcr0;      /* state components in use; 0: FXSAVE only */
    uint32_t fpu_bytes; /* size of the XSAVE or FXSAVE area */
    uint32_t hwcap;     /* AT_HWCAP: CPUID 1, EDX */
};
extern struct cpu_features cpu_has;

void cpu_init_bsp(void); /* features, GDT, IDT, TSS, GS, MSRs of the boot CPU */
/* Another CPU: the boot CPU makes its tables and stacks for exceptions in that room, of
 * which the page below is never mapped; then it loads them. */
#define CPU_ROOM_BYTES (2 * PAGE_SIZE)
void cpu_prepare(struct cpu *c, uint32_t id, uint32_t apic_id, void *room);
void cpu_init_ap(struct cpu *c);
void cpu_relax_poll(void);          /* in a spin loop: what others want of this CPU; PAUSE */
void cpu_on_poll(void (*fn)(void)); /* what that is; at boot */
void cpu_idle_wait(void);           /* STI; HLT; CLI: returns after an interrupt was handled */
struct regs;
void cpu_idle_interrupted(struct regs *r); /* by an interrupt, in the kernel */
void cpu_irq_window(void);                 /* lets pending interrupts in, once */
void cpu_set_kernel_stack(uint64_t top);   /* TSS.RSP0 and cpu.kstack_top */

/* FS and GS base of user mode, now, on this CPU: current's, whose fields in
 * struct task are stale while it runs.  switch_to() saves and loads them; a
 * program may change them itself (WRFSBASE).  set: 0 or -EPERM (not a user address). */
uint64_t user_fs_base(void);
uint64_t user_gs_base(void);
int user_set_fs_base(uint64_t base);
int user_set_gs_base(uint64_t base);
void cpu_load_fs_base(uint64_t base);
void cpu_load_gs_base(uint64_t base);

#endif
