/* poll.h - waiting for several files at once.
 * A file's poll operation says what is ready now, and calls poll_wait() with
 * each queue whose wake may change that.  epoll, poll and select bring a table
 * that enters itself there; a NULL table only asks. */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "sched/block.h"
#include <linux/eventpoll.h>
#include <linux/poll.h>

struct poll_table;
void poll_wait(struct poll_table *pt, struct waitq *q); /* pt NULL: does nothing */

#endif
