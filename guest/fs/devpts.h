/* devpts.h - the names of pseudo-terminals: /dev/pts/N.
 * They are in devtmpfs's own directory pts, and in the file system `devpts` if that is mounted. */
#ifndef FS_DEVPTS_H
#define FS_DEVPTS_H

#include "lib/base.h"

void devpts_register(void);
/* A node of that number for a device, current's own; 0 or -ENOMEM.  Tree not held. */
int devpts_add(unsigned n, uint32_t rdev);
void devpts_remove(unsigned n);

#endif
