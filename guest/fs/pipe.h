/* pipe.h - pipes and FIFOs: a ring of pages, created when first written. */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "lib/base.h"

struct file;
struct file_ops;
struct inode;

/* ends[0] reads, [1] writes.  O_NONBLOCK; O_DIRECT is refused; O_CLOEXEC is for the caller. */
int pipe_create(uint32_t flags, struct file *ends[2]);
extern const struct file_ops fifo_fops; /* open() meets its partner; state in inode->private */
void fifo_evict(struct inode *in);      /* the inode goes: frees the state */
/* fcntl F_GETPIPE_SZ, F_SETPIPE_SZ: the capacity in bytes; -EBADF: no pipe. */
long pipe_get_size(struct file *f);
long pipe_set_size(struct file *f, uint32_t bytes); /* -EBUSY: it holds more; -EPERM: too large */

#endif
