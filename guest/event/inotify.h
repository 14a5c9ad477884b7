/* inotify.h - watching files and directories: inotify(7). */
#ifndef EVENT_INOTIFY_H
#define EVENT_INOTIFY_H

#include "lib/base.h"

/* /proc/sys/fs/inotify: events of an instance that is made from then on; instances and watches, which are
 * for all users together. */
extern uint32_t inotify_max_events, inotify_max_instances, inotify_max_watches; /* [a] */
struct inode;

void inotify_init_hooks(void);
unsigned inotify_watches_on(const struct inode *in); /* each of which holds it */

#endif
