/* procfs.h - /proc. */
#ifndef PROCFS_PROCFS_H
#define PROCFS_PROCFS_H

struct file;
struct task;

/* The task whose directory of /proc f is, with a reference: 0, -EBADF, -ESRCH if it is gone. */
int procfs_task(const struct file *f, struct task **out);
void procfs_register(void); /* as a kind of file system; what mounts it makes the instance */

#endif
