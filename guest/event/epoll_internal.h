/* epoll_internal.h - between epoll.c (what is ready, waiting for it) and epoll_ctl.c (what is
 * watched). */
#ifndef EVENT_EPOLL_INTERNAL_H
#define EVENT_EPOLL_INTERNAL_H

#include "fs/file.h"
#include "fs/poll.h"
#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "sched/block.h"

/* [k] fixed at creation  [e] epoll.lock  [r] ready_lock  [n] epoll_nest  [w] watchers lock
 * With two letters: both are held to write, one is enough to read. */
struct epoll {
    struct mutex lock;
    struct spinlock ready_lock;
    struct list ready;     /* [r] items that may be ready, in the order in which they became it */
    struct list scanned;   /* [er] taken from there by who holds `lock`, still to be looked at */
    struct list waiters;   /* [r] struct epoll_waiter, first come, first served */
    struct waitq wait;     /* who polls this epoll's own descriptor, other epolls among them */
    struct later later;    /* wakes that queue */
    struct rb_root items;  /* [e] by file and descriptor */
    struct refcount refs;  /* [a] the file's; each item's; while `later` is added */
    struct file *file;     /* [k] */
    struct list nested;    /* [en] items whose file is an epoll */
    uint32_t stamp, depth; /* [n] of the last walk that came by */
};

/* One queue that an item stands in; a file may have several. */
struct epoll_watch {
    struct watch watch;
    struct epoll_item *item;
    struct epoll_watch *next;
};

struct epoll_item {
    struct rb_node node;             /* [e] */
    struct epoll *ep;                /* [k] */
    struct file *file;               /* [k] without a reference: it ends after its items */
    int fd;                          /* [k] */
    uint32_t events;                 /* [er] */
    uint64_t data;                   /* [e] */
    struct list file_link;           /* [w] in the ring of file->watchers */
    struct list nested_link;         /* [en] */
    struct list ready_link;          /* [r] in `ready` or `scanned`; alone: in neither */
    struct epoll_watch first, *more; /* [e] first.watch.queue NULL: unused */
};

/* What stays of an item's events when EPOLLONESHOT has struck. */
#define EPOLL_MODES (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* epoll.c */
struct epoll *epoll_of(const struct file *f); /* NULL: f is none */
/* What of its events is true of an item now.  ep->lock held. */
uint32_t epoll_item_ready(const struct epoll_item *item, struct poll_table *pt);
/* It may be ready: whoever waits is told.  ep->lock held. */
void epoll_item_queue(struct epoll_item *item);
bool epoll_notify(struct watch *w, uint32_t events); /* of an item's watches */
void epoll_put(struct epoll *ep);

/* epoll_ctl.c */
void epoll_watch_end(struct epoll *ep);    /* its file has ended: nothing is watched any more */
void epoll_file_end(struct file *watched); /* file_on_end_watched() */

#endif
