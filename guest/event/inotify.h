/* inotify.h - watching files and directories: inotify(7), and fcntl(2)'s F_NOTIFY. */
#ifndef EVENT_INOTIFY_H
#define EVENT_INOTIFY_H

#include "lib/base.h"

/* /proc/sys/fs/inotify: events of an instance that is made from then on; instances and watches, which are
 * for all users together. */
extern uint32_t inotify_max_events, inotify_max_instances, inotify_max_watches; /* [a] */
struct file;
struct inode;

extern uint32_t dir_notify_enable; /* /proc/sys/fs */

void inotify_init_hooks(void);
unsigned inotify_watches_on(const struct inode *in); /* each of which holds it */

/* F_NOTIFY: DN_* bits of what is to be told of the directory f, by descriptor fd. */
long dnotify_set(struct file *f, int fd, uint32_t what);
/* What was set so in that descriptor table (a struct files), or with NULL in any, ends. */
void dnotify_end(const struct file *f, const void *owner);

#endif
