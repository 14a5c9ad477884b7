/* namespace.h - namespaces (sched/namespace.h): who is in which, and their files, which /proc/PID/ns leads to. */
#ifndef PROC_NAMESPACE_H
#define PROC_NAMESPACE_H

#include "lib/base.h"
#include "sched/namespace.h"

struct clone_request;
struct file;
struct path;
struct task;

void ns_put(struct ns *ns);                            /* as end_later() may be called */
struct ns *ns_of(enum ns_kind kind);                   /* current's */
struct ns *task_ns(struct task *t, enum ns_kind kind); /* with a reference; NULL: it has ended */
/* The one that its children will be in; begun: and it has had an init.  The same. */
struct ns *task_pid_children(struct task *t, bool begun);
struct fs_ctx *task_fs(struct task *t); /* with a reference; NULL: it has none any more */
int task_root(struct task *t,
              struct path *out);            /* with references; -ENOENT: it has none any more */
struct ns_set *task_ns_set(struct task *t); /* with a reference */
void ns_set_put(struct ns_set *s);
struct ns_set *ns_set_copy(const struct ns_set *s);   /* NULL: no memory */
void ns_set_replace(struct ns_set *s, struct ns *ns); /* a copy's; takes over the reference */
void ns_set_enter(struct ns_set *s);                  /* current's from now on; the same */
struct ns *ns_make(enum ns_kind kind, struct fs_ctx *fs,
                   int *err); /* like current's, with a reference; or NULL */
int ns_inherit(struct task *child, const struct clone_request *rq); /* 0 or -errno */
void ns_leave(struct task *t);

uint64_t ns_id(const struct ns *ns);  /* no other has it, ever */
uint64_t ns_flag(enum ns_kind kind);  /* CLONE_NEW* */
bool namespace_known(uint64_t flags); /* are they all CLONE_NEW*, and is there one? */
bool namespace_made(uint64_t flags);  /* can others be made of all these? */
/* With a reference to its dentry, which is in no tree; takes over the one to ns.  fs_tree need not be held.  0 or
 * -ENOMEM. */
int namespace_path(struct ns *ns, struct path *out);
int namespace_open(struct ns *ns);             /* a descriptor; takes over the reference */
struct ns *namespace_of(const struct file *f); /* NULL: f is no such file */

/* unshare.c: clone(2) of one with namespaces of its own.  The child's PID or -errno. */
int ns_may_clone(uint64_t flags); /* some of them are namespaces: 0, -EINVAL, -EPERM */
long ns_clone(const struct clone_request *rq);

#endif
