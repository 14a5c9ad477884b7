/* internal.h - what the files of fs/ and the file calls of sys/ share beyond
 * vfs.h: names from user space, path walks, the tree of names, mounts, the
 * contents of regular files, record locks.
 * "Tree held" means: fs_tree is held by current. */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include "fs/vfs.h"
#include <linux/mount.h>

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4096 /* with the NUL */
#define MAX_LINKS      40   /* symlinks in one walk */
#define FILE_SIZE_MAX  INT64_MAX
#define MAY_EXEC       1u
#define MAY_WRITE      2u
#define MAY_READ       4u

/* --- inode.c --- */
struct superblock *sb_create(const char *type, uint32_t magic); /* NULL: no memory */
void sb_init(struct superblock *sb, const char *type, uint32_t magic);
struct __kernel_timespec fs_now(void);
/* 0, -EACCES.  Mask of MAY_*.  By fsuid and fsgid; fsuid 0 overrides. */
int inode_permission(struct inode *in, uint32_t mask);
bool inode_owner_or_root(const struct inode *in);
bool in_group(uint32_t gid);           /* fsgid or a supplementary group of current */
void inode_modified(struct inode *in); /* mtime and ctime */
void inode_changed(struct inode *in);  /* ctime */
void inode_accessed(struct inode *in, const struct mount *mnt);
void inode_strip_suid(struct inode *in); /* content or owner changed by somebody unprivileged */
static inline bool is_dir(const struct inode *in) { return S_ISDIR(in->mode); }

/* --- dentry.c --- tree held unless said otherwise */
/* Inode reference is taken over, also on failure; parent NULL: a root.
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
struct dentry *dentry_hang_unless(
    struct dentry *d);              /* the one that has the name already, or NULL: hung,
                                                         * and the caller's reference is the tree's */
void dentry_drop(struct dentry *d); /* out of it: unlinked */
/* The child of that name, with a reference: 0, -ENOENT, -ENOMEM. */
int dentry_find(struct dentry *dir, const char *name, size_t len, struct dentry **out);
struct dentry *dentry_peek(struct dentry *dir, const char *name,
                           size_t len); /* tmpfs only; NULL: none */
/* d becomes `name` in `dir`, which has no such child.  0 or -ENOMEM. */
int dentry_move(struct dentry *d, struct dentry *dir, const char *name, size_t len);
int dentry_exchange(struct dentry *a, struct dentry *b);
bool dentry_is_below(const struct dentry *d, const struct dentry *top); /* or equal */
void dentry_free_tree(struct dentry *root); /* everything; nobody holds any of it */
void dentry_get(struct dentry *d);          /* no lock needed */
void dentry_put(struct dentry *d);          /* no lock needed */
/* Entries with order >= *pos; what the sink refuses comes again. */
void dentry_readdir(struct dentry *dir, uint64_t *pos, struct dirent_sink *sink);
uint64_t dentry_key(const char *name, size_t len);

/* --- cpio_stored.c --- symlinks that stand in the image instead of their directory's tree */
struct cpio_run;
struct cpio_entry;
int stored_add(struct dentry *dir, const struct cpio_run *run); /* 0 or -ENOMEM */
/* Puts the one of that name, if it is stored, into the tree.  dir->stored is set.  0 or -ENOMEM. */
int stored_take(struct dentry *dir, uint64_t key, const char *name, size_t len);
int stored_take_all(struct dentry *dir); /* 0 or -ENOMEM */
int symlink_inode(struct superblock *sb, const struct cpio_entry *e, struct inode **out);
/* cpio_tree.c: a later entry has d's name: it goes; false: it has to stay. */
bool dentry_replace(struct dentry *d);

/* --- tmpfs.c, tmpfs_rename.c --- tree held; permission to write to dir is checked here */
struct new_node {
    uint32_t mode, rdev;
    const char *target;
    size_t target_len;
};
int tmpfs_create(struct path *dir, const char *name, size_t len, const struct new_node *n,
                 struct dentry **out); /* out NULL: no reference wanted */
int tmpfs_link(struct path *dir, const char *name, size_t len, struct inode *in);
int tmpfs_unlink(struct path *dir, struct dentry *d, bool rmdir);
int tmpfs_rename(struct path *from, struct dentry *d, struct path *to, const char *name, size_t len,
                 struct dentry *victim, uint32_t flags);
/* Pages that file systems hold; each counts once, however often it is mounted. */
uint64_t mounted_pages(void);
uint64_t tmpfs_share(
    void); /* pages that one tmpfs may have unless told: half of RAM less the image */
int tmpfs_new(const char *type, uint32_t mode, struct superblock **out); /* sb->root stands */
struct inode *tmpfs_inode(struct superblock *sb, const struct new_node *n, struct inode *dir);
void tmpfs_set_ops(struct inode *in); /* by its mode */
int tmpfs_unnamed(struct superblock *sb, uint32_t mode, struct inode *dir, const char *name,
                  struct dentry **out); /* O_TMPFILE: unlinked from the start */
extern const struct inode_ops tmpfs_dir_ops, tmpfs_link_ops, tmpfs_node_ops;
extern const struct file_ops tmpfs_file_ops, dir_file_ops;
static inline bool on_tmpfs(const struct inode *dir) { return dir->ops == &tmpfs_dir_ops; }

/* --- pages.c --- the index of frames; inode->pages_lock held */
pfn_t pages_get(const struct page_index *x, uint64_t i);
int pages_set(struct page_index **x, uint64_t i, pfn_t pfn); /* slot was empty; 0 or -ENOMEM */
/* First page at or after *i: its frame and *i, or 0. */
pfn_t pages_next(const struct page_index *x, uint64_t *i);
/* Takes the pages of [first, last] out and puts their frames; returns how many. */
uint64_t pages_drop(struct page_index **x, uint64_t first, uint64_t last);

/* --- pages_io.c --- contents of regular files */
pfn_t inode_page(struct inode *in, uint64_t i);      /* pages_lock held: index or image; 0: hole */
int inode_truncate(struct inode *in, uint64_t size); /* in->lock held */
int inode_allocate(struct inode *in, int mode, uint64_t off, uint64_t len); /* fallocate(2) */
void inode_drop_pages(struct inode *in);                                    /* evict */
long file_regular_read(struct file *f, struct uio *u, uint64_t *pos);
long file_regular_write(struct file *f, struct uio *u, uint64_t *pos);
long file_regular_seek(struct file *f, int64_t off, int whence);

/* --- mount.c --- tree held */
extern struct mount *root_mount;
void mount_get(struct mount *m); /* no lock needed */
void mount_put(struct mount *m);
struct mount *mount_on(const struct mount *m,
                       const struct dentry *d); /* covering d there, or NULL */
int mount_add(struct superblock *sb, struct dentry *root, const struct path *on, uint32_t flags,
              const char *source);
int mount_remove(struct mount *m, bool lazy);
/* A new file system by name, its root: 0, -ENODEV, -ENOMEM, -EINVAL.  Data: "size=1m,mode=755". */
int fs_type_create(const char *type, char *data, struct superblock **out);
int tmpfs_remount(struct superblock *sb, char *data); /* its limit; or nothing changes */
static inline bool mount_readonly(const struct mount *m) { return m && (m->flags & MS_RDONLY); }

/* --- path.c --- */
#define WALK_FOLLOW    1u /* a symlink at the end, too */
#define WALK_DIRECTORY 2u /* -ENOTDIR unless it ends at a directory */
#define WALK_EMPTY     4u /* "" is the starting point itself */
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
    struct walk_rest *outer; /* texts around the symlinks we are in: MAX_LINKS */
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
void fs_get_root(struct path *out); /* current's, with references */
void fs_get_cwd(struct path *out);
/* name_get() and path_lookup(). */
int path_lookup_user(int dfd, uaddr_t name, uint32_t flags, struct path *out);

/* --- file.c, file_open.c --- */
int file_open(int dfd, const char *text, size_t len, uint32_t flags, uint32_t mode,
              struct file **out);
void file_init(void);
int file_new(const struct path *p, uint32_t flags, struct file **out);
int inode_write_begin(struct inode *in); /* counts a writer: 0 or -ETXTBSY */
void inode_write_end(struct inode *in);
static inline bool file_readable(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH);
}
static inline bool file_writable(const struct file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}
void dev_open_prepare(struct inode *in); /* devfs.c: private of a tty's node */

int devfs_get(struct superblock **out); /* the only instance; made at the first call */

/* --- path_name.c --- */
extern struct spinlock names_lock;
char *path_name_reachable(const struct path *p, char *buf, size_t room);

/* --- fd.c --- */
int fd_close(int fd); /* 0 or -EBADF */
int fd_replace(int fd, struct file *f,
               uint32_t flags); /* dup2: f gets a reference; what was there is closed */

/* --- cpio_tree.c --- */
int cpio_unpack(struct superblock *sb, const char *image, size_t bytes, pfn_t first);

/* --- file_lock.c --- */
struct lock_range {
    uint64_t start, end;
}; /* both inclusive */
int lock_posix(struct file *f, const void *owner, short type, struct lock_range r, bool wait);
void lock_posix_test(struct file *f, const void *owner, short *type, struct lock_range *r,
                     int *pid);
int lock_flock(struct file *f, short type, bool wait);
void locks_drop_owner(struct inode *in, const void *owner); /* spinlocks only */

#endif
