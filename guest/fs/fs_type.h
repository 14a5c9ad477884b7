/* fs_type.h - the kinds of file systems, by the name that mount(2) gets.  Whoever has one
 * registers it when the kernel comes up. */
#ifndef FS_FS_TYPE_H
#define FS_FS_TYPE_H

struct superblock;

struct fs_type {
    const char *name;
    /* A file system that stands, sb->root and all: 0, -ENOMEM, -EINVAL.  data is what
     * mount(2) was given, "size=1m,mode=755", or NULL; it may be written to.  Tree held. */
    int (*get)(char *data, struct superblock **out);
    int (*check)(char *option); /* one of them; NULL: it takes any.  0 or -EINVAL */
    struct fs_type *next;       /* the list's */
};

void fs_type_register(struct fs_type *type);
/* By its name: 0, -ENODEV, or as get() says.  Tree held. */
int fs_type_get(const char *name, char *data, struct superblock **out);
int fs_type_check(const char *name, char *option); /* does it take it?  0, -EINVAL */
const char *fs_type_name(unsigned i);              /* of the i-th; NULL: there are no more */

#endif
