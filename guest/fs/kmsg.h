/* kmsg.h - /dev/kmsg, and who waits for what is in the log. */
#ifndef FS_KMSG_H
#define FS_KMSG_H

#include "lib/base.h"

struct file_ops;
extern const struct file_ops kmsg_ops;
extern uint32_t
    kmsg_console_level; /* [a] records of a lower level are written to the console, too */

void kmsg_wake(void);       /* there is more in the log; no lock above that of a wait queue */
int kmsg_wait(uint64_t at); /* until there is something after that place: 0 or -ERESTARTSYS */

#endif
