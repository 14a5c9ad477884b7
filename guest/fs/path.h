/* path.h - places in the tree, and the way to them from a path name. */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "lib/base.h"
#include <linux/fcntl.h>

struct file;
struct dentry;
struct mount;

#define PATH_MAX_BYTES 4096 /* with the NUL */
#define PATH_LINKS_MAX 40   /* symlinks in one walk */

/* Each with a reference. */
struct path {
    struct mount *mnt;
    struct dentry *dentry;
};

void path_get(const struct path *p);
void path_put(struct path *p);
/* The way to an open file, with references: of one without a place a dentry of its own, through
 * which it can be looked at, and opened again if its inode has operations.  0 or -ENOMEM. */
int path_of_file(struct file *f, struct path *out);

#define WALK_FOLLOW    1u /* a symlink at the end, too */
#define WALK_DIRECTORY 2u /* -ENOTDIR unless it ends at a directory */
#define WALK_EMPTY     4u /* "" is the starting point itself */
/* openat2(2)'s RESOLVE_*, kept in the walker from its start on. */
#define WALK_NO_XDEV     8u   /* -EXDEV where a mount begins or ends */
#define WALK_NO_SYMLINKS 16u  /* -ELOOP at one that would be followed, */
#define WALK_NO_MAGIC    32u  /*   or at one of /proc that leads to the very object */
#define WALK_BENEATH     64u  /* -EXDEV at what would leave the starting point */
#define WALK_IN_ROOT     128u /* the starting point is "/" */
#define WALK_SCOPED      (WALK_BENEATH | WALK_IN_ROOT)
#define WALK_RESOLVE     (WALK_NO_XDEV | WALK_NO_SYMLINKS | WALK_NO_MAGIC | WALK_SCOPED)
enum last_kind { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct walk_rest {
    const char *at, *end;
};
struct walk_text {
    struct walk_text *next;
    char text[];
};
struct walker {
    struct path at, root;   /* references */
    const char *rest, *end; /* text still to walk */
    const char *last;
    size_t last_len;     /* the last component, */
    enum last_kind kind; /*   walked up to but not through */
    bool slash;          /* slashes follow it */
    uint32_t links, depth;
    uint32_t resolve;        /* WALK_RESOLVE's bits */
    struct walk_rest *outer; /* texts around the symlinks we are in: PATH_LINKS_MAX */
    struct walk_text *texts; /* made for us by readlink */
};
/* Starts at "/", the working directory (AT_FDCWD) or an open directory. */
int walk_start(struct walker *w, int dfd, const char *text, size_t len, uint32_t flags);
int walk_parent(struct walker *w); /* w->at: directory of the last component; tree held */
/* Through the last one, too: 0: w->at is it.  -ENOENT and *missing: all is there but
 * the last name; w->at is the directory where it would be.  tree held */
int walk_last(struct walker *w, uint32_t flags, bool *missing);
void walk_end(struct walker *w); /* drops what w holds */
/* All of it: takes and leaves fs_tree. */
int path_lookup(int dfd, const char *text, size_t len, uint32_t flags, struct path *out);

/* A path name copied from user space.  Where name_get() fails it leaves the empty name: nothing
 * is left to put, and name_put() does nothing, as after a name_put(). */
struct user_name {
    char *text;
    size_t len;
    char own[104];
};
static inline void name_empty(struct user_name *n)
{
    n->text = n->own;
    n->len = 0;
    n->own[0] = 0;
}
int name_get(struct user_name *n, uaddr_t from); /* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM */
void name_put(struct user_name *n);
/* name_get() and path_lookup(). */
int path_lookup_user(int dfd, uaddr_t name, uint32_t flags, struct path *out);

#endif
