/* signal_group.c - a signal to a whole process group, which may have thousands of members.
 *
 * A task sends it in a walk in which others run now and then (process.h).  An interrupt, a
 * key on the terminal, cannot wait: it sends to some, and a timer that is due at once goes on with the
 * others, some each time.
 *
 * On Linux all of them get it in one moment.  Here it is as if: a new process stands before
 * its maker in the list of all (process_link()), so a child gets it if its maker has not had it
 * yet, and does not if it has; and a fork ends with ERESTARTNOINTR when its maker has just
 * got it (fork.c).  The same signal once more, while it is on its way, begins anew: for who still has
 * it pending that is one, as if both had come before he looked. */
#include "arch/preempt.h"
#include "mm/heap.h"
#include "proc/process.h"
#include "proc/signal_internal.h"

#define WORK_SEND    600u   /* instructions a process, about (arch/preempt.h), */
#define WORK_LOOK    35u    /* and one that is not in the group */
#define WORK_AT_ONCE 16384u /* in an interrupt */

/* One that is on its way. */
struct group_signal {
    struct list link; /* [T] */
    struct timer timer;
    struct family_walk walk; /* [T] */
    uint32_t pgid;           /* [k] */
    int sig;                 /* [k] */
};
static struct list under_way = LIST_INIT(under_way); /* [T] */

int signal_send_pgrp_locked(uint32_t pgid, int sig, const siginfo_t *info)
{
    struct family_walk w;
    struct process *p;
    int err = -ESRCH;

    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL) {
        if (p->pgid != pgid)
            continue;
        int one = signal_send_process_locked(p, sig, info);
        if (err != 0)
            err = one;
        preempt_tell(WORK_SEND);
    }
    family_walk_end(&w);
    return err;
}

/* To some more of them.  True: there may be others. */
static bool send_some(struct family_walk *w, uint32_t pgid, int sig, uint32_t most)
{
    struct list *l;

    for (uint32_t work = 0; work < most; work += WORK_LOOK) {
        if ((l = family_walk_step(w)) == NULL)
            return false;
        struct process *p = list_entry(l, struct process, all_link);
        if (p->pgid != pgid)
            continue;
        signal_send_process_locked(p, sig, NULL);
        work += WORK_SEND;
    }
    return true;
}

static void go_on(struct timer *timer)
{
    struct group_signal *g = container_of(timer, struct group_signal, timer);

    spin_lock(&tree_lock);
    bool more = send_some(&g->walk, g->pgid, g->sig, WORK_AT_ONCE);
    if (!more) {
        family_walk_end(&g->walk);
        list_remove(&g->link);
    }
    spin_unlock(&tree_lock);
    if (more)
        timer_start(timer, clock_mono_ns());
    else
        kfree(g); /* nobody else knows of it, and the timer is done with it */
}

/* From where the walk w is, later; w itself ends.  False: no memory. */
static SLOW_PATH bool send_later(struct family_walk *w, uint32_t pgid, int sig)
{
    struct group_signal *g = kzalloc(sizeof(*g));

    if (g == NULL)
        return false;
    g->pgid = pgid;
    g->sig = sig;
    family_walk_begin(&g->walk, &all_processes);
    g->walk.at = w->at;
    list_push_back(&under_way, &g->link);
    timer_setup(&g->timer, go_on);
    timer_start(&g->timer, clock_mono_ns());
    return true;
}

/* Is it on its way?  Then it begins anew. */
static bool begins_anew(uint32_t pgid, int sig)
{
    struct group_signal *g;

    list_for_each(g, &under_way, link)
        if (g->pgid == pgid && g->sig == sig) {
            g->walk.at = g->walk.head;
            return true;
        }
    return false;
}

void signal_send_pgrp(uint32_t pgid, int sig)
{
    struct family_walk w;

    spin_lock(&tree_lock);
    if (list_empty(&under_way) || !begins_anew(pgid, sig)) {
        family_walk_begin(&w, &all_processes);
        if (send_some(&w, pgid, sig, WORK_AT_ONCE) && !send_later(&w, pgid, sig))
            send_some(&w, pgid, sig, UINT32_MAX); /* no memory for a later: then now */
        family_walk_end(&w);
    }
    spin_unlock(&tree_lock);
}
