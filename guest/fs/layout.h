/* layout.h - the file system as it can be read from outside. */
#ifndef FS_LAYOUT_H
#define FS_LAYOUT_H

void fs_layout_publish(void); /* once the root is mounted */

#endif
