/* init.h - the file system comes up. */
#ifndef FS_INIT_H
#define FS_INIT_H

void fs_init(void); /* root tmpfs from the images in boot_info, /dev; devices have registered */

#endif
