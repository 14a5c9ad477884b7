/* process.c - the family: processes and their places in it, groups, sessions. */
#include "proc/process.h"
#include "arch/preempt.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/itimer.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/signal_internal.h"
#include "proc/task.h"
#include "sched/record.h"

struct spinlock tree_lock = SPINLOCK_INIT(LOCK_tree);
struct process *init_process;
struct list all_processes = LIST_INIT(all_processes);
uint32_t nprocesses, nthreads_total;

int process_alloc(struct process **out)
{
    struct process *p = kmalloc(sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    memset(p, 0, offsetof(struct process, rlim));
    ref_init(&p->refs, 1);
    list_init(&p->threads);
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->all_link);
    waitq_init(&p->child_wait);
    waitq_init(&p->end_wait);
    itimer_init(p);
    sigpending_init(&p->shared_pending);
    *out = p;
    return 0;
}

void process_get(struct process *p) { ref_get(&p->refs); }

static SLOW_PATH void process_end(struct process *p)
{
    sigpending_flush(&p->shared_pending);
    kfree(p);
}

void process_put(struct process *p)
{
    if (ref_put(&p->refs))
        process_end(p);
}

struct process *process_find(uint32_t tgid)
{
    ASSERT_SPIN_HELD(&tree_lock);
    struct task *t = task_find(tgid);
    return t != NULL && t->proc->tgid == tgid ? t->proc : NULL;
}

struct process *process_named(uint32_t nr)
{
    struct task *t = task_named(nr);

    return t != NULL ? t->proc : NULL;
}

void process_set_group(struct process *p, uint32_t pgid)
{
    pid_join(pgid, p->session);
    if (p->pgid != 0)
        pid_part(p->pgid);
    p->pgid = pgid;
}

void process_set_session(struct process *p, struct session *s)
{
    struct session *old = p->session;

    session_get(s);
    pid_hold(s->sid);
    p->session = s;
    if (old != NULL) {
        pid_drop(old->sid);
        session_put(old);
    }
}

/* It comes before the one that makes it: so a walk over all that has been at that one does not meet
 * it, and one that has not will: of a signal to a group that is sent in steps, the child of one that
 * has it gets none, and the child of one that will have it does. */
void process_link(struct process *p)
{
    struct process *maker = current->proc;

    list_push_back(maker != NULL && maker != p ? &maker->all_link : &all_processes, &p->all_link);
    if (p->parent != NULL)
        list_push_back(&p->parent->children, &p->sibling);
    nprocesses++;
}

static struct list walks = LIST_INIT(walks); /* [T] */

void family_walk_begin(struct family_walk *w, struct list *head)
{
    w->head = w->at = head;
    list_push_back(&walks, &w->link);
}

struct list *family_walk_next(struct family_walk *w, uint32_t work)
{
    ASSERT_SPIN_HELD(&tree_lock);
    if (unlikely(PREEMPT_DUE(work))) {
        spin_unlock(&tree_lock);
        preempt_point();
        spin_lock(&tree_lock);
    }
    return family_walk_step(w);
}

void family_walk_end(struct family_walk *w) { list_remove(&w->link); }

void family_each_task(void (*fn)(struct task *t, void *arg), void *arg, uint32_t work)
{
    struct family_walk all, each;
    struct process *p;
    struct task *t;

    spin_lock(&tree_lock);
    family_walk_begin(&all, &all_processes);
    while (FAMILY_WALK_NEXT(&all, p, all_link, 60) != NULL) {
        process_get(p);
        family_walk_begin(&each, &p->threads);
        while (FAMILY_WALK_NEXT(&each, t, thread_link, work) != NULL)
            fn(t, arg);
        family_walk_end(&each);
        process_put(p);
    }
    family_walk_end(&all);
    spin_unlock(&tree_lock);
}

/* Walks that are at it go on behind it. */
static SLOW_PATH void leave_walks(struct list *l)
{
    struct family_walk *w;

    list_for_each(w, &walks, link)
        if (w->at == l)
            w->at = l->prev;
}

void family_walk_leave(struct list *l)
{
    if (unlikely(!list_empty(&walks)))
        leave_walks(l);
}

void process_release(struct process *p)
{
    struct task *leader = p->leader;

    ASSERT_SPIN_HELD(&tree_lock);
    family_walk_leave(&p->all_link);
    family_walk_leave(&p->sibling);
    list_remove(&p->all_link);
    list_remove(&p->sibling);
    nprocesses--;
    pid_part(p->pgid);
    pid_drop(p->session->sid);
    session_put(p->session);
    p->session = NULL;
    p->leader = NULL;
    thread_release(leader);
    process_put(p);
}

void thread_release(struct task *t)
{
    spin_lock(&t->lock);
    task_set_state(t, TASK_dead, BLOCK_none, 0);
    spin_unlock(&t->lock);
    signal_sweep_leave(t);
    family_walk_leave(&t->thread_link);
    list_remove(&t->thread_link);
    pid_free(t->tid);
    task_put(t);
}

bool pgrp_exists(uint32_t pgid, struct session *in) { return pid_group_session(pgid) == in; }

#define WORK_LOOK 35u /* instructions a process, about (arch/preempt.h) */

/* POSIX: no member has a parent in the same session but another group.  Init
 * does not count as a parent that cares, and the dead, or about to be, do not count.
 *
 * Others run meanwhile.  Who ends looks after he does not count any more: so of several who were a group's
 * last links to its session, at least the last one finds none. */
bool pgrp_orphaned(uint32_t pgid)
{
    struct family_walk w;
    struct process *p;
    bool linked = false;

    family_walk_begin(&w, &all_processes);
    while (!linked && FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL) {
        if (p->pgid != pgid || p->going || p->parent == NULL || p->parent == init_process)
            continue;
        linked = p->parent->pgid != pgid && p->parent->session == p->session;
    }
    family_walk_end(&w);
    return !linked;
}

void session_get(struct session *s) { ref_get(&s->refs); }

void session_put(struct session *s)
{
    if (ref_put(&s->refs))
        kfree(s);
}
