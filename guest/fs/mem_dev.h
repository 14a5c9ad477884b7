/* mem_dev.h - the memory devices: null, zero, full, random, urandom, kmsg. */
#ifndef FS_MEM_DEV_H
#define FS_MEM_DEV_H

void mem_dev_register(void);

#endif
