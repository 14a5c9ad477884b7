/* watchpoint.c - debug registers where the processor's do not work.
 *
 * A host that interprets ring 0 (docs/hosts.md: pvm) keeps DR0 to DR7 for the guest, reads them back, and
 * does not load them for ring 3, where nothing traps.  There a task with an address that is on is stepped: the
 * trap flag is set on each way to user mode, hidden like PTRACE_SINGLESTEP's (task.forced_tf).
 *
 *   a breakpoint   is met when the task is about to run the instruction there.  RF says that it has
 *                  been told, as in the processor: the step's own frame has it clear again.
 *   a watchpoint   is met when the bytes are others after the step than before it.  A store of what is
 *                  there already is not seen, and reads are not, so those cannot be asked for.
 *
 * What the kernel or another thread writes between two steps is not the task's.
 *
 * Where the kernel is in ring 3, a task that must not read the TSC (PR_SET_TSC) is stepped in the same way. */
#include "proc/watchpoint.h"
#include "arch/cpu.h"
#include "arch/debug.h"
#include "arch/hypercall.h"
#include "arch/msr.h"
#include "arch/uaccess.h"
#include "proc/ending.h"
#include "mm/ldt.h"
#include "proc/ptrace.h"
#include "proc/rseq.h"
#include "proc/signal.h"
#include "sched/policy.h"
#include "sched/sched.h"

#include <asm/siginfo.h>
#include <linux/sched.h>

static uint64_t bytes_at(const struct debug_regs *d, unsigned n)
{
    uint64_t value = 0;

    if (copy_from_user(&value, d->address[n], debug_length(d, n)) != 0)
        return 0;
    return value;
}

static bool watches(const struct debug_regs *d, unsigned n)
{
    return debug_is_on(d, n) && !debug_is_break(d, n);
}

static bool begins_at_break(struct debug_regs *d, const struct regs *r)
{
    uint64_t met = 0;

    for (unsigned n = 0; n < DEBUG_ADDRESSES; n++)
        if (debug_is_on(d, n) && debug_is_break(d, n) && d->address[n] == r->rip)
            met |= 1u << n;
    if (met != 0)
        d->status = DR6_NOTHING | met;
    return met != 0;
}

static void set_trap_flag(struct task *t, struct regs *r)
{
    if (!(r->rflags & X86_EFLAGS_TF)) {
        r->rflags |= X86_EFLAGS_TF;
        t->forced_tf = true;
    }
}

/* The way out begins again if that raises a signal. */
static void step(struct task *t, struct debug_regs *d, struct regs *r)
{
    if (!(r->rflags & X86_EFLAGS_RF) && begins_at_break(d, r)) {
        r->rflags |= X86_EFLAGS_RF;
        signal_force(SIGTRAP, TRAP_HWBKPT, r->rip);
        return;
    }
    for (unsigned n = 0; n < DEBUG_ADDRESSES; n++)
        if (watches(d, n))
            d->seen[n] = bytes_at(d, n);
    set_trap_flag(t, r);
}

/* RDTSC or RDTSCP is next. */
static bool reads_tsc(const struct regs *r)
{
    uint8_t code[3] = { 0 };

    return copy_from_user(code, r->rip, 2) == 0 && code[0] == 0x0f &&
           (code[1] == 0x31 ||
            (code[1] == 0x01 && copy_from_user(code, r->rip, 3) == 0 && code[2] == 0xf9));
}

/* The kernel reads it in the ring of programs, so it cannot be forbidden there: the task is stepped. */
static void keep_from_tsc(struct task *t, struct regs *r)
{
    if (!ring3())
        tsc_forbid();
    else if (reads_tsc(r))
        signal_force(SIGSEGV, SI_KERNEL, 0);
    else
        set_trap_flag(t, r);
}

static void pause_deadline(struct task *t)
{
    __atomic_fetch_and(&t->rseq_event, (uint8_t)~RETURN_DEADLINE, __ATOMIC_SEQ_CST);
    if (t->deadline == NULL)
        return;
    if (t->deadline->flags & SCHED_FLAG_DL_OVERRUN)
        signal_send_process(t->proc, SIGXCPU, NULL);
    sched_deadline_pause();
}

/* IRET would fault. */
static void check_segments(struct regs *r)
{
    uint32_t error;
    bool present;

    if (ldt_return(r, &error, &present))
        return;
    r->vector = present ? TRAP_GP : TRAP_NP;
    r->error = error;
    signal_force(present ? SIGSEGV : SIGBUS, SI_KERNEL, 0);
}

bool return_event(struct regs *r)
{
    struct task *t = current;

    if (t->rseq_event & RETURN_ENDINGS)
        endings_run();
    if (t->rseq_event & RETURN_DEADLINE)
        pause_deadline(t);
    if (t->rseq_event & RETURN_RSEQ)
        rseq_return(r);
    if (t->rseq_event & RETURN_NO_TSC)
        keep_from_tsc(t, r);
    if (t->rseq_event & RETURN_DEBUG) {
        if (debug_works())
            debug_load(t->debug);
        else if (debug_any(t->debug))
            step(t, t->debug, r);
    }
    if (t->rseq_event & RETURN_LDT)
        check_segments(r);
    return !(this_cpu()->need_resched & NEED_LOOK) && !t->sig_pending &&
           !(t->rseq_event & RETURN_RSEQ);
}

/* Which addresses the task has met: a mask. */
static uint64_t met_by(struct debug_regs *d, uint64_t status, struct regs *r)
{
    uint64_t met = 0;

    if (debug_works())
        return debug_met(d, status, r);
    for (unsigned n = 0; d != NULL && n < DEBUG_ADDRESSES; n++)
        if (watches(d, n) && bytes_at(d, n) != d->seen[n])
            met |= 1u << n;
    if (d != NULL)
        d->status = DR6_NOTHING | met;
    return met;
}

/* A single step, a debug register's address, both, or INT1.  Nothing is told of a step that
 * nobody has asked for, any more, and of registers that another task has left in this CPU. */
void watchpoint_trap(uint64_t status, struct regs *r)
{
    struct debug_regs *d = current->debug;
    bool mine = met_by(d, status, r) != 0;
    bool step = (status & DR6_SINGLE_STEP) && ptrace_stepped(r);

    if (step && d != NULL)
        d->status |= DR6_SINGLE_STEP;
    if (mine || step || !(status & (DR6_REGISTERS | DR6_SINGLE_STEP)))
        signal_force(SIGTRAP, step ? TRAP_TRACE : mine ? TRAP_HWBKPT : TRAP_BRKPT, r->rip);
}
