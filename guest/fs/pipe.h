/* pipe.h - pipes and FIFOs: a ring of pages, created when first written. */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "lib/base.h"

struct file;
struct file_ops;
struct inode;

/* ends[0] reads, [1] writes.  O_NONBLOCK; O_DIRECT: packets; O_CLOEXEC is for the caller. */
int pipe_create(uint32_t flags, struct file *ends[2]);
extern const struct file_ops fifo_fops; /* open() meets its partner; state in inode->private */
void fifo_evict(struct inode *in);      /* the inode goes: frees the state */
/* pipe_packet.c: F_SETFL changes O_DIRECT of a pipe's file.  0, -ENOMEM, -EBUSY. */
int pipe_set_packets(struct file *f, bool on);
/* pipe_size.c: fcntl F_GETPIPE_SZ, F_SETPIPE_SZ: the capacity in bytes; -EBADF: no pipe. */
long pipe_get_size(struct file *f);
extern uint32_t pipe_max_size; /* [a] who lacks CAP_SYS_RESOURCE makes no pipe larger than that */
int pipe_set_max_size(uint64_t bytes);              /* rounds up; 0 or -EINVAL */
long pipe_set_size(struct file *f, uint32_t bytes); /* -EBUSY: it holds more; -EPERM: too large */

/* pipe_user.c: pages of a user's pipes; 0: no limit. */
extern uint32_t pipe_user_soft, pipe_user_hard; /* [a] */

/* pipe_splice.c: a pipe as a side of splice(2).  No lock held; bytes: a page of the kernel's. */
struct pipe;
struct uio;
struct pipe *pipe_state(struct file *f); /* NULL: it is no pipe, or one of packets */
/* 1: there are some; 0: there never will be; -EAGAIN, if nonblock; -ERESTARTSYS. */
long pipe_await_bytes(struct pipe *p, bool nonblock);
/* Room for at most so many bytes, and a page: how many; -EAGAIN, -EPIPE (and SIGPIPE), -ERESTARTSYS. */
long pipe_claim(struct pipe *p, size_t most, bool nonblock);
/* A claim ends, with n <= claimed bytes; how many of them are in it; -ENOMEM: none. */
long pipe_fill(struct pipe *p, size_t claimed, void *bytes, size_t n);
/* At most so many bytes, and a page, out of it; their room stays claimed.  How many; does not wait. */
long pipe_take(struct pipe *p, void *bytes, size_t most);
/* That claim ends, and the last n of the bytes go back. */
void pipe_settle(struct pipe *p, size_t took, void *rest, size_t n);
/* Some of the bytes from the at-th on, which stay; 0: there are none. */
long pipe_peek(struct pipe *p, size_t at, void *bytes, size_t most);
/* Bytes to and from a user's pieces: as many as there are, or fit, once there are any. */
long pipe_take_user(struct pipe *p, struct uio *u, bool nonblock);
long pipe_put_user(struct pipe *p, struct uio *u, bool nonblock);

#endif
