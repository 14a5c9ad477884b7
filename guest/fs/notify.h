/* notify.h - telling inotify (event/) what happens to files and names, and breaking leases on files.
 * As long as nobody watches anything, and there are none, that is one test of a word. */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "lib/base.h"
#include <linux/inotify.h>

struct dentry;
struct file;
struct inode;
struct superblock;

#define NOTIFY_UNLINKED (1u << 27) /* in a mask: the name is no longer in its directory */
#define NOTIFY_RENAMED  (1u << 28) /* it moves from one there to another one */

extern uint32_t notify_watches; /* [a] how many there are, and leases */

/* Who is told; before there is a watch. */
struct notify_hooks {
    /* in->watches was not NULL.  name: an entry of the directory `in`; NULL: itself. */
    void (*tell)(struct inode *in, uint32_t mask, uint32_t cookie, const char *name, size_t len);
    void (*gone)(struct inode *in);           /* the last name and use of it */
    void (*unmounted)(struct superblock *sb); /* no watch holds an inode of it afterwards */
    int (*break_leases)(struct inode *in, uint32_t flags); /* event/lease.h */
};
void notify_register(const struct notify_hooks *h);

/* notify.c; the ones below go there if somebody watches something */
void notify_dentry_slow(struct dentry *d, uint32_t mask);
void notify_file_slow(struct file *f, uint32_t mask);
void notify_inode_slow(struct inode *in, uint32_t mask);
void notify_entry_slow(struct inode *dir, const char *name, size_t len, const struct inode *in,
                       uint32_t mask, uint32_t cookie);
void notify_gone_slow(struct inode *in);
void notify_unmounted_slow(struct superblock *sb);
int notify_leases_slow(struct inode *in, uint32_t flags);

static inline bool notify_wanted(void)
{
    return unlikely(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED) != 0);
}
/* Something happened to a file with a name: the watches on it are told, and those on its directory. */
static inline void notify_dentry(struct dentry *d, uint32_t mask)
{
    if (notify_wanted())
        notify_dentry_slow(d, mask);
}
static inline void notify_file(struct file *f, uint32_t mask)
{
    if (notify_wanted())
        notify_file_slow(f, mask);
}
/* ... to an inode, whatever its name. */
static inline void notify_inode(struct inode *in, uint32_t mask)
{
    if (notify_wanted())
        notify_inode_slow(in, mask);
}
/* ... to the entry of a directory that leads to `in`. */
static inline void notify_entry(struct inode *dir, const char *name, size_t len,
                                const struct inode *in, uint32_t mask, uint32_t cookie)
{
    if (notify_wanted())
        notify_entry_slow(dir, name, len, in, mask, cookie);
}
/* The file is about to be changed, or opened with these flags: waits for those with leases against
 * that.  0, -EWOULDBLOCK (O_NONBLOCK), -ERESTARTSYS. */
static inline int notify_leases(struct inode *in, uint32_t flags)
{
    return notify_wanted() ? notify_leases_slow(in, flags) : 0;
}
static inline void notify_gone(struct inode *in)
{
    if (notify_wanted())
        notify_gone_slow(in);
}
static inline void notify_unmounted(struct superblock *sb)
{
    if (notify_wanted())
        notify_unmounted_slow(sb);
}

#endif
