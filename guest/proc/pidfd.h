/* pidfd.h - descriptors that name a process (pidfd_open(2), CLONE_PIDFD) or, with
 * PIDFD_THREAD, one of its threads.  A pidfd holds a reference on what it names, so it never
 * comes to mean another one with the same PID.  It is readable (poll) once that ended. */
#ifndef PROC_PIDFD_H
#define PROC_PIDFD_H

#include "lib/base.h"
#include <linux/pidfd.h>

#ifndef PIDFD_THREAD /* newer than some systems' headers */
#define PIDFD_THREAD               O_EXCL
#define PIDFD_SIGNAL_THREAD        1u
#define PIDFD_SIGNAL_THREAD_GROUP  2u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u
#endif
#define PIDFD_SIGNAL_FLAGS \
    (PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP)
#ifndef PIDFD_SELF_THREAD /* the caller, where a descriptor could be */
#define PIDFD_SELF_THREAD       (-10000)
#define PIDFD_SELF_THREAD_GROUP (-10001)
#endif

struct file;
struct process;
struct task;

/* A file and a reserved descriptor for p, close-on-exec; nothing is visible until
 * fd_install(*fd, *f).  flags: PIDFD_NONBLOCK or 0.  -EMFILE, -ENOMEM. */
int pidfd_prepare(struct process *p, uint32_t flags, int *fd, struct file **f);
void pidfd_cancel(int fd, struct file *f);
/* The process f names, or whose thread it names, without a reference of its own; NULL: f is
 * no pidfd. */
struct process *pidfd_process(const struct file *f);
struct task *pidfd_thread(const struct file *f); /* NULL: f names no thread */
/* pidfd_info.c: PIDFD_GET_INFO, and descriptors of the namespaces that it is in. */
long pidfd_ioctl(struct file *f, uint32_t cmd, uaddr_t arg);

#endif
