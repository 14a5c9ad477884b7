/* ptrace.c - a tracee: where it stops, and how it goes on.
 *
 * All its stops are stop(), below: it says what it stops for, tells its tracer, and sleeps.  It goes on
 * when the tracer says so, when nobody traces it any more, or when it is killed; all of these
 * are decided under tree_lock, which it holds but for the sleep, so there is no moment in which
 * one of them is missed.  Who looks at its registers has it held meanwhile (ptrace_hold), which lasts
 * no longer than one request of the tracer, and that sleeps for nothing that the tracee or its
 * killer has. */
#include "proc/pid_ns.h"
#include "proc/ptrace.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "proc/watched.h"
#include <linux/ptrace.h>
#include <linux/sched.h>

#define EVENT(e)     (SIGTRAP | (e) << 8)
#define OPTION(e)    (1u << (e)) /* PTRACE_O_TRACE... for PTRACE_EVENT_... */
#define SYSGOOD_CODE (SIGTRAP | 0x80)

/* Ended by SIGKILL?  Who ends has group_exit anyway, and is killed only by one that comes then. */
static bool killed(const struct ptrace *pt, bool ending)
{
    return ending ? pt->dies : signal_fatal_pending(current);
}

/* What a listening tracee wants to know has happened. */
static bool heard(const struct ptrace *pt) { return pt->trap || pt->task->proc->stop_pending == 0; }

static void sleep_in_stop(struct ptrace *pt, bool ending)
{
    struct task *t = current;

    while (pt->held || (t->ptrace == pt && pt->state != TRACEE_RUNS && !killed(pt, ending))) {
        if (pt->state == TRACEE_LISTENS && heard(pt)) {
            pt->trap = true;
            break;
        }
        t->stopped = pt->state == TRACEE_LISTENS; /* a SIGCONT wakes it */
        enum block_how how = pt->held || ending ? BLOCK_UNINTERRUPTIBLE : BLOCK_KILLABLE;
        uint32_t tracer = pt->tracer->tid;
        spin_unlock(&tree_lock);
        block(BLOCK_traced, tracer, how, NO_DEADLINE);
        spin_lock(&tree_lock);
    }
    t->stopped = false;
}

struct why {
    uint32_t code;
    int child_code;  /* CLD_* */
    siginfo_t *info; /* NULL: none; else the tracer may change it */
    uint64_t message;
    bool ending;
};

/* tree_lock held, and dropped meanwhile; current is traced.  The signal to go on with. */
static int stop(struct why *why)
{
    struct task *t = current;
    struct ptrace *pt = t->ptrace;
    int status = (int)(why->child_code == CLD_STOPPED ? t->proc->stop_pending : why->code & 0x7f);

    pt->code = why->code;
    pt->message = why->message;
    pt->has_info = why->info != NULL;
    if (why->info != NULL)
        pt->info = *why->info;
    pt->trap = false;
    pt->state = TRACEE_STOPPED;
    pt->in_stop = true;
    ptrace_tell(pt, why->child_code, status != 0 ? status : SIGTRAP);
    sleep_in_stop(pt, why->ending);
    int code = (int)pt->code;
    if (why->info != NULL)
        *why->info = pt->info;
    if (t->ptrace != pt) {
        kfree(pt);
    } else {
        pt->in_stop = pt->has_info = false;
        pt->state = TRACEE_RUNS;
        pt->code = 0;
    }
    return code;
}

/* A stop that is no signal's. */
static int notify(uint32_t code, uint64_t message, bool ending)
{
    siginfo_t info;
    struct why why = { code, CLD_TRAPPED, &info, message, ending };

    siginfo_user(&info, SIGTRAP, (int)code);
    info.si_pid = (int)pid_told(current->tid);
    return stop(&why);
}

static bool wants_event(const struct ptrace *pt, unsigned event)
{
    return pt != NULL && (pt->options & OPTION(event)) != 0;
}

static bool event(unsigned what, uint64_t message, bool ending)
{
    spin_lock(&tree_lock);
    bool wanted = wants_event(current->ptrace, what);
    if (wanted && what <= PTRACE_EVENT_VFORK_DONE) /* it is a TID */
        message = pid_seen_by(current->ptrace->tracer->tid, (uint32_t)message);
    if (wanted)
        notify(EVENT(what), message, ending);
    spin_unlock(&tree_lock);
    return wanted;
}

/* --- system calls ------------------------------------------------------------------ */

/* tree_lock held. */
static void stop_at_call(struct ptrace *pt, uint64_t which)
{
    uint32_t code = pt->options & PTRACE_O_TRACESYSGOOD ? SYSGOOD_CODE : SIGTRAP;
    int sig = notify(code, which, false);

    if (sig != 0)
        signal_send_task_locked(current, sig, NULL);
}

bool ptrace_call_enters(struct regs *r)
{
    bool makes = true;

    spin_lock(&tree_lock);
    struct ptrace *pt = current->ptrace;
    if (pt != NULL && pt->goes != GOES_FREELY) {
        makes = pt->goes != GOES_EMULATING;
        stop_at_call(pt, PTRACE_EVENTMSG_SYSCALL_ENTRY);
        makes = makes && !signal_fatal_pending(current) && r->error != (uint64_t)-1;
    }
    spin_unlock(&tree_lock);
    return makes;
}

void ptrace_call_leaves(struct regs *r)
{
    spin_lock(&tree_lock);
    struct ptrace *pt = current->ptrace;
    bool step = pt != NULL && pt->steps;
    if (pt != NULL && !step && pt->goes == GOES_TO_CALLS)
        stop_at_call(pt, PTRACE_EVENTMSG_SYSCALL_EXIT);
    spin_unlock(&tree_lock);
    if (step)
        signal_force(SIGTRAP, TRAP_BRKPT, r->rip);
}

bool ptrace_seccomp(uint32_t data) { return event(PTRACE_EVENT_SECCOMP, data, false); }

/* --- life ------------------------------------------------------------------------ */

static unsigned fork_event(uint64_t flags, uint32_t exit_signal)
{
    if (flags & CLONE_UNTRACED)
        return 0;
    if (flags & CLONE_VFORK)
        return PTRACE_EVENT_VFORK;
    return exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK;
}

/* A seized one begins with a trap, another with SIGSTOP. */
int ptrace_inherit(struct task *t, uint64_t flags, uint32_t exit_signal)
{
    struct task *me = current;
    unsigned what = fork_event(flags, exit_signal);

    ASSERT_SPIN_HELD(&tree_lock);
    if (me->forced_tf)
        t->uregs->rflags &= ~(uint64_t)X86_EFLAGS_TF;
    if (me->ptrace == NULL ||
        !((flags & CLONE_PTRACE) || (what != 0 && wants_event(me->ptrace, what))))
        return 0;
    int err = ptrace_link(t, me->ptrace->tracer, me->ptrace->seized, me->ptrace->options);
    if (err != 0)
        return err;
    t->ptrace->may_gain = me->ptrace->may_gain;
    t->nstops = t->proc->nstops;
    t->nconts = t->proc->nconts;
    if (t->ptrace->seized)
        t->ptrace->trap = true;
    else
        t->pending.set |= SIGBIT(SIGSTOP);
    t->sig_pending = true;
    return 0;
}

void ptrace_forked(uint64_t flags, uint32_t exit_signal, uint32_t tid)
{
    unsigned what = fork_event(flags, exit_signal);

    if (what != 0)
        event(what, tid, false);
}

void ptrace_vfork_done(uint32_t tid) { event(PTRACE_EVENT_VFORK_DONE, tid, false); }

void ptrace_execed(uint32_t old_tid)
{
    siginfo_t info;

    kfree(current->debug); /* these are of the old program's memory */
    current->debug = NULL;
    if (event(PTRACE_EVENT_EXEC, old_tid, false))
        return;
    spin_lock(&tree_lock);
    if (current->ptrace != NULL && !current->ptrace->seized) {
        siginfo_user(&info, SIGTRAP, SI_USER);
        signal_send_task_locked(current, SIGTRAP, &info);
    }
    spin_unlock(&tree_lock);
}

/* Who is killed by SIGKILL goes without a word. */
void ptrace_exits(uint32_t status)
{
    struct process *p = current->proc;

    spin_lock(&tree_lock);
    if (p->group_exit)
        status = (uint32_t)p->exit_status;
    if (current->ptrace != NULL)
        current->ptrace->status = status;
    spin_unlock(&tree_lock);
    if (!p->group_exit || status != SIGKILL)
        event(PTRACE_EVENT_EXIT, status, true);
}

bool ptrace_confines(void)
{
    spin_lock(&tree_lock);
    bool is = current->ptrace != NULL && !current->ptrace->may_gain;
    spin_unlock(&tree_lock);
    return is;
}

/* --- steps ---------------------------------------------------------------------- */

bool ptrace_stepped(struct regs *r)
{
    struct task *t = current;

    if (!t->forced_tf)
        return true;
    spin_lock(&tree_lock);
    bool wanted = t->ptrace != NULL && t->ptrace->steps;
    spin_unlock(&tree_lock);
    if (!wanted) {
        r->rflags &= ~(uint64_t)X86_EFLAGS_TF;
        t->forced_tf = false;
    }
    return wanted;
}

void ptrace_handler_begins(struct regs *r)
{
    if (current->forced_tf)
        r->rflags &= ~(uint64_t)X86_EFLAGS_TF;
    current->forced_tf = false;
}

void ptrace_handler_stops(void)
{
    spin_lock(&tree_lock);
    if (current->ptrace != NULL && current->ptrace->steps)
        notify(SIGTRAP, 0, false);
    spin_unlock(&tree_lock);
}

/* --- signals and group stops ------------------------------------------------------- */

int ptrace_signal(int sig, siginfo_t *info)
{
    struct task *t = current;
    struct why why = { (uint32_t)sig, CLD_TRAPPED, info, 0, false };
    int tracer = (int)pid_told(t->ptrace->tracer->proc->tgid);
    uint32_t uid = t->ptrace->tracer->cred.uid;
    int new = stop(&why);

    if (new == 0 || (signal_fatal_pending(t) && new != SIGKILL))
        return 0;
    if (new != sig) {
        memset(info, 0, sizeof *info);
        info->si_signo = new;
        info->si_code = SI_USER;
        info->si_pid = tracer;
        info->si_uid = uid;
    }
    if (new != SIGKILL && in_set(t->blocked, new)) {
        signal_send_task_locked(t, new, info);
        return 0;
    }
    return new;
}

bool ptrace_joined(const struct task *t)
{
    const struct ptrace *pt = t->ptrace;

    return pt != NULL && pt->joined && pt->nconts == t->proc->nconts;
}

bool ptrace_trap_due(const struct task *t) { return t->ptrace != NULL && t->ptrace->trap; }

/* A seized tracee says that it is an event; of another one it is the bare signal. */
void ptrace_trap(void)
{
    struct ptrace *pt = current->ptrace;
    uint32_t sig = current->proc->stop_pending;
    siginfo_t info;
    struct why why = { sig, CLD_STOPPED, NULL, 0, false };

    if (pt->seized) {
        if (sig == 0)
            sig = SIGTRAP;
        why.code = sig | PTRACE_EVENT_STOP << 8;
        siginfo_user(&info, (int)sig, (int)why.code);
        info.si_pid = (int)pid_told(current->tid);
        why.info = &info;
    }
    stop(&why);
}

void ptrace_join_stop(struct process *p)
{
    struct ptrace *pt = current->ptrace;

    pt->joined = true;
    pt->nconts = p->nconts;
    p->nstopped++;
    signal_stop_check(p);
    ptrace_trap();
}
