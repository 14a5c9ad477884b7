/* seccomp_notify.h - listeners: files whose reader says what becomes of a system call (SECCOMP_RET_USER_NOTIF). */
#ifndef PROC_SECCOMP_NOTIFY_H
#define PROC_SECCOMP_NOTIFY_H

#include "sched/task.h"
#include <linux/seccomp.h>

struct file;
struct listener;

/* A listener for a filter that current is about to add, its file and a reserved descriptor; 0 or -errno.
 * Then fd_install() or listener_cancel(). */
int listener_new(struct listener **l, int *fd, struct file **f);
void listener_cancel(int fd, struct file *f);
void listener_filter_gone(
    struct listener *l); /* the filter ends; may sleep for nothing, locks: event */

/* current asks about the call that `data` describes, and waits; killable: no other signal interrupts that once it
 * has been received.  True: it makes the call; else r->rax is what it gets.  No lock held. */
bool listener_asks(struct listener *l, struct regs *r, const struct seccomp_data *data,
                   bool killable);

#endif
