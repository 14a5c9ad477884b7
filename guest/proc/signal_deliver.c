/* signal_deliver.c - what a task does about its signals, on the way to user mode.
 *
 * It dies, stops, or gets one frame for every signal that has a handler: the
 * later frame on top, so that its handler runs first.  A system call that was
 * cut short is settled with the first frame, or without one:
 *
 *     result            no handler runs      a handler runs
 *     ERESTARTNOINTR    restart              restart
 *     ERESTARTSYS       restart              restart if SA_RESTART, else EINTR
 *     ERESTARTNOHAND    restart              EINTR
 *     RESTARTBLOCK      restart_syscall      EINTR
 *
 * Restarting means to stand on the SYSCALL instruction again, with its number
 * in RAX.  regs.error holds that number and is -1 afterwards, so that it
 * happens once. */
#include "proc/core.h"
#include "proc/exit.h"
#include "proc/process.h"
#include "proc/rseq.h"
#include "proc/signal_internal.h"
#include "proc/watched.h"

#include <asm/unistd.h>

#define SYSCALL_INSN_BYTES 2

static bool in_syscall(const struct regs *r)
{
    return r->vector == TRAP_SYSCALL && (int64_t)r->error >= 0;
}

static void restart(struct regs *r, uint64_t nr)
{
    r->rax = nr;
    r->rip -= SYSCALL_INSN_BYTES;
}

/* handler NULL: none runs. */
static void settle_syscall(struct regs *r, const struct ksigaction *handler)
{
    if (!in_syscall(r))
        return;
    bool again = handler == NULL;

    switch (-(int64_t)r->rax) {
    case ERESTARTNOINTR: again = true; break;
    case ERESTARTSYS: again = again || (handler->flags & SA_RESTART) != 0; break;
    case ERESTARTNOHAND: break;
    case ERESTART_RESTARTBLOCK:
        if (again)
            r->error = __NR_restart_syscall;
        break;
    default: r->error = (uint64_t)-1; return;
    }
    if (again)
        restart(r, r->error);
    else
        r->rax = (uint64_t)-EINTR;
    r->error = (uint64_t)-1;
}

/* tree_lock held: it is dropped for good. */
static void __attribute__((noreturn)) die(struct process *p)
{
    bool group = p->group_exit;
    int status = p->exit_status;

    spin_unlock(&tree_lock);
    if (group)
        exit_group(status);
    exit_task(SIGKILL); /* signal_kill_thread() */
}

enum verdict { VERDICT_NONE, VERDICT_HANDLE, VERDICT_IGNORE, VERDICT_STOP, VERDICT_DIE };

/* Takes the next signal off the queues and decides.  tree_lock held. */
static enum verdict next_signal(struct delivery *d)
{
    struct task *t = current;
    struct sighand *sh = t->sighand;
    enum verdict v;

    spin_lock(&sh->lock);
    d->sig = signal_dequeue(t, ~t->blocked, &d->info);
    if (d->sig == 0) {
        signal_recalc(t);
        spin_unlock(&sh->lock);
        return VERDICT_NONE;
    }
    if (unlikely(t->ptrace != NULL) && d->sig != SIGKILL) {
        spin_unlock(&sh->lock);
        if ((d->sig = ptrace_signal(d->sig, &d->info)) == 0)
            return VERDICT_IGNORE;
        spin_lock(&sh->lock);
    }
    const struct ksigaction *a = sig_action(sh, d->sig);
    if (a->handler == HANDLER_IGNORE) {
        v = VERDICT_IGNORE;
    } else if (a->handler != HANDLER_DEFAULT) {
        d->action = *a;
        if (a->flags & SA_RESETHAND)
            sh->action[d->sig - 1].handler = HANDLER_DEFAULT;
        v = VERDICT_HANDLE;
    } else if (in_set(SIGSET_IGNORE, d->sig) ||
               (t->proc->unkillable && d->sig != SIGSTOP)) { /* it was let in: from outside */
        v = VERDICT_IGNORE;
    } else if (in_set(SIGSET_STOP, d->sig)) {
        v = VERDICT_STOP;
    } else {
        v = VERDICT_DIE;
    }
    spin_unlock(&sh->lock);
    return v;
}

static void __attribute__((noreturn)) die_of(const struct regs *r, int sig, const siginfo_t *info)
{
    if (in_set(SIGSET_CORE, sig))
        core_die(r, sig, info);
    exit_group(sig);
}

/* Does whatever needs no frame.  True: *d has a handler that is to run. */
static bool next_handled(const struct regs *r, struct delivery *d)
{
    struct process *p = current->proc;

    for (;;) {
        spin_lock(&tree_lock);
        if (signal_fatal_pending(current))
            die(p);
        if (p->stop_pending != 0 && !ptrace_joined(current)) {
            signal_stop_join(p);
            spin_unlock(&tree_lock);
            continue;
        }
        if (unlikely(ptrace_trap_due(current))) {
            ptrace_trap();
            spin_unlock(&tree_lock);
            continue;
        }
        enum verdict v = next_signal(d);
        uint32_t continued = p->nconts;
        if (v == VERDICT_STOP && (d->sig == SIGSTOP || !pgrp_orphaned(p->pgid)) &&
            p->nconts == continued && !p->group_exit) /* what came while others ran goes before */
            signal_stop_begin(p, d->sig);
        spin_unlock(&tree_lock);
        if (v == VERDICT_DIE)
            die_of(r, d->sig, &d->info);
        if (v == VERDICT_NONE || v == VERDICT_HANDLE)
            return v == VERDICT_HANDLE;
    }
}

static void enter_handler(struct regs *r, const struct delivery *d)
{
    struct task *t = current;
    ksigset_t old = t->restore_mask ? t->saved_mask : t->blocked;

    if (unlikely(t->forced_tf))
        ptrace_handler_begins(r);
    if ((t->rseq.at != 0 && !rseq_signal(r)) || sigframe_push(r, d, old) != 0) {
        siginfo_t info = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };
        if (d->sig == SIGSEGV)
            die_of(r, SIGSEGV, &info);
        signal_force(SIGSEGV, SI_KERNEL, 0);
        return;
    }
    t->restore_mask = false;
    ksigset_t mask = t->blocked | d->action.mask;
    if (!(d->action.flags & SA_NODEFER))
        mask |= SIGBIT(d->sig);
    signal_set_mask(mask);
    if (task_watched(t))
        ptrace_handler_stops();
}

void signal_deliver(struct regs *r)
{
    struct delivery d;

    for (;;) {
        while (next_handled(r, &d)) {
            settle_syscall(r, &d.action);
            enter_handler(r, &d);
            if (!__atomic_load_n(&current->sig_pending, __ATOMIC_SEQ_CST))
                return; /* nothing else for the mask that the handler runs with */
        }
        settle_syscall(r, NULL);
        if (!current->restore_mask)
            return;
        signal_restore_temp_mask(); /* which may unblock something */
    }
}
