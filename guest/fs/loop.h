/* loop.h - loop devices. */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#define LOOP_DEVICES 8u

void loop_register(void); /* before fs_init() makes /dev */

#endif
