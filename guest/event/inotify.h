/* inotify.h - watching files and directories: inotify(7). */
#ifndef EVENT_INOTIFY_H
#define EVENT_INOTIFY_H

void inotify_init_hooks(void);

#endif
