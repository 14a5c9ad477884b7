/* epoll.h - waiting for many files, of which few are ready: epoll(7). */
#ifndef EVENT_EPOLL_H
#define EVENT_EPOLL_H

#include "lib/base.h"

/* epoll_ctl.c */
/* Of all users together; what fits into 4 % of memory, if nobody has set it. */
uint64_t epoll_max_watches(void);
void epoll_set_max_watches(uint64_t most);
void epoll_init(void);

#endif
