/* inode.h - inodes: what a file is, whatever its names; and the file systems they belong to.
 * A regular file's pages are its inode's pages: there is no cache beside them, so a
 * file mapping maps the file itself.
 *
 * Locks: inode.lock (mutex) guards size and content changes; inode.pages_lock (spin) the
 * page index, so that a page fault can look a page up while somebody writes the file. */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "lib/list.h"
#include "lib/refcount.h"
#include "sync/lock.h"
#include <linux/stat.h>
#include <linux/time_types.h>

struct dentry;
struct dirent_sink;
struct file_ops;
struct mount;
struct page_index;
struct path;
struct xattr;

/* Device numbers as st_dev has them. */
#define DEV_MAJOR(dev) ((dev) >> 8 & 0xfff)
#define DEV_MINOR(dev) (((dev)&0xff) | ((dev) >> 12 & 0xfff00))
struct superblock {
    const char *type;     /* "tmpfs", "proc", "devtmpfs", "pipefs" */
    uint32_t magic;       /* statfs f_type */
    uint32_t dev;         /* st_dev */
    uint64_t next_ino;    /* [a] */
    uint64_t inodes;      /* [a] in use; a second name of a file counts as one, too */
    uint64_t max_inodes;  /* nr_inodes= ; 0: no limit.  [fs_tree], read without */
    uint64_t pages;       /* [a] in use */
    uint64_t max_pages;   /* size= ; 0: no limit.  [fs_tree], read without */
    struct refcount refs; /* [a] mounts of it */
    struct dentry *root;  /* [k] */
    const char *told;     /* [k] options as /proc/mounts shows them, behind the limits; or NULL */
    int refuses;          /* [k] 0, or the -errno for who would change mode, owner or times */
    bool permanent;       /* proc, and file systems without a mount: never freed */
    bool no_storage;      /* [k] statfs has none to tell of */
    bool names_closed; /* [k] nobody makes names here, and a missing one is known to be missing */
};

/* n pages more of sb's are in use; how many that makes.  file_pages: those of all file systems together, mounted or
 * not, so also shared memory's. */
extern uint64_t file_pages; /* [a] */
static inline uint64_t sb_count_pages(struct superblock *sb, int64_t n)
{
    __atomic_fetch_add(&file_pages, (uint64_t)n, __ATOMIC_RELAXED);
    return __atomic_add_fetch(&sb->pages, (uint64_t)n, __ATOMIC_RELAXED);
}

/* Where a field is "read without" its lock, each word is whole, and two of them may be
 * of different moments. */
struct inode {
    const struct inode_ops *ops; /* [k] */
    const struct file_ops *fops; /* [k] */
    struct superblock *sb;       /* [k] */
    struct refcount refs;        /* [a] dentries and files */
    uint32_t nlink;              /* [fs_tree] */
    uint64_t ino;                /* [k] */
    uint32_t mode, uid, gid;     /* [lock], read without */
    uint32_t rdev;               /* [k] new_encode_dev() of a device */
    uint64_t size; /* [lock], of a directory [fs_tree]; read without.  Less: also [pages_lock] */
    struct __kernel_timespec atime, mtime, ctime; /* the last writer's; read without */
    uint64_t born_ns; /* [k] CLOCK_REALTIME; 0: it came with the root image */
    struct mutex lock;
    struct spinlock pages_lock;
    struct page_index *pages; /* [pages_lock] */
    pfn_t borrowed;           /* [pages_lock] pages 0..borrowed_pages-1 that the index lacks */
    uint32_t borrowed_pages;  /*   lie in the root image from this frame on */
    uint64_t npages;          /* [pages_lock] st_blocks / 8 */
    struct list mappings;     /* [pages_lock] struct vma.file_link */
    uint32_t shared_maps;     /* [pages_lock] of those, shared and writable now or later */
    uint32_t seals;           /* [lock + pages_lock], read without: F_SEAL_*.  fs/seal.h */
    bool takes_seals;         /* [k] a memfd that may be sealed */
    bool linkable;            /* [fs_tree] by O_TMPFILE without O_EXCL: may yet get a first name */
    bool mode_kept;           /* [k] chmod gives EPERM */
    uint8_t rw_hint;          /* [a] F_SET_RW_HINT's; kept and told */
    uint32_t attributes;      /* [lock], read without: INODE_ATTRIBUTES */
    int32_t writers; /* [a] open for writing; below 0: so many programs run from it.  ETXTBSY */
    struct list *watches; /* [inotify's lock] who is told what happens to it; NULL: nobody */
    struct xattr *xattrs; /* [lock] tmpfs only: xattr.h */
    void
        *private; /* [k] symlink text, a file of an indexed image's struct root_inode, procfs node; [a] pipe, once made */
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
    bool (*stays)(
        struct inode
            *in); /* of a directory with lookup, and what is in it: does the name lead to the same
                                        * thing for ever?  Then something may be mounted there */
};

/* What FS_IOC_SETFLAGS can set, of <linux/fs.h>: FS_IMMUTABLE_FL, FS_APPEND_FL, FS_NODUMP_FL, FS_NOATIME_FL. */
#define INODE_IMMUTABLE  0x10u
#define INODE_APPEND     0x20u
#define INODE_NODUMP     0x40u
#define INODE_NOATIME    0x80u
#define INODE_ATTRIBUTES (INODE_IMMUTABLE | INODE_APPEND | INODE_NODUMP | INODE_NOATIME)
#define INODE_KEPT       (INODE_IMMUTABLE | INODE_APPEND) /* neither is anything but appended to */

#define MAY_EXEC  1u
#define MAY_WRITE 2u
#define MAY_READ  4u

/* Of what is never mounted: device numbers that sb_init() never comes to.  By the kinds that Linux
 * tells apart; each is the st_dev of all its files. */
enum {
    KIND_PIPES = 1,
    KIND_SOCKETS,
    KIND_ANON,
    KIND_NAMESPACES,
    KIND_PIDFDS,
    KIND_SECRETS,
    KIND_QUEUES
};
#define DEV_OF_KIND(kind) (0xff000000u | (kind))                /* 0:1044480 and on */
struct superblock *sb_create(const char *type, uint32_t magic); /* NULL: no memory */
void sb_init(struct superblock *sb, const char *type, uint32_t magic);
struct __kernel_timespec fs_now(void);

/* refs 1, current's ids, now; NULL: no memory */
struct inode *inode_alloc(struct superblock *sb, uint32_t mode);
void inode_get(struct inode *in);
void inode_put(struct inode *in);
/* 0, -EACCES.  Mask of MAY_*.  By fsuid and fsgid; fsuid 0 overrides. */
int inode_permission(struct inode *in, uint32_t mask);
/* The same for MAY_WRITE among others, which nobody has to what is immutable: -EPERM. */
int inode_may_write(struct inode *in, uint32_t mask);
bool inode_owner_or_root(const struct inode *in); /* or who has CAP_FOWNER */
bool inode_keeps_setgid(const struct inode *in);  /* S_ISGID may be set by current */
bool in_group(uint32_t gid);                      /* fsgid or a supplementary group of current */
void inode_modified(struct inode *in);            /* mtime and ctime */
void inode_changed(struct inode *in);             /* ctime */
void inode_accessed(struct inode *in, const struct mount *mnt, uint32_t flags); /* O_NOATIME */
/* Contents have changed: what was given to them goes.  inode.lock held. */
void inode_strip_suid(struct inode *in);
static inline bool is_dir(const struct inode *in) { return S_ISDIR(in->mode); }

#endif
