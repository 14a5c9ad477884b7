/* secret.h - memory that only the programs which map it reach: memfd_secret(2). */
#ifndef FS_SECRET_H
#define FS_SECRET_H

#include "fs/inode.h"

struct file;

int secret_create(struct file **out); /* 0 or -ENOMEM */
bool inode_secret(const struct inode *in);
/* Its size, which is given once: 0 or -EINVAL. */
long secret_set_size(struct inode *in, uint64_t size);

#endif
