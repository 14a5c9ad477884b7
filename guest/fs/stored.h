/* stored.h - names of a directory that stand in a root image instead of the directory's tree, until
 * somebody looks for them.  A name is in one of the two, never in both.  Tree held. */
#ifndef FS_STORED_H
#define FS_STORED_H

#include "lib/base.h"

struct dentry;

struct stored_names; /* what dentry->stored points to begins with one */

struct stored_ops {
    /* Puts the one of that name, if it is stored, into the tree.  0 or -ENOMEM. */
    int (*take)(struct dentry *dir, uint64_t key, const char *name, size_t len);
    int (*take_all)(struct dentry *dir); /* and then nothing is stored.  0 or -ENOMEM */
};

struct stored_names {
    const struct stored_ops *ops;
};

#endif
