/* process.h - the family: processes, groups, sessions. */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include "sched/task.h"

extern struct spinlock tree_lock;           /* the family: processes, groups, sessions, PIDs */
extern struct process *init_process;        /* PID 1 */
extern struct list all_processes;           /* [T] */
extern uint32_t nprocesses, nthreads_total; /* [T] */

int process_alloc(struct process **out); /* refs 1; not in any list */
void process_get(struct process *p);
void process_put(struct process *p);
struct process *process_find(uint32_t tgid); /* tree_lock held; zombies included */
struct process *process_named(
    uint32_t nr); /* the same, by a number of it or a thread that current says */

/* tree_lock held.  The process gets or changes its group and session. */
void process_set_group(struct process *p, uint32_t pgid);
void process_set_session(struct process *p, struct session *s);
/* Puts a process into the family under p->parent. */
void process_link(struct process *p);
/* A dead process that nobody will ask about any more: out of the family. */
void process_release(struct process *p);
/* A dead thread that is not its leader: out of the table. */
void thread_release(struct task *t);

/* Over a list of the family, one after the other, where others run in between: tree_lock is held, and
 * given up now and then.  Who comes meanwhile is met, who goes is not; what holds the list stays. */
struct family_walk {
    struct list link;       /* [T] in the list of walks */
    struct list *head, *at; /* [T] at: the last one */
};
void family_walk_begin(struct family_walk *w, struct list *head);
struct list *family_walk_next(struct family_walk *w, uint32_t work); /* NULL: no more */
/* The same where nobody else may run: in an interrupt, which goes on with it in the next one. */
static inline struct list *family_walk_step(struct family_walk *w)
{
    w->at = w->at->next;
    return w->at != w->head ? w->at : NULL;
}
void family_walk_end(struct family_walk *w);
void family_walk_leave(struct list *l); /* before it is taken out of such a list */
/* The next one, as what it is in; work: instructions that one costs. */
#define FAMILY_WALK_NEXT(w, pos, member, work) \
    ({ \
        struct list *l_ = family_walk_next((w), (work)); \
        (pos) = l_ != NULL ? list_entry(l_, __typeof__(*(pos)), member) : NULL; \
    })
/* Every thread of every process, so; takes tree_lock, which fn() is called with and may give up meanwhile. */
void family_each_task(void (*fn)(struct task *t, void *arg), void *arg, uint32_t work);

/* tree_lock held.  In pgrp_orphaned() it is given up now and then. */
bool pgrp_exists(uint32_t pgid, struct session *in);
bool pgrp_orphaned(uint32_t pgid);
void session_get(struct session *s);
void session_put(struct session *s);

#endif
