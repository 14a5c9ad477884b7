/* loop.h - loop devices. */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include "lib/base.h"

#define LOOP_DEVICES 8u

struct file;

/* What /sys tells of a device: bytes, LO_FLAGS_*, sectors.  *behind: with a reference, or NULL; the
 * caller may not want it (NULL).  Is a file behind it?  nr < LOOP_DEVICES. */
struct loop_view {
    uint64_t size, offset, limit;
    uint32_t flags, block, read_ahead;
    bool readonly;
};
bool loop_view(uint32_t nr, struct loop_view *v, struct file **behind);

void loop_register(void); /* before fs_init() makes /dev */

#endif
