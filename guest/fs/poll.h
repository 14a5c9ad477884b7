/* poll.h - waiting for several files at once.
 * A file's poll operation says what is ready now, and calls poll_wait() with
 * each queue whose wake may change that.  epoll, poll and select bring a table
 * that enters itself there; a NULL table only asks. */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "sched/block.h"
#include <linux/eventpoll.h>
#include <linux/poll.h>

struct poll_table {
    void (*enter)(struct poll_table *pt, struct waitq *q);
};
static inline void poll_wait(struct poll_table *pt, struct waitq *q)
{
    if (pt != NULL)
        pt->enter(pt, q);
}

/* What is ready of current's descriptor; -EBADF. */
long poll_ask(int fd, struct poll_table *pt);
/* Passes until something is ready, the moment has come or a signal: the number of
 * ready things, 0, or -ERESTARTNOHAND; or what pass() fails with.  A pass asks each file
 * with the table that it is given, and with NULL once something is ready. */
long poll_files(long (*pass)(void *what, struct poll_table *pt), void *what,
                enum block_reason reason, uint64_t deadline);

#endif
