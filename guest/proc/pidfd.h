/* pidfd.h - descriptors that name a process (pidfd_open(2), CLONE_PIDFD).
 * A pidfd holds a reference on its struct process, so it never comes to mean
 * another one with the same PID.  It is readable (poll) once the process ended. */
#ifndef PROC_PIDFD_H
#define PROC_PIDFD_H

#include "lib/base.h"

struct file;
struct process;

/* A file and a reserved descriptor for p, close-on-exec; nothing is visible until
 * fd_install(*fd, *f).  flags: PIDFD_NONBLOCK or 0.  -EMFILE, -ENOMEM. */
int pidfd_prepare(struct process *p, uint32_t flags, int *fd, struct file **f);
void pidfd_cancel(int fd, struct file *f);
/* The process f names, without a reference of its own; NULL: f is no pidfd. */
struct process *pidfd_process(const struct file *f);

#endif
