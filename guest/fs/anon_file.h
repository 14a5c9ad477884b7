/* anon_file.h - regular files that have no place: memfd_create, shared anonymous memory. */
#ifndef FS_ANON_FILE_H
#define FS_ANON_FILE_H

#include "lib/base.h"

struct file;

void anon_file_init(void);
/* Opened for reading and writing; its name is only shown: 0 or -ENOMEM. */
int anon_file_create(const char *name, uint32_t mode, uint64_t size, struct file **out);

#endif
