/* jobctl.c - terminals, sessions and foreground groups.
 *
 * A session and its controlling terminal point to each other; both pointers
 * change together, under tree_lock (which guards who is in which session) and
 * then tty.lock.  Signals are sent after tty.lock is released.
 *
 * A terminal that serves `once` has a script as its input, and the session whose terminal
 * it is runs that.  When its leader has ended, the script is over; an init that respawns
 * its shell shows this by starting another session for the terminal.  That is when the
 * machine powers off, with the leader's status: not before, for an init that is about to
 * reboot, or has other work to do after the session, starts no other. */
#include "arch/uaccess.h"
#include "proc/exit.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "tty/internal.h"

struct tty *tty_of_current(void)
{
    spin_lock(&tree_lock);
    struct session *s = current->proc->session;
    struct tty *tty = s != NULL ? __atomic_load_n(&s->tty, __ATOMIC_ACQUIRE) : NULL;
    spin_unlock(&tree_lock);
    return tty;
}

static bool is_ignored(int sig)
{
    struct task *t = current;

    return in_set(t->blocked, sig) || sig_action(t->sighand, sig)->handler == HANDLER_IGNORE;
}

int tty_job_control(struct tty *tty, int sig)
{
    int err = 0;
    siginfo_t info;

    spin_lock(&tree_lock);
    struct process *p = current->proc;
    spin_lock(&tty->lock);
    bool foreground = p->session == NULL || tty->session != p->session || tty->fg_pgid == 0 ||
                      tty->fg_pgid == p->pgid;
    spin_unlock(&tty->lock);
    if (!foreground) {
        if (is_ignored(sig)) {
            err = sig == SIGTTIN ? -EIO : 0;
        } else if (pgrp_orphaned(p->pgid)) {
            err = -EIO;
        } else {
            siginfo_user(&info, sig, SI_KERNEL);
            signal_send_pgrp_locked(p->pgid, sig, &info);
            err = -ERESTARTSYS;
        }
    }
    spin_unlock(&tree_lock);
    return err;
}

void tty_signal_foreground(struct tty *tty, int sig)
{
    spin_lock(&tty->lock);
    uint32_t pgid = tty->fg_pgid;
    spin_unlock(&tty->lock);
    if (pgid != 0)
        signal_send_pgrp(pgid, sig);
}

/* A session is about to take the terminal; no lock held. */
static void end_if_served(struct tty *tty)
{
    spin_lock(&tty->lock);
    int outcome = tty->outcome;
    spin_unlock(&tty->lock);
    if (outcome >= 0)
        end_machine(outcome);
}

/* tree_lock and tty.lock held. */
static void link_session(struct tty *tty, struct process *leader)
{
    session_get(leader->session);
    tty->session = leader->session;
    tty->fg_pgid = leader->pgid;
    leader->session->tty = tty;
}

/* tree_lock and tty.lock held; the session's reference is the caller's then. */
static struct session *unlink_session(struct tty *tty)
{
    struct session *s = tty->session;

    tty->session = NULL;
    tty->fg_pgid = 0;
    if (s != NULL)
        s->tty = NULL;
    return s;
}

static bool is_session_leader(const struct process *p)
{
    return p->session != NULL && p->session->sid == p->tgid;
}

void tty_open_acquire(struct tty *tty)
{
    struct process *p = current->proc;

    spin_lock(&tree_lock);
    spin_lock(&tty->lock);
    bool takes = is_session_leader(p) && p->session->tty == NULL && tty->session == NULL;
    if (takes)
        link_session(tty, p);
    spin_unlock(&tty->lock);
    spin_unlock(&tree_lock);
    if (takes)
        end_if_served(tty);
}

long tty_acquire(struct tty *tty, bool steal)
{
    struct process *p = current->proc;
    struct session *robbed = NULL;
    long err = 0;

    spin_lock(&tree_lock);
    spin_lock(&tty->lock);
    if (!is_session_leader(p)) {
        err = -EPERM;
    } else if (tty->session != p->session) {
        if (p->session->tty != NULL || (tty->session != NULL && !(steal && capable()))) {
            err = -EPERM;
        } else {
            robbed = unlink_session(tty);
            link_session(tty, p);
        }
    }
    spin_unlock(&tty->lock);
    spin_unlock(&tree_lock);
    if (robbed != NULL)
        session_put(robbed);
    if (err == 0)
        end_if_served(tty);
    return err;
}

/* Who was in the foreground hears that the terminal is gone. */
static void hang_up(uint32_t pgid)
{
    if (pgid != 0) {
        signal_send_pgrp_locked(pgid, SIGHUP, NULL);
        signal_send_pgrp_locked(pgid, SIGCONT, NULL);
    }
}

void tty_disassociate(struct session *s)
{
    spin_lock(&tree_lock);
    struct tty *tty = s->tty;
    if (tty == NULL) {
        spin_unlock(&tree_lock);
        return;
    }
    spin_lock(&tty->lock);
    uint32_t pgid = tty->fg_pgid;
    struct session *mine = unlink_session(tty);
    tty->hangups++;
    if (tty->once)
        tty->outcome = current->proc->exit_status;
    tty->ldisc.stopped = false;
    spin_unlock(&tty->lock);
    hang_up(pgid);
    spin_unlock(&tree_lock);
    waitq_wake(&tty->readers);
    waitq_wake(&tty->writers);
    session_put(mine);
}

void tty_hang_up(struct tty *tty)
{
    spin_lock(&tree_lock);
    spin_lock(&tty->lock);
    uint32_t pgid = tty->fg_pgid;
    struct session *gone = unlink_session(tty);
    tty->hangups++;
    tty->ldisc.stopped = false;
    spin_unlock(&tty->lock);
    struct task *leader = gone != NULL ? task_find(gone->sid) : NULL;
    if (leader != NULL && leader->proc->pgid != pgid) {
        signal_send_process_locked(leader->proc, SIGHUP, NULL);
        signal_send_process_locked(leader->proc, SIGCONT, NULL);
    }
    hang_up(pgid);
    spin_unlock(&tree_lock);
    waitq_wake(&tty->readers);
    waitq_wake(&tty->writers);
    if (gone != NULL)
        session_put(gone);
}

/* The leader gives the terminal up for its session.  For another process to
 * leave alone there is nothing to do: it belongs to the session as a whole. */
long tty_give_up(struct tty *tty)
{
    struct process *p = current->proc;
    struct session *gone = NULL;
    uint32_t pgid = 0;

    spin_lock(&tree_lock);
    spin_lock(&tty->lock);
    long err = p->session != NULL && tty->session == p->session ? 0 : -ENOTTY;
    if (err == 0 && is_session_leader(p)) {
        pgid = tty->fg_pgid;
        gone = unlink_session(tty);
    }
    spin_unlock(&tty->lock);
    hang_up(pgid);
    spin_unlock(&tree_lock);
    if (gone != NULL)
        session_put(gone);
    return err;
}

void tty_describe(struct session *s, uint32_t *dev, int *fg_pgid)
{
    struct tty *tty = s != NULL ? s->tty : NULL;

    *dev = 0;
    *fg_pgid = -1;
    if (tty != NULL) {
        *dev = tty->dev;
        *fg_pgid = tty->fg_pgid != 0 ? (int)tty->fg_pgid : -1;
    }
}

/* Is tty the controlling terminal of current?  -ENOTTY. */
static int check_controlling(struct tty *tty) { return tty_of_current() == tty ? 0 : -ENOTTY; }

long tty_get_pgrp(struct tty *tty, uaddr_t to)
{
    int pgid = (int)pid_told(tty->fg_pgid);
    int err = check_controlling(tty);

    return err != 0 ? err : put_user(pgid, to);
}

long tty_get_sid(struct tty *tty, uaddr_t to)
{
    int err = check_controlling(tty), sid = 0;

    if (err != 0)
        return err;
    spin_lock(&tty->lock);
    if (tty->session != NULL)
        sid = (int)tty->session->sid;
    spin_unlock(&tty->lock);
    sid = (int)pid_told((uint32_t)sid);
    return put_user(sid, to);
}

/* May that be the foreground group?  As on Linux also the number of a process that leads no
 * group: it may come to.  tree_lock held. */
static int may_be_foreground(uint32_t pgid)
{
    struct session *mine = current->proc->session, *its = pid_group_session(pgid);

    if (its != NULL)
        return its == mine ? 0 : -EPERM;
    struct task *t = task_find(pgid);
    if (t != NULL)
        return t->proc->session == mine ? 0 : -EPERM;
    return pid_has_session(pgid) ? -EPERM : -ESRCH; /* the number lives on as the session's */
}

long tty_set_pgrp(struct tty *tty, uaddr_t from)
{
    int pgid, err = tty_job_control(tty, SIGTTOU);

    if (err != 0)
        return err == -EIO ? -ENOTTY : err; /* an orphaned group has no say */
    if (get_user(pgid, from) != 0)
        return -EFAULT;
    if (pgid < 0)
        return -EINVAL;
    if (check_controlling(tty) != 0)
        return -ENOTTY;
    spin_lock(&tree_lock);
    pgid = (int)pid_named((uint32_t)pgid);
    err = may_be_foreground((uint32_t)pgid);
    if (err == 0) {
        spin_lock(&tty->lock);
        tty->fg_pgid = (uint32_t)pgid;
        spin_unlock(&tty->lock);
    }
    spin_unlock(&tree_lock);
    return err;
}
