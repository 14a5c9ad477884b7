/* epoll.h - waiting for many files, of which few are ready: epoll(7). */
#ifndef EVENT_EPOLL_H
#define EVENT_EPOLL_H

/* epoll_ctl.c */
void epoll_init(void);

#endif
