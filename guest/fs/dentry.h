/* dentry.h - names.  The tree of dentries *is* a tmpfs's directories: a name exists while
 * its dentry hangs in the tree.  procfs makes its dentries when they are looked up.
 *
 * fs_tree (mutex) guards all names, mounts and the content of directories.  "Tree held"
 * means: current holds it. */
#ifndef FS_DENTRY_H
#define FS_DENTRY_H

#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "sync/lock.h"

struct dirent_sink;
struct inode;
struct mount;
struct stored_names;

#define NAME_MAX_BYTES 255

struct dentry {            /* [fs_tree] all but refs */
    struct refcount refs;  /* [a] paths held; children and being in the tree count too */
    struct dentry *parent; /* itself: root of a file system */
    struct inode *inode;
    struct rb_node node; /* in parent->children, by name */
    struct rb_root children;
    uint64_t order; /* readdir position: never reused in a directory */
    uint64_t next_order;
    bool unlinked;
    struct mount *mounted; /* a file system covers this one, in some mount */
    struct list sibling;   /* in parent->by_order, newest first; empty: not in the tree */
    struct list by_order;
    struct stored_names
        *stored;   /* names in the root image that nobody has looked for yet; or NULL */
    uint64_t key;  /* first 8 bytes of the name, big-endian: most comparisons end here */
    bool in_chunk; /* memory shared with others from the image: not freed */
    uint16_t name_len;
    const char *name; /* NUL-terminated; with parent guarded by names_lock, too (dentry.c) */
    char own_name[];
};

extern struct mutex fs_tree;
extern struct spinlock names_lock; /* a name and its parent change under both */
extern uint32_t names_changes;     /* [names_lock] how often a name or a parent has changed */

/* Tree held unless said otherwise.
 * Inode reference is taken over, also on failure; parent NULL: a root.
 * One reference; not in the tree yet. */
int dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *in,
               struct dentry **out);
/* For many at once: lays one out in memory of dentry_bytes(len) that is never freed. */
static inline size_t dentry_bytes(size_t len)
{
    return (sizeof(struct dentry) + len + 1 + 7) & ~7ul;
}
void dentry_set(struct dentry *d, struct dentry *parent, const char *name, size_t len,
                struct inode *in);
void dentry_hang(struct dentry *d); /* into its parent's tree, which gets a reference */
/* The one that has the name already, or NULL: hung, and the caller's reference is the tree's. */
struct dentry *dentry_hang_unless(struct dentry *d);
void dentry_drop(struct dentry *d); /* out of it: unlinked */
/* The child of that name, with a reference: 0, -ENOENT, -ENOMEM. */
int dentry_find(struct dentry *dir, const char *name, size_t len, struct dentry **out);
/* tmpfs only; NULL: none */
struct dentry *dentry_peek(struct dentry *dir, const char *name, size_t len);
/* d becomes `name` in `dir`, which has no such child.  0 or -ENOMEM. */
int dentry_move(struct dentry *d, struct dentry *dir, const char *name, size_t len);
int dentry_exchange(struct dentry *a, struct dentry *b);
bool dentry_is_below(const struct dentry *d, const struct dentry *top); /* or equal */
/* The one after d in a walk through all names in the tree below top; NULL: d was the last. */
struct dentry *dentry_next(struct dentry *d, const struct dentry *top);
void dentry_free_tree(struct dentry *root); /* everything; nobody holds any of it */
void dentry_get(struct dentry *d);          /* no lock needed */
void dentry_put(struct dentry *d);          /* no lock needed */
/* Entries with order >= *pos; what the sink refuses comes again. */
void dentry_readdir(struct dentry *dir, uint64_t *pos, struct dirent_sink *sink);
uint64_t dentry_key(const char *name, size_t len);

#endif
