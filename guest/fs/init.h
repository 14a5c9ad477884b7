/* init.h - the file system comes up. */
#ifndef FS_INIT_H
#define FS_INIT_H

struct file;

void fs_init(void); /* root tmpfs from the images in boot_info, /dev; devices have registered */
/* A file of the root image inside the kernel, whatever the root is; for reading.  For once: the image
 * gets a tree of its own, which stays. */
int fs_builtin_open(const char *dir, const char *name, struct file **out);

#endif
