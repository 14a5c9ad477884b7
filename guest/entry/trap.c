/* trap.c - what exceptions and interrupts mean.
 *
 * From user mode an exception is the program's: a page fault that mm/ settles,
 * or a signal.  In the kernel there are only three that are no bug: interrupts,
 * while the idle loop or cpu_irq_window() lets them in; a page fault of uaccess.c
 * on user memory, which mm/ settles, too, or else the instruction's entry in
 * __ex_table says where to go on; and an NMI. */
#include "arch/preempt.h"
#include "entry/trap.h"
#include "arch/cpu.h"
#include "arch/fpu.h"
#include "arch/irq.h"
#include "arch/machine.h"
#include "arch/msr.h"
#include "arch/uaccess.h"
#include "arch/uart.h"
#include "lib/printf.h"
#include "event/userfaultfd.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/reach.h"
#include "proc/oom.h"
#include "proc/signal.h"
#include "proc/watchpoint.h"
#include "sched/sched.h"
#include "sched/times.h"
#include "trace/trace.h"

#include <asm/siginfo.h>

static uint64_t target(const int32_t *rel) { return (uint64_t)rel + (uint64_t)(int64_t)*rel; }

static const struct ex_entry *find_fixup(const struct regs *r)
{
    for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
        if (target(&e->at) == r->rip)
            return e;
    return NULL;
}

static bool fix_up(struct regs *r)
{
    const struct ex_entry *e = find_fixup(r);
    if (e != NULL)
        r->rip = target(&e->fixup);
    return e != NULL;
}

/* Hardly anything is left that one more try could get.  A fault wants a few frames at once. */
static bool memory_is_out(void)
{
    struct frame_counts c;

    frame_count(&c);
    uint64_t tables = c.tables_total - c.tables_used;
    return tables < 8 || c.free - tables < 32;
}

/* 0: the access may be tried again.  Else a signal, *code its si_code, or -ENOMEM
 * when nobody could be killed for memory. */
static int user_page_fault(uaddr_t at, uint64_t rip, uint32_t error, int *code)
{
    struct task *t = current;
    HERE->faults++;
    trace_page_fault(t->mm->id, at, rip, error);
    int err = mm_fault(t->mm, at, error, code);
    if (err != -ENOMEM)
        return err;
    if ((memory_is_out() && oom_kill() != 0) || signal_fatal_pending(t))
        return -ENOMEM;
    preempt_point();   /* other CPUs may wait for this one before they can free */
    sched_yield_now(); /* who was killed gives its memory back */
    return 0;
}

/* A fault that brought no page: a userfaultfd decides, or a signal is due. */
static SLOW_PATH void fault_stands(struct regs *r, uaddr_t at, int sig, int code)
{
    if (sig == FAULT_ASK)
        sig = userfaultfd_ask(current->mm, at, (uint32_t)r->error, true, &code);
    if (at >= USER_END)
        r->error |= FAULT_PRESENT; /* a program does not learn what the kernel has mapped */
    if (sig > 0)
        signal_force(sig, code, at);
    else if (sig == -ENOMEM && !signal_fatal_pending(current))
        signal_force(SIGKILL, SI_KERNEL, at);
}

static void fault_in_user_mode(struct regs *r)
{
    uaddr_t at = read_cr2();
    int code = SEGV_MAPERR;
    int sig = user_page_fault(at, r->rip, (uint32_t)r->error, &code);
    if (sig != 0)
        fault_stands(r, at, sig, code);
}

static bool fault_in_uaccess(struct regs *r)
{
    uaddr_t at = read_cr2();
    if (at >= USER_END || !current->mm)
        return false;
    const struct ex_entry *e = find_fixup(r);
    if (e == NULL)
        return false;
    int code, sig = user_page_fault(at, r->rip, (uint32_t)r->error, &code);
    if (unlikely(sig == FAULT_ASK))
        sig = userfaultfd_ask(current->mm, at, (uint32_t)r->error, false, &code);
    if (sig != 0)
        r->rip = target(&e->fixup);
    return true;
}

/* The same where the kernel looks the page up itself. */
static int fault_in_reach(uaddr_t at, uint32_t error)
{
    int code, sig = user_page_fault(at, (uint64_t)fault_in_reach, error, &code);
    return unlikely(sig == FAULT_ASK) ? userfaultfd_ask(current->mm, at, error, false, &code) : sig;
}

void trap_init(void)
{
    if (ring3()) { /* the stub has set the MSRs */
        reach_init(fault_in_reach);
        return;
    }
    wrmsr(MSR_STAR, (uint64_t)USER_CS32 << 48 | (uint64_t)KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_CSTAR, (uint64_t)syscall_entry_32);
    wrmsr(MSR_SFMASK, RFLAGS_CLEARED_BY_SYSCALL);
}

/* INT n for a gate that user mode may not use is a general protection fault.  KVM's
 * interpreter, which runs it on a host without VMX or SVM, gives #UD instead. */
static void settle_int(struct regs *r)
{
    uint8_t insn[2];
    if (r->vector != TRAP_UD || copy_from_user(insn, r->rip, sizeof(insn)) != 0 || insn[0] != 0xcd)
        return;
    r->vector = TRAP_GP;
    r->error = insn[1] * 8u + 2; /* the gate, in the IDT */
}

static void exception_in_user_mode(struct regs *r)
{
    settle_int(r);
    switch (r->vector) {
    case TRAP_DE: signal_force(SIGFPE, FPE_INTDIV, r->rip); break;
    case TRAP_DB: /* a trap flag that the program has set stays set: the next step traps, too */
        watchpoint_trap(take_dr6(), r);
        break;
    case TRAP_BP: signal_force(SIGTRAP, SI_KERNEL, 0); break;
    case TRAP_UD: signal_force(SIGILL, ILL_ILLOPN, r->rip); break;
    case TRAP_MF: signal_force(SIGFPE, fpu_fault_code(current->fpu, FPU_X87), r->rip); break;
    case TRAP_XM: signal_force(SIGFPE, fpu_fault_code(current->fpu, FPU_SSE), r->rip); break;
    case TRAP_AC: signal_force(SIGBUS, BUS_ADRALN, 0); break;
    case TRAP_NP:
    case TRAP_SS: signal_force(SIGBUS, SI_KERNEL, 0); break;
    default:
        if (r->vector != TRAP_GP || current->rseq_event & RETURN_NO_TSC || !tsc_allow())
            signal_force(SIGSEGV, SI_KERNEL, 0);
    }
}

void trap_user(struct regs *r)
{
    struct task *t = current;

    task_enter_kernel(t);
    preempt_begin();
    if (r->vector == TRAP_PF)
        fault_in_user_mode(r);
    else if (r->vector >= IRQ_BASE)
        irq_handler((uint8_t)r->vector);
    else
        exception_in_user_mode(r);
    LOCK_NO_LOCK("held on the way to user mode");
    task_leave_kernel(t);
}

void trap_return_work(struct regs *r)
{
    uint64_t need = this_cpu()->need_resched;

    if (need == NEED_AGAIN && sched_may_wait())
        need = 0;
    while (need != 0 || current->sig_pending || current->rseq_event) {
        if (need != 0)
            sched_turn_check();
        if (current->sig_pending)
            signal_deliver(r);
        else if (current->rseq_event && return_event(r))
            break;
        need = this_cpu()->need_resched & NEED_LOOK;
    }
    LOCK_NO_LOCK("held on the way to user mode");
}

static void __attribute__((noreturn)) kernel_died(const struct regs *r)
{
    panic("exception %llu error %llx at %llx (cr2 %llx) rsp %llx\n"
          "rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx rbp %llx r8 %llx r12 %llx",
          (unsigned long long)r->vector, (unsigned long long)r->error, (unsigned long long)r->rip,
          (unsigned long long)read_cr2(), (unsigned long long)r->rsp, (unsigned long long)r->rax,
          (unsigned long long)r->rbx, (unsigned long long)r->rcx, (unsigned long long)r->rdx,
          (unsigned long long)r->rsi, (unsigned long long)r->rdi, (unsigned long long)r->rbp,
          (unsigned long long)r->r8, (unsigned long long)r->r12);
}

void trap_kernel(struct regs *r)
{
    if (r->vector >= IRQ_BASE) {
        cpu_idle_interrupted(r);
        irq_handler((uint8_t)r->vector);
    } else if (r->vector == TRAP_PF && fault_in_uaccess(r)) {
        return;
    } else if (r->vector == TRAP_GP && fix_up(r)) { /* not canonical: no page fault */
        return;
    } else {
        kernel_died(r);
    }
}

/* NMI: another CPU panics, or nobody sent it on purpose; said, and forgotten. */
void trap_paranoid(struct regs *r)
{
    if (r->vector != TRAP_NMI)
        kernel_died(r);
    if (machine_panics())
        machine_stop_here();
    static char text[40]; /* no kprintf(): its lock may be held */
    int n = ksnprintf(text, sizeof(text), "NMI at %llx\r\n", (unsigned long long)r->rip);
    uart_send(text, (size_t)n);
}
