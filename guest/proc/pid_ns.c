/* pid_ns.c - PID namespaces: a tree of them, and for each a table from its numbers to PIDs.
 *
 * A PID (pid.c) is a task's number in the first namespace.  Of one that was given out in a namespace below there is a
 * struct pid_names, with a number for each level from that namespace up; it hangs at the PID, in a page of pid.c that
 * is made when it has the first such, and lives as long as the PID is used: by a task, a group or a session.  Each
 * namespace has the way back, its number to the PID.  Both are changed and read under tree_lock, with the table of
 * PIDs, so on however many CPUs a number and who has it are one: what a call finds by a number is found in the step
 * that acts on it.  A task's own numbers do not change while it lives (an exec in a thread takes the leader's).
 *
 * Who is only in the first one has task.ns NULL, and sees PIDs as they are: a comparison is all it pays.
 *
 * A task's set has the namespace that it is in, for good, and the one that its children will be in (unshare, setns).
 * The first task of a namespace is its init.  It gets orphans; nobody inside can kill it; with its end all others
 * there are killed, and it ends when they are gone, after which nobody is born there.
 *
 * Left out: pid_max is the same everywhere; acct(2) tells PIDs. */
#include "proc/pid_ns.h"
#include "arch/preempt.h"
#include "mm/heap.h"
#include "proc/exit.h"
#include "proc/namespace.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "sched/sched.h"

#define PER_PAGE  (PAGE_SIZE / sizeof(uint16_t))
#define MIN_AGAIN 300u /* as pid.c's */
_Static_assert(PID_MAX <= 1u << 15, "a PID fits an entry");

struct pid_ns {
    struct ns ns;
    struct pid_ns *parent;              /* [k] NULL: the first; with a reference */
    uint32_t level;                     /* [k] 1: right below the first */
    uint32_t numbers, last;             /* [T] in use; given out last */
    struct process *init;               /* [T] NULL: not yet, or not any more */
    bool closed;                        /* [T] nobody is born here any more */
    int ends_by;                        /* [T] reboot(2): what init seems to be killed by; or 0 */
    struct task *waits;                 /* [T] init's last thread, for the others to be gone */
    uint16_t *page[PID_MAX / PER_PAGE]; /* [T] from its numbers to PIDs; 0: free */
};

struct pid_names {
    struct pid_ns *ns; /* [k] the innermost; with a reference */
    uint16_t nr[];     /* [k] by level - 1 */
};

struct ns first_pid_ns = FIRST_NS(NS_PID);
uint32_t pid_ns_count, pid_ns_max = PID_MAX / 2;

struct pid_ns *pid_ns_at(struct ns *ns)
{
    return ns == &first_pid_ns ? NULL : container_of(ns, struct pid_ns, ns);
}

struct ns *pid_ns_ns(struct pid_ns *ns) { return ns == NULL ? &first_pid_ns : &ns->ns; }

/* --- numbers --------------------------------------------------------------------------------- */

static struct pid_names *names_of(uint32_t pid)
{
    struct pid_names **at = pid_names(pid, false);

    return at != NULL ? *at : NULL;
}

struct pid_ns *pid_ns_of(uint32_t pid)
{
    const struct pid_names *n = names_of(pid);

    return n != NULL ? n->ns : NULL;
}

bool pid_ns_below(const struct pid_ns *ns, const struct pid_ns *top)
{
    while (ns != NULL && ns != top)
        ns = ns->parent;
    return ns == top;
}

uint32_t pid_in(const struct pid_ns *ns, uint32_t pid)
{
    if (ns == NULL)
        return pid;
    const struct pid_names *n = names_of(pid);
    return n != NULL && pid_ns_below(n->ns, ns) ? n->nr[ns->level - 1] : 0;
}

uint32_t pid_seen_by(uint32_t viewer, uint32_t pid) { return pid_in(pid_ns_of(viewer), pid); }

static uint16_t *entry(const struct pid_ns *ns, uint32_t nr)
{
    return nr < PID_MAX && ns->page[nr / PER_PAGE] != NULL ? &ns->page[nr / PER_PAGE][nr % PER_PAGE]
                                                           : NULL;
}

uint32_t pid_from(const struct pid_ns *ns, uint32_t nr)
{
    if (ns == NULL)
        return nr;
    const uint16_t *e = entry(ns, nr);
    return e != NULL ? *e : 0;
}

static uint32_t level_of(const struct pid_ns *ns) { return ns != NULL ? ns->level : 0; }

unsigned pid_row(const struct pid_ns *ns, uint32_t of, uint32_t pid,
                 uint32_t row[PID_NS_LEVELS + 1])
{
    const struct pid_ns *at = pid_ns_of(of);
    unsigned n = pid_ns_below(at, ns) ? level_of(at) - level_of(ns) + 1 : 0;

    for (unsigned i = n; i-- > 0; at = at != NULL ? at->parent : NULL)
        row[i] = pid_in(at, pid);
    return n;
}

struct task *pid_ns_next(const struct pid_ns *ns, uint32_t *from, uint32_t looks)
{
    struct task *t = NULL;

    if (ns == NULL)
        return pid_next_task(from, looks);
    for (; *from < PID_MAX && looks > 0 && t == NULL; looks--) {
        const uint16_t *e = entry(ns, *from);
        t = e != NULL ? task_find(*e) : NULL;
        *from = e != NULL ? *from + 1 : (*from | (PER_PAGE - 1)) + 1;
    }
    return t;
}

struct pid_ns *pid_ns_here(void)
{
    return current->ns != NULL ? pid_ns_at(current->ns->of[NS_PID]) : NULL;
}

static uint32_t here(uint32_t number, uint32_t (*turned)(const struct pid_ns *ns, uint32_t number))
{
    struct pid_ns *ns = pid_ns_here();
    bool held = spin_held(&tree_lock);

    if (ns == NULL)
        return number;
    if (!held)
        spin_lock(&tree_lock);
    number = turned(ns, number);
    if (!held)
        spin_unlock(&tree_lock);
    return number;
}

/* Its own do not change while it tells them. */
uint32_t pid_told(uint32_t pid)
{
    bool own = pid == current->tid || pid == current->proc->tgid;

    return own ? pid_in(pid_ns_here(), pid) : here(pid, pid_in);
}

uint32_t pid_named(uint32_t nr) { return here(nr, pid_from); }
struct task *task_named(uint32_t nr) { return task_find(pid_named_soon(nr)); }

/* PID, number, and whose number it is: the inode number is no other namespace's, ever. */
#define STAMP_NR 16
#define STAMP_NS 32

uint64_t pid_stamp(uint32_t pid)
{
    if (likely(current->ns == NULL))
        return pid;
    return current->ns->of[NS_PID]->ino << STAMP_NS | (uint64_t)pid_told(pid) << STAMP_NR | pid;
}

uint32_t pid_stamp_told(uint64_t stamp)
{
    struct pid_ns *ns = pid_ns_here();

    if (ns != NULL && stamp >> STAMP_NS == (uint32_t)ns->ns.ino)
        return stamp >> STAMP_NR & UINT16_MAX;
    return pid_told(stamp & UINT16_MAX);
}

long pid_ns_ask(struct ns *ns, bool of_process, bool in, uint32_t nr)
{
    struct pid_ns *there = pid_ns_at(ns), *here = pid_ns_here();

    spin_lock(&tree_lock);
    struct task *t = task_find(pid_from(in ? here : there, nr));
    nr = t != NULL ? pid_in(in ? there : here, of_process ? t->proc->tgid : t->tid) : 0;
    spin_unlock(&tree_lock);
    return nr != 0 ? (long)nr : -ESRCH;
}

uint32_t pid_ns_last(void)
{
    struct pid_ns *ns = pid_ns_here();

    return ns != NULL ? ns->last : pid_last();
}

void pid_ns_set_last(uint32_t nr)
{
    struct pid_ns *ns = pid_ns_here();

    spin_lock(&tree_lock);
    if (ns != NULL)
        ns->last = MIN(nr, PID_MAX - 1u);
    else
        pid_set_last(nr);
    spin_unlock(&tree_lock);
}

/* --- giving them out -------------------------------------------------------------------------- */

/* The namespace of current's next child. */
static struct pid_ns *childrens(void)
{
    return current->ns_made != NULL ? pid_ns_at(current->ns_made->set->pid_children)
           : current->ns != NULL    ? pid_ns_at(current->ns->pid_children)
                                    : NULL;
}

/* Whose init is not born yet has 1 to give, and nothing else. */
static int check_wanted(const struct pid_wanted *w)
{
    struct pid_ns *ns = childrens();

    if (w->n > level_of(ns) + 1)
        return -EINVAL;
    for (unsigned i = 0; i < w->n; i++, ns = ns != NULL ? ns->parent : NULL) {
        if (w->nr[i] < 1 || w->nr[i] >= pid_max ||
            (w->nr[i] != 1 && ns != NULL && ns->init == NULL))
            return -EINVAL;
        if (!capable())
            return -EPERM;
    }
    return 0;
}

int pid_claim_wanted(struct task *t, const struct pid_wanted *w)
{
    uint32_t level = level_of(childrens()), pid = w->n == level + 1 ? w->nr[level] : 0;
    int err = check_wanted(w);

    if (err == 0)
        err = pid != 0 ? pid_claim(t, pid) : (pid = pid_alloc(t)) != 0 ? 0 : -EAGAIN;
    if (err == 0)
        t->tid = pid;
    return err;
}

static uint32_t next_free(const struct pid_ns *ns)
{
    uint32_t nr = ns->last;

    for (uint32_t tried = 0; tried < PID_MAX; tried++) {
        nr = nr + 1 < pid_max ? nr + 1 : MIN_AGAIN;
        if (pid_from(ns, nr) == 0)
            return nr;
    }
    return 0;
}

static int take(struct pid_ns *ns, uint32_t pid, uint32_t wanted, uint16_t *got)
{
    uint32_t nr = wanted != 0 ? wanted : next_free(ns);
    uint16_t **page = &ns->page[nr / PER_PAGE];

    if (ns->closed || (*page == NULL && (*page = kzalloc(PAGE_SIZE)) == NULL))
        return -ENOMEM;
    if (nr == 0 || (*page)[nr % PER_PAGE] != 0)
        return nr == 0 ? -EAGAIN : -EEXIST;
    (*page)[nr % PER_PAGE] = (uint16_t)pid;
    *got = (uint16_t)nr;
    ns->numbers++;
    if (wanted == 0)
        ns->last = nr;
    return 0;
}

int pid_ns_join(struct task *t, struct pid_ns *ns, const struct pid_wanted *w)
{
    struct pid_names **at = pid_names(t->tid, true);
    struct pid_names *n = at != NULL ? kzalloc(sizeof *n + ns->level * sizeof n->nr[0]) : NULL;
    int err = 0;

    if (n == NULL)
        return -ENOMEM;
    *at = n;
    n->ns = ns;
    ref_get(&ns->ns.refs);
    for (unsigned i = 0; ns != NULL && err == 0; ns = ns->parent, i++)
        err = take(ns, t->tid, w != NULL && i < w->n ? w->nr[i] : 0, &n->nr[ns->level - 1]);
    return err;
}

void pid_ns_begin(struct process *p)
{
    struct pid_ns *ns = pid_ns_of(p->leader->tid);

    if (ns != NULL && ns->init == NULL) {
        ns->init = p;
        p->unkillable = true;
    }
}

void pid_names_drop(struct pid_names **at)
{
    struct pid_names *n = *at;

    if (n == NULL)
        return;
    *at = NULL;
    for (struct pid_ns *ns = n->ns; ns != NULL; ns = ns->parent) {
        uint32_t nr = n->nr[ns->level - 1];
        if (nr == 0)
            continue;
        *entry(ns, nr) = 0;
        if (--ns->numbers == 0 && ns->init == NULL)
            ns->last = 0; /* its init was not born after all: the next one will be it */
        if (ns->waits != NULL)
            wake_task(ns->waits);
    }
    ns_put(&n->ns->ns);
    kfree(n);
}

/* --- life ------------------------------------------------------------------------------------- */

struct ns *pid_ns_make(int *err)
{
    struct pid_ns *parent = pid_ns_here(), *ns;

    if (current->ns != NULL && current->ns->pid_children != current->ns->of[NS_PID])
        *err = -EINVAL;
    else if (level_of(parent) == PID_NS_LEVELS ||
             __atomic_load_n(&pid_ns_count, __ATOMIC_RELAXED) >= pid_ns_max)
        *err = -ENOSPC;
    else if ((ns = kzalloc(sizeof *ns)) == NULL)
        *err = -ENOMEM;
    else {
        ns->parent = parent;
        ns->level = level_of(parent) + 1;
        ref_get(&pid_ns_ns(parent)->refs);
        __atomic_fetch_add(&pid_ns_count, 1, __ATOMIC_RELAXED);
        return &ns->ns;
    }
    return NULL;
}

void pid_ns_end(struct ns *n)
{
    struct pid_ns *ns = pid_ns_at(n);

    for (unsigned i = 0; i < ARRAY_SIZE(ns->page); i++)
        kfree(ns->page[i]);
    __atomic_fetch_sub(&pid_ns_count, 1, __ATOMIC_RELAXED);
    n = pid_ns_ns(ns->parent);
    kfree(ns);
    ns_put(n);
}

struct ns *pid_ns_parent(struct ns *n)
{
    struct pid_ns *ns = pid_ns_at(n);

    return ns != NULL && pid_ns_below(ns->parent, pid_ns_here()) ? pid_ns_ns(ns->parent) : NULL;
}

bool pid_ns_begun(struct ns *n)
{
    struct pid_ns *ns = pid_ns_at(n);

    return ns == NULL || ns->init != NULL || ns->closed;
}

struct process *pid_ns_init(const struct pid_ns *ns)
{
    return ns != NULL ? ns->init : init_process;
}

void pid_ns_reboot(int seems_killed_by)
{
    struct pid_ns *ns = pid_ns_here();

    spin_lock(&tree_lock);
    ns->ends_by = seems_killed_by;
    if (ns->init != NULL)
        signal_send_process_locked(ns->init, SIGKILL, NULL);
    spin_unlock(&tree_lock);
    exit_task(0);
}

bool pid_ns_unseen(const struct process *p, const siginfo_t *info)
{
    int code = info->si_code;

    return (code == SI_USER || (code < 0 && code != SI_TIMER && code != SI_SIGIO)) &&
           pid_seen_by(p->tgid, current->proc->tgid) == 0;
}

/* By the kernel or from outside. */
bool pid_ns_lets_in(const struct process *p, int sig, const siginfo_t *info)
{
    return in_set(SIGSET_UNBLOCKABLE, sig) && p != init_process &&
           (info == NULL || info->si_code == SI_KERNEL || pid_ns_unseen(p, info));
}

#define WORK_LOOK 60u  /* instructions a process, about (arch/preempt.h), */
#define WORK_KILL 600u /* and one that is killed */

static void kill_others(const struct pid_ns *ns)
{
    struct family_walk w;
    struct process *p;

    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL)
        if (p != current->proc && pid_in(ns, p->tgid) != 0) {
            signal_send_process_locked(p, SIGKILL, NULL);
            preempt_tell(WORK_KILL);
        }
    family_walk_end(&w);
}

/* Children that have ended, but for those that their tracers are to see first. */
static void reap(struct process *parent)
{
    struct family_walk w;
    struct process *p;

    family_walk_begin(&w, &parent->children);
    while (FAMILY_WALK_NEXT(&w, p, sibling, WORK_LOOK) != NULL)
        if (p->zombie && p->leader->ptrace == NULL)
            process_reap(p);
    family_walk_end(&w);
}

void pid_ns_leave(struct task *t)
{
    static const struct ksigaction ignore = { .handler = HANDLER_IGNORE };
    struct process *p = t->proc;
    struct waiter w;

    spin_lock(&tree_lock);
    struct pid_ns *ns = pid_ns_of(p->tgid);
    if (ns != NULL && ns->init == p) {
        ns->closed = true;
        if (ns->ends_by != 0)
            p->exit_status = ns->ends_by;
        spin_lock(&t->sighand->lock);
        sig_set_action(t->sighand, SIGCHLD, &ignore); /* most that end are reaped at once by it */
        spin_unlock(&t->sighand->lock);
        kill_others(ns);
        ns->waits = t;
        waiter_add(&p->child_wait, &w);
        while (reap(p), ns->numbers > 1u + (t != p->leader)) {
            spin_unlock(&tree_lock);
            block(BLOCK_wait, 0, BLOCK_UNINTERRUPTIBLE, NO_DEADLINE);
            spin_lock(&tree_lock);
        }
        waiter_remove(&p->child_wait, &w);
        ns->waits = NULL;
        ns->init = NULL;
    }
    spin_unlock(&tree_lock);
}
