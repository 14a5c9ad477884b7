/* wait.c - wait4 and waitid.
 *
 * A parent looks through its children under tree_lock; what it may report about one is settled there, so two threads
 * never report the same end.  If there is nothing, it sleeps in its process's child_wait queue, which it has entered
 * before the look that found nothing.  A child that is reaped may still be on its last steps on another CPU: see
 * task.c.
 *
 * __WNOTHREAD: children of the calling thread only, by parent_tid. */
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/exit.h"
#include "proc/pid_ns.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/rusage.h"
#include "arch/syscall.h"
#include "trace/trace.h"
#include <linux/wait.h>

struct query {
    int which; /* P_ALL, P_PID, P_PGID, P_PIDFD */
    uint32_t id;
    const struct process *named; /* by the pidfd */
    uint32_t options;
    /* the answer */
    uint32_t pid, uid;
    int code, status;     /* CLD_*, and wait(2)'s encoding */
    struct rusage *usage; /* filled if the caller asked for it, NULL otherwise */
};

static bool matches(const struct process *p, const struct query *q)
{
    if (q->which == P_PID && p->tgid != q->id)
        return false;
    if (q->which == P_PGID && p->pgid != q->id)
        return false;
    if (q->which == P_PIDFD && p != q->named)
        return false;
    if ((q->options & __WNOTHREAD) && p->parent_tid != current->tid)
        return false;
    /* a "clone" child is one that does not send SIGCHLD */
    bool clone = p->exit_signal != SIGCHLD;
    return (q->options & __WALL) || clone == ((q->options & __WCLONE) != 0);
}

static void answer_usage(struct query *q, struct process *p)
{
    process_get(p);
    rusage_of_process(p, RUSAGE_BOTH, q->usage);
    process_put(p);
}

static __attribute__((always_inline)) inline void answer(struct query *q, struct process *p,
                                                         int code, int status)
{
    q->pid = pid_told_soon(p->tgid);
    q->uid = p->leader->cred.uid;
    q->code = code;
    q->status = status;
    if (q->usage != NULL)
        answer_usage(q, p);
}

/* What it and its own children used becomes part of what the parent's used. */
static void inherit_usage(struct process *to, const struct process *p)
{
    to->cutime_ns += p->utime_ns + p->cutime_ns;
    to->cstime_ns += p->stime_ns + p->cstime_ns;
    to->cminflt += p->minflt + p->cminflt;
    to->cnvcsw += p->nvcsw + p->cnvcsw;
    to->cnivcsw += p->nivcsw + p->cnivcsw;
    to->cmaxrss = MAX(to->cmaxrss, MAX(p->maxrss, p->cmaxrss));
}

void process_reap(struct process *p)
{
    inherit_usage(p->parent, p);
    trace_reap(current->rec->mm, p->tgid, p->exit_status);
    process_release(p);
}

/* We see its leader's own stops. */
static bool is_tracee(const struct process *p)
{
    return p->leader->ptrace != NULL && p->leader->ptrace->tracer->proc == current->proc;
}

/* Is there something to say about p? */
static __attribute__((always_inline)) inline bool report(struct process *p, struct query *q)
{
    bool keep = (q->options & WNOWAIT) != 0;

    if (p->zombie) {
        if (!(q->options & WEXITED) || unlikely(p->leader->ptrace != NULL))
            return false; /* its tracer is first, which is us perhaps: look_tracees() */
        int st = p->exit_status;
        answer(q, p, status_code(st), st);
        if (!keep)
            process_reap(p);
        return true;
    }
    /* Both: it has been continued and stopped again since, in this order. */
    if ((q->options & WCONTINUED) && p->continued) {
        p->continued = keep;
        answer(q, p, CLD_CONTINUED, 0xffff);
        return true;
    }
    if ((q->options & WSTOPPED) && p->stop_signal != 0 && !p->stop_reported && !is_tracee(p)) {
        p->stop_reported = !keep;
        answer(q, p, CLD_STOPPED, (int)p->stop_signal << 8 | 0x7f);
        return true;
    }
    return false;
}

#define WORK_LOOK 60u /* instructions a child, about (arch/preempt.h) */

static bool matches_tracee(const struct ptrace *pt, const struct query *q)
{
    const struct task *t = pt->task;

    if (q->which == P_PID && t->tid != q->id)
        return false;
    if (q->which == P_PGID && t->proc->pgid != q->id)
        return false;
    if (q->which == P_PIDFD && (t->proc != q->named || t != t->proc->leader))
        return false;
    return !(q->options & __WNOTHREAD) || pt->tracer == current;
}

static void answer_tracee(struct query *q, const struct task *t, int code, int status)
{
    answer(q, t->proc, code, status);
    q->pid = pid_told(t->tid);
    q->uid = t->cred.uid;
}

/* Is there something to say about a tracee?  Its stops are told whatever the options say. */
static bool report_tracee(struct ptrace *pt, struct query *q)
{
    struct task *t = pt->task;
    bool keep = (q->options & WNOWAIT) != 0, leads = t == t->proc->leader;

    if (pt->zombie || (leads && t->proc->zombie)) {
        int st = leads ? t->proc->exit_status : (int)pt->status;
        if (!(q->options & WEXITED))
            return false;
        answer_tracee(q, t, status_code(st), st);
        if (!keep)
            ptrace_reap(pt);
        return true;
    }
    if (pt->state == TRACEE_STOPPED && pt->code != 0) {
        answer_tracee(q, t, CLD_TRAPPED, (int)(pt->code << 8 | 0x7f));
        pt->code = keep ? pt->code : 0;
        return true;
    }
    if ((q->options & WCONTINUED) && leads && t->proc->continued) {
        t->proc->continued = keep;
        answer_tracee(q, t, CLD_CONTINUED, 0xffff);
        return true;
    }
    return false;
}

/* rc: what is known of the children.  tree_lock held. */
static SLOW_PATH int look_tracees(struct query *q, int rc)
{
    struct family_walk w;
    struct ptrace *pt;

    family_walk_begin(&w, &current->proc->tracees);
    while (rc != 1 && FAMILY_WALK_NEXT(&w, pt, link, WORK_LOOK) != NULL)
        if (matches_tracee(pt, q))
            rc = report_tracee(pt, q);
    family_walk_end(&w);
    return rc;
}

/* 1: an answer; 0: not yet; -ECHILD: there never will be one. */
static int look(struct query *q)
{
    struct process *p;
    struct family_walk w;
    int rc = -ECHILD;

    spin_lock(&tree_lock);
    if (q->which == P_PID) { /* that one, if it is ours */
        p = process_find(q->id);
        if (p != NULL && p->parent == current->proc && matches(p, q))
            rc = report(p, q);
        if (rc <= 0 && has_tracees(current->proc))
            rc = look_tracees(q, rc);
        spin_unlock(&tree_lock);
        return rc;
    }
    family_walk_begin(&w, &current->proc->children);
    while (FAMILY_WALK_NEXT(&w, p, sibling, WORK_LOOK) != NULL) {
        if (!matches(p, q))
            continue;
        rc = 0;
        if (report(p, q)) {
            rc = 1;
            break;
        }
    }
    family_walk_end(&w);
    if (rc <= 0 && has_tracees(current->proc))
        rc = look_tracees(q, rc);
    spin_unlock(&tree_lock);
    return rc;
}

static int do_wait(struct query *q)
{
    struct waitq *wq = &current->proc->child_wait;
    struct waiter w;
    int rc = look(q);

    if (rc != 0 || (q->options & WNOHANG))
        return rc;
    waiter_add(wq, &w);
    while ((rc = look(q)) == 0) {
        uint32_t pid = q->which == P_PID || q->which == P_PIDFD ? q->id : 0;
        rc = block(BLOCK_wait, pid, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (rc != 0)
            break;
        waitq_pass_on(wq);
    }
    waiter_remove(wq, &w);
    return rc;
}

SYSCALL4(wait4, int, pid, uaddr_t, status, uint32_t, options, uaddr_t, usage)
{
    struct rusage ru;
    struct query q = { .options = options | WEXITED, .usage = usage != 0 ? &ru : NULL };

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    if (pid == -1) {
        q.which = P_ALL;
    } else if (pid > 0) {
        q.which = P_PID;
        q.id = pid_named_soon((uint32_t)pid);
    } else {
        q.which = P_PGID;
        q.id = pid == 0 ? current->proc->pgid : pid_named_soon((uint32_t)-pid);
    }
    int rc = do_wait(&q);
    if (rc <= 0)
        return rc;
    if (status != 0 && put_user(q.status, status) != 0)
        return -EFAULT;
    if (usage != 0 && copy_to_user(usage, &ru, sizeof ru) != 0)
        return -EFAULT;
    return q.pid;
}

/* si_status is the plain value here, not wait4's encoding. */
static int plain_status(const struct query *q)
{
    switch (q->code) {
    case CLD_EXITED: return q->status >> 8 & 0xff;
    case CLD_STOPPED:
    case CLD_TRAPPED: return q->status >> 8;
    case CLD_CONTINUED: return SIGCONT;
    }
    return q->status & 0x7f;
}

static int wait_pidfd(struct query *q, int fd)
{
    WITH_FILE(f, fd);
    int rc = -EBADF;

    if (f == NULL)
        return rc;
    q->named = pidfd_process(f);
    struct task *thread = pidfd_thread(f);
    if (thread != NULL && thread->tid != thread->proc->tgid) {
        rc = -ECHILD; /* only processes are waited for */
    } else if (q->named != NULL) {
        bool nonblock = (f->flags & O_NONBLOCK) && !(q->options & WNOHANG);
        q->id = q->named->tgid;
        q->options |= nonblock ? WNOHANG : 0;
        rc = do_wait(q);
        if (rc == 0 && nonblock)
            rc = -EAGAIN;
    }
    return rc;
}

SYSCALL5(waitid, int, which, int, id, uaddr_t, infop, uint32_t, options, uaddr_t, usage)
{
    struct rusage ru;
    struct query q = {
        .which = which, .id = (uint32_t)id, .options = options, .usage = usage != 0 ? &ru : NULL
    };
    siginfo_t info;

    if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE |
                     __WALL)) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (which == P_PGID && id == 0)
        q.id = current->proc->pgid;
    else if (which == P_PIDFD ? id < 0
                              : which != P_ALL && (id <= 0 || (which != P_PID && which != P_PGID)))
        return -EINVAL;
    else if (which == P_PID || which == P_PGID)
        q.id = pid_named_soon(q.id);
    int rc = which == P_PIDFD ? wait_pidfd(&q, id) : do_wait(&q);
    if (rc < 0)
        return rc;
    memset(&info, 0, sizeof info);
    if (rc > 0) {
        info.si_signo = SIGCHLD;
        info.si_code = q.code;
        info.si_pid = (int)q.pid;
        info.si_uid = q.uid;
        info.si_status = plain_status(&q);
    }
    if (infop != 0 && copy_to_user(infop, &info, sizeof info) != 0)
        return -EFAULT;
    if (rc > 0 && usage != 0 && copy_to_user(usage, &ru, sizeof ru) != 0)
        return -EFAULT;
    return 0;
}
