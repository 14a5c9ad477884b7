/* xattr.h - extended attributes of files in memory: names with values.
 * A file without any costs a pointer.  Values lie in parts, as the heap gives no more than a page. */
#ifndef FS_XATTR_H
#define FS_XATTR_H

#include "lib/base.h"
#include "mm/heap.h"

struct inode;

#define XATTR_PART_BYTES (KMALLOC_MAX - 8)

struct xattr_part {
    struct xattr_part *next;
    char byte[]; /* XATTR_PART_BYTES of them, but for the last */
};
struct xattr {          /* [inode.lock]; the VMM reads it, too (layout.c) */
    struct xattr *next; /* sorted by name */
    struct xattr_part *parts;
    uint32_t size;
    uint8_t name_len;
    char name[]; /* NUL-terminated */
};

/* A value that is no file's yet, zeroed.  0 or -ENOMEM. */
int xattr_value_alloc(uint32_t size, struct xattr_part **out);
void xattr_value_free(struct xattr_part *parts);
/* inode.lock held, or nobody else has the inode. */
struct xattr *xattr_find(const struct inode *in, const char *name);
/* Takes over the value, also on failure.  flags: XATTR_CREATE, XATTR_REPLACE.  0, -EEXIST, -ENODATA, -ENOSPC, -ENOMEM. */
int xattr_set(struct inode *in, const char *name, struct xattr_part *value, uint32_t size,
              uint32_t flags);
int xattr_remove(struct inode *in, const char *name); /* 0 or -ENODATA */
void xattr_drop_all(struct inode *in);                /* evict */
/* What stands in a root image's index (shared/root_index.h).  0 or -ENOMEM; what is damaged is left out. */
int xattr_from_index(struct inode *in, const char *at, size_t bytes);

#endif
