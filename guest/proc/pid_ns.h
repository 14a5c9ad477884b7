/* pid_ns.h - PID namespaces: by what number a namespace knows a task, group or session.
 *
 * "PID" alone is the number in the first namespace, where everybody has one: the kernel's own name for it, which is
 * what all tables, structures and the trace hold.  Calls turn what a program says into it, and it into what the
 * program is told.  In all of this a namespace is NULL for the first one. */
#ifndef PROC_PID_NS_H
#define PROC_PID_NS_H

#include "sched/namespace.h"
#include "sched/task.h"

struct pid_names;
struct pid_ns;

#define PID_NS_LEVELS 32u /* below the first, as on Linux */
extern struct ns first_pid_ns;
extern uint32_t pid_ns_count,
    pid_ns_max; /* [a] of namespaces but the first: there are, there may be */

/* The numbers that a new task is to have: in its own namespace, in that one's parent, and so on. */
struct pid_wanted {
    uint32_t n, nr[PID_NS_LEVELS];
};

/* --- numbers.  tree_lock held --- */
uint32_t pid_in(const struct pid_ns *ns,
                uint32_t pid); /* what ns calls it; 0: it is not seen there */
uint32_t pid_from(const struct pid_ns *ns,
                  uint32_t nr);         /* the PID of what ns calls nr; 0: nothing */
struct pid_ns *pid_ns_of(uint32_t pid); /* the innermost in which it has a number */
/* The numbers of pid in ns and those below, down to the innermost one of the task `of`: how many. */
unsigned pid_row(const struct pid_ns *ns, uint32_t of, uint32_t pid,
                 uint32_t row[PID_NS_LEVELS + 1]);
/* What the namespace of the task with that PID calls it. */
uint32_t pid_seen_by(uint32_t viewer, uint32_t pid);
struct task *pid_ns_next(const struct pid_ns *ns, uint32_t *from,
                         uint32_t looks); /* pid_next_task() */
struct task *task_named(uint32_t nr);     /* by the number that current says; NULL */

/* --- as current says them; tree_lock held, or no spinlock behind it.  Of its own numbers any may be held --- */
struct pid_ns *pid_ns_here(void);
uint32_t pid_told(uint32_t pid); /* what current calls it; 0: it does not see it */
uint32_t pid_named(uint32_t nr); /* the PID; 0: nobody's, or nr is 0 */
static inline uint32_t pid_told_soon(uint32_t pid) /* the same where instructions count */
{
    return likely(current->ns == NULL) ? pid : pid_told(pid);
}
static inline uint32_t pid_named_soon(uint32_t nr)
{
    return likely(current->ns == NULL) ? nr : pid_named(nr);
}
/* Who did something, for whoever asks later, when that one may be gone. */
uint64_t pid_stamp(uint32_t pid); /* which current sees */
uint32_t pid_stamp_told(uint64_t stamp);

/* --- life --- */
struct ns *pid_ns_make(int *err); /* within current's; NULL: -EINVAL, -ENOSPC, -ENOMEM */
void pid_ns_end(struct ns *ns);
struct ns *pid_ns_ns(struct pid_ns *ns);
struct pid_ns *pid_ns_at(struct ns *ns);
struct ns *pid_ns_parent(struct ns *ns); /* NULL: none that current sees */
bool pid_ns_below(const struct pid_ns *ns,
                  const struct pid_ns *top); /* is it, or is it top itself? */
long pid_ns_ask(struct ns *ns, bool of_process, bool in,
                uint32_t nr);     /* NS_GET_PID_FROM_PIDNS and its like */
bool pid_ns_begun(struct ns *ns); /* has it had an init? */
/* A child of current's gets its PID, which is among those or any: 0 or -errno.  tree_lock held. */
int pid_claim_wanted(struct task *t, const struct pid_wanted *w);
/* Numbers for t, which has its PID, in ns and those around it: 0, -ENOMEM, -EAGAIN, -EEXIST.  What it has then goes
 * with the PID, also after an error.  tree_lock held. */
int pid_ns_join(struct task *t, struct pid_ns *ns, const struct pid_wanted *w);
void pid_ns_begin(struct process *p); /* and it is to be: perhaps as its namespace's init */
void pid_names_drop(struct pid_names **names); /* pid.c: of a number that is not used any more */
/* Does a task say so, whom p does not see?  tree_lock held. */
bool pid_ns_unseen(const struct process *p, const siginfo_t *info);
/* May this signal kill or stop p, which is the init of a namespace or of all?  tree_lock held. */
bool pid_ns_lets_in(const struct process *p, int sig, const siginfo_t *info);
struct process *pid_ns_init(const struct pid_ns *ns); /* tree_lock held */
void pid_ns_leave(
    struct task *t); /* the last thread of a process ends: of an init, all others end first */
/* The end of current's, which is not the first. */
void pid_ns_reboot(int seems_killed_by) __attribute__((noreturn));
uint32_t pid_ns_last(void); /* what current's gave out last */
void pid_ns_set_last(uint32_t nr);

#endif
