/* vfs.h - inodes, names, open files.
 *
 * All file systems live in memory.  A name is a struct dentry, and the tree of
 * dentries *is* a tmpfs's directories (a name exists while its dentry hangs in
 * the tree); procfs makes its dentries when they are looked up.  A regular
 * file's pages are its inode's pages: there is no cache beside them, so a file
 * mapping maps the file itself.
 *
 * Locks: fs_tree (mutex) guards all names, mounts and directories' content;
 * inode.lock (mutex) size and content changes; inode.pages_lock (spin) the page
 * index, so that a page fault can look a page up while somebody writes the
 * file.  A file may be put with mm.lock held: release takes spinlocks only. */
#ifndef FS_VFS_H
#define FS_VFS_H

#include "fs/uio.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sched/block.h"
#include "sync/lock.h"
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>

struct poll_table;
struct vma;
struct dirent_sink;
struct mount;
struct path;

struct superblock {
    const char *type;    /* "tmpfs", "proc", "devtmpfs", "pipefs" */
    uint32_t magic;      /* statfs f_type */
    uint32_t dev;        /* st_dev */
    uint64_t next_ino;   /* [a] */
    uint64_t inodes;     /* [a] in use */
    uint64_t pages;      /* [a] in use */
    uint64_t max_pages;  /* size= ; 0: no limit.  [fs_tree], read without */
    uint32_t refs;       /* [a] mounts of it */
    struct dentry *root; /* [k] */
    bool permanent;      /* proc, and file systems without a mount: never freed */
};

struct page_index; /* radix tree of pfns, pages.c */

/* Where a field is "read without" its lock, each word is whole, and two of them may be
 * of different moments. */
struct inode {
    const struct inode_ops *ops; /* [k] */
    const struct file_ops *fops; /* [k] */
    struct superblock *sb;       /* [k] */
    uint32_t refs;               /* [a] dentries and files */
    uint32_t nlink;              /* [fs_tree] */
    uint64_t ino;                /* [k] */
    uint32_t mode, uid, gid;     /* [lock], read without */
    uint32_t rdev;               /* [k] new_encode_dev() of a device */
    uint64_t size; /* [lock], of a directory [fs_tree]; read without.  Less: also [pages_lock] */
    struct __kernel_timespec atime, mtime, ctime; /* the last writer's; read without */
    struct mutex lock;
    struct spinlock pages_lock;
    struct page_index *pages; /* [pages_lock] */
    pfn_t borrowed;           /* [pages_lock] pages 0..borrowed_pages-1 that the index lacks */
    uint32_t borrowed_pages;  /*   lie in the root image from this frame on */
    uint64_t npages;          /* [pages_lock] st_blocks / 8 */
    struct list mappings;     /* [pages_lock] struct vma.file_link */
    int32_t writers; /* [a] open for writing; below 0: so many programs run from it.  ETXTBSY */
    void *private;   /* [k] symlink text, device, procfs entry; [a] pipe, once made */
};

struct inode_ops { /* NULL: -ENOTDIR, -EPERM or the obvious default */
    /* Directories whose names are not in the tree (procfs): finds or makes the
     * child.  0 with *out holding a reference, or -ENOENT. fs_tree held. */
    int (*lookup)(struct inode *dir, const char *name, size_t len, struct inode **out);
    int (*readdir)(struct inode *dir, uint64_t *pos, struct dirent_sink *sink);
    /* Target of a symlink into buf (room bytes): length or -errno. */
    long (*readlink)(struct inode *in, char *buf, size_t room);
    /* Magic links (/proc/PID/fd/N, exe, cwd, root): goes there directly. References taken. */
    int (*follow)(struct inode *in, struct path *out);
    void (*evict)(struct inode *in);   /* last reference is gone; spinlocks only */
    void (*refresh)(struct inode *in); /* before stat: procfs brings owner and so on up to date */
};

struct dentry {            /* [fs_tree] all but refs */
    uint32_t refs;         /* [a] paths held; children and being in the tree count too */
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
    struct stored_names *stored; /* symlinks of the root image that nobody has looked for yet */
    uint64_t key;  /* first 8 bytes of the name, big-endian: most comparisons end here */
    bool in_chunk; /* memory shared with others from the image: not freed */
    uint16_t name_len;
    const char *name; /* NUL-terminated; with parent guarded by names_lock, too (dentry.c) */
    char own_name[];
};

struct mount {
    struct superblock *sb; /* [k] */
    struct dentry *root;   /* [k] */
    struct dentry *on;     /* [fs_tree + names_lock] the covered dentry, NULL for / */
    struct mount *parent;  /* same */
    struct list link;      /* [fs_tree] all mounts, in order */
    uint32_t flags;        /* [fs_tree], read without: MS_RDONLY, MS_NOEXEC ... */
    uint32_t refs;         /* [a] the list's, paths' and child mounts' */
    uint32_t id;           /* [k] */
    char source[64];       /* [k] */
};

extern struct mutex fs_tree;
extern struct list mounts; /* [fs_tree] struct mount.link, in the order in which they were made */

struct path {
    struct mount *mnt;
    struct dentry *dentry;
}; /* each with a reference */

struct file {
    const struct file_ops *ops; /* [k] */
    struct inode *inode;        /* [k] */
    struct path path;           /* [k] pipes and sockets: mnt NULL, dentry NULL */
    uint32_t refs;              /* [a] */
    uint32_t flags;             /* O_* ; [lock] for F_SETFL, read without */
    uint64_t pos;               /* [lock], shown without; not used if ops->nonseekable */
    struct mutex lock;          /* position: held over a read or write that moves it */
    int32_t owner;              /* F_SETOWN; one word */
    bool write_counted;         /* [k] counts in inode->writers */
    bool denies_write;          /* counts there, too; who opened it for exec, and its mm */
    void *private;              /* [k] the operations' own; /dev/zero: [a] */
};

struct file_ops {
    int (*open)(struct inode *in, struct file *f);
    long (*read)(struct file *f, struct uio *u, uint64_t *pos);
    long (*write)(struct file *f, struct uio *u, uint64_t *pos);
    long (*ioctl)(struct file *f, uint32_t cmd, uaddr_t arg);
    uint32_t (*poll)(struct file *f, struct poll_table *pt); /* EPOLL* bits ready now */
    int (*mmap)(struct file *f, struct vma *v); /* NULL: pages come from file_get_page() if the
                                                     * inode is regular, else -ENODEV */
    long (*seek)(struct file *f, int64_t off, int whence); /* NULL: by inode size; -ESPIPE: pipes */
    void (*release)(struct file *f);                       /* last reference; spinlocks only */
    bool nonseekable;
};

/* files: references */
void inode_get(struct inode *in);
void inode_put(struct inode *in);
void file_get(struct file *f);
void file_put(struct file *f);
void path_get(const struct path *p);
void path_put(struct path *p);
/* A file that has no name: pipes, sockets, anonymous inodes. */
int file_alloc(struct inode *in, const struct file_ops *ops, uint32_t flags, struct file **out);
struct inode *inode_alloc(struct superblock *sb,
                          uint32_t mode); /* refs 1, current's ids, now; NULL */

/* For exec and mmap. */
/* Checks x right, regular, noexec; denies writers.  dfd as in openat.  flags: AT_EMPTY_PATH,
 * AT_SYMLINK_NOFOLLOW. */
int file_open_exec(int dfd, const char *path, uint32_t flags, struct file **out);
void file_allow_write(struct file *f); /* undoes the denial */
long file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos);
/* The frame of page `index` of a regular file with a reference: 0; -EIO... beyond
 * the end of the file -ENXIO (SIGBUS); a hole is filled if `fill`, else *pfn = 0. */
int file_get_page(struct file *f, uint64_t index, bool fill, pfn_t *pfn);
/* How many of n pages from index on lie untouched in the root image, frame after
 * frame from *first on; such frames need no reference. */
unsigned file_image_run(struct file *f, uint64_t index, unsigned n, pfn_t *first);
/* For fault-around: frames of [index, index+n) that are there already, into
 * pfns[] (0: absent), each with a reference.  One lock for all. */
void file_get_pages_present(struct file *f, uint64_t index, unsigned n, pfn_t *pfns);
/* Unnamed tmpfs file for MAP_SHARED|MAP_ANONYMOUS; also memfd_create. */
int tmpfs_anon_file(const char *name, uint64_t size, struct file **out);
/* Absolute name of p as current sees it, into buf: start of the text in buf, or NULL
 * if too long.  Deleted: " (deleted)" is appended. */
char *path_name(const struct path *p, char *buf, size_t room);
char *file_name(struct file *f, char *buf, size_t room); /* also "pipe:[17]" and such */

void fs_init(void); /* root tmpfs from the images in boot_info, /dev, console */

/* cwd, root, umask */
struct fs_ctx {
    uint32_t users; /* [a] */
    struct spinlock lock;
    struct path cwd, root; /* [lock] */
    uint32_t umask;        /* [lock], read without */
};
struct fs_ctx *fs_ctx_copy(struct fs_ctx *from); /* NULL: no memory */
void fs_ctx_get(struct fs_ctx *c);
void fs_ctx_put(struct fs_ctx *c);
struct fs_ctx *fs_ctx_initial(void); /* at / */

/* file descriptors */
#define FD_MAX 1048576 /* hard upper bound; RLIMIT_NOFILE is 1024/4096 */
struct files;
struct files *files_create(void);
struct files *files_copy(struct files *from); /* for fork; NULL: no memory */
void files_get(struct files *fs);
void files_put(struct files *fs); /* last: closes all */
uint32_t files_users(struct files *fs);
void files_close_on_exec(struct files *fs);
int fd_alloc(int from, uint32_t flags /* O_CLOEXEC */); /* reserves; -EMFILE */
void fd_install(int fd, struct file *f);                /* takes over the reference */
void fd_cancel(int fd);
int fd_flags(int fd, bool set, bool cloexec); /* FD_CLOEXEC or 0; -EBADF */
struct file *fd_get(int fd);                  /* with a reference, NULL: -EBADF */
int fd_open_add(struct file *f,
                uint32_t flags); /* alloc + install; takes over f, also on failure */
struct file *files_peek(struct files *fs, int fd); /* of another task, with a reference (procfs) */
int files_next(struct files *fs, int fd);          /* lowest open descriptor >= fd, -1: none */
/* By path name in the kernel. */
int file_open_kernel(const char *path, uint32_t flags, uint32_t mode, struct file **out);

#endif
