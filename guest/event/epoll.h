/* epoll.h - waiting for many files, of which few are ready: epoll(7). */
#ifndef EVENT_EPOLL_H
#define EVENT_EPOLL_H

#include "lib/base.h"

struct file;

/* epoll_ctl.c */
/* Of all users together; what fits into 4 % of memory, if nobody has set it. */
uint64_t epoll_max_watches(void);
void epoll_set_max_watches(uint64_t most);
void epoll_init(void);
/* Which file the epoll behind `ep` watches by descriptor fd, the nth of those; only to be compared, it may
 * end at once.  NULL and *err: -EINVAL, ep is none, or -ENOENT. */
const struct file *epoll_watched_file(struct file *ep, int fd, uint32_t nth, int *err);

#endif
