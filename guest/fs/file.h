/* file.h - open files, and what a kind of file can do. */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/path.h"
#include "fs/uio.h"
#include "lib/refcount.h"
#include "sync/lock.h"

struct async;
struct inode;
struct poll_table;
struct vma;

struct file {
    const struct file_ops *ops; /* [k], but of a pipe: pipe_packet.c */
    struct inode *inode;        /* [k] */
    struct path path;           /* [k] pipes and sockets: mnt NULL, dentry NULL */
    struct refcount refs;       /* [a] */
    uint32_t flags;             /* O_* ; [lock] for F_SETFL, read without */
    uint64_t pos;               /* [lock], shown without; not used if ops->nonseekable */
    struct mutex lock;          /* position: held over a read or write that moves it */
    bool write_counted;         /* [k] counts in inode->writers */
    bool created;               /* [k] open(2) has made it: F_CREATED_QUERY */
    bool sent_once;        /* [a] in a socket's message, or it or its async listens: close tells */
    bool denies_write;     /* counts there, too; who opened it for exec, and its mm */
    void *private;         /* [k] the operations' own; /dev/zero: [a] */
    struct async *async;   /* [a] whom it tells by a signal: event/async.c; NULL: nobody */
    struct list *watchers; /* [watchers] the epolls that watch it: event/epoll.c; NULL: none */
};

/* Where a file's line in /proc/PID/fdinfo/N goes. */
struct file_info {
    void (*put)(struct file_info *to, const char *text, size_t n);
};

struct file_ops {
    int (*open)(struct inode *in, struct file *f);
    long (*read)(struct file *f, struct uio *u, uint64_t *pos);
    long (*write)(struct file *f, struct uio *u, uint64_t *pos);
    long (*ioctl)(struct file *f, uint32_t cmd, uaddr_t arg);
    uint32_t (*poll)(struct file *f, struct poll_table *pt); /* EPOLL* bits ready now */
    int (*mmap)(struct file *f, struct vma *v); /* NULL: pages come from file_get_page() if the
                                                     * inode is regular, else -ENODEV */
    void (*mapped)(struct file *f,
                   int by); /* a shared mapping more (1) or less (-1): mm.lock held */
    long (*seek)(struct file *f, int64_t off, int whence); /* NULL: by inode size */
    void (*release)(struct file *f);                       /* last reference; spinlocks only */
    void (*closed)(
        struct file *f); /* a descriptor of one with sent_once goes; mutexes may be taken */
    void (*info)(struct file *f, struct file_info *to); /* NULL: nothing of its own */
    bool no_splice_read, no_splice_write; /* splice(2) gives EINVAL, and sendfile(2) to it */
    bool async;       /* O_ASYNC makes it tell its owner when it may have become ready */
    bool nonseekable; /* no position: pread(2) and, without `seek`, lseek(2) give ESPIPE */
};

void file_get(struct file *f);
/* Also with mm.lock held: the last one takes spinlocks only. */
void file_put(struct file *f);
/* Called when a file with watchers ends, before its release; mutexes may be taken, for such a
 * file is mapped nowhere. */
void file_on_end_watched(void (*fn)(struct file *f));
/* The same for one with `async`, spinlocks only, and closed_in NULL; and if it has sent_once, where a
 * descriptor of that table goes. */
void file_on_end_async(void (*fn)(struct file *f, const void *closed_in));
void file_closed_async(struct file *f, const void *closed_in);
/* Called when a descriptor of a file was closed that was sent once. */
void file_on_close_sent(void (*fn)(void));
void file_closed_sent(void);
void file_info_printf(struct file_info *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A file that has no name: pipes, sockets, anonymous inodes. */
int file_alloc(struct inode *in, const struct file_ops *ops, uint32_t flags, struct file **out);
/* Of what p names; rights have been checked.  p's references stay the caller's. */
int file_new(const struct path *p, uint32_t flags, struct file **out);
/* The memory first, NULL: none; so that a name can be made that will be opened. */
struct file *file_reserve(void);
void file_unreserve(struct file *f);
int file_new_in(struct file *f, const struct path *p, uint32_t flags, struct file **out);
uint32_t path_only_poll(struct file *f, struct poll_table *pt); /* what O_PATH has for it */
int inode_write_begin(struct inode *in);                        /* counts a writer: 0 or -ETXTBSY */
void inode_write_end(struct inode *in);
int file_deny_write(struct file *f);   /* a program runs from it: 0 or -ETXTBSY */
void file_allow_write(struct file *f); /* undoes the denial */
/* A file of access mode 3 is for neither, and for ioctl(2) only: open(2). */
static inline bool file_readable(const struct file *f) { return !(f->flags & (O_WRONLY | O_PATH)); }
static inline bool file_writable(const struct file *f)
{
    return (f->flags + 1) & O_RDWR && !(f->flags & O_PATH);
}

#endif
