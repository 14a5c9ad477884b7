/* links: guest/lib/refcount.c tests/unit/kernel_shim.c guest/fs/dentry.c guest/fs/inode.c guest/fs/tmpfs.c guest/fs/xattr.c guest/fs/groups.c guest/fs/mount.c guest/fs/propagate.c guest/fs/mount_ns.c guest/fs/fs_type.c guest/fs/fs_ctx.c guest/fs/path.c guest/fs/protect.c guest/fs/path_name.c guest/fs/pages.c guest/fs/cpio.c guest/fs/cpio_tree.c guest/fs/cpio_stored.c guest/lib/rbtree.c guest/fs/notify.c */
/* The tree that the kernel makes of a root image: names are names, each file's data lies in the archive, and
 * runs of symlinks, looked up or read, give what is in them once.  What is wrong is left out. */
#include <stdint.h>
#include <stddef.h>

#include "kernel_shim.h"
#include "fs/cpio_tree.h"
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pages.h"
#include "fs/pages_io.h"
#include "fs/path.h"
#include "fs/pipe.h"
#include "fs/stored.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "proc/ending.h"

/* Nobody here holds what one could not wait for. */
void end_later(struct ending *e, void (*fn)(struct ending *e)) { fn(e); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void *malloc(size_t n);
void *aligned_alloc(size_t align, size_t n);
void free(void *p);
_Noreturn void abort(void);

/* What the sources need of files that are not linked. */
const struct file_ops fifo_fops, dir_file_ops;
void fifo_evict(struct inode *in) { (void)in; }
void inode_drop_pages(struct inode *in)
{
    if (in->pages)
        pages_drop(&in->pages, 0, UINT64_MAX);
}
long file_regular_read(struct file *f, struct uio *u, uint64_t *pos)
{
    return (void)f, (void)u, (void)pos, 0;
}
long file_regular_write(struct file *f, struct uio *u, uint64_t *pos)
{
    return (void)f, (void)u, (void)pos, 0;
}
long file_regular_seek(struct file *f, int64_t off, int whence)
{
    return (void)f, (void)off, whence;
}
struct file *fd_get(int fd) { return (void)fd, NULL; }
void file_put(struct file *f) { (void)f; }
long strncpy_from_user(char *to, uaddr_t from, size_t room)
{
    return (void)to, (void)from, (void)room, -EFAULT;
}
bool dirent_emit(struct dirent_sink *s, const char *n, size_t len, uint64_t ino, uint8_t t,
                 uint64_t pos)
{
    return (void)s, (void)n, (void)len, (void)ino, (void)t, pos != 0;
}
int ksnprintf(char *to, size_t room, const char *fmt, ...)
{
    return (void)to, (void)room, (void)fmt, 0;
}
size_t strlcpy(char *to, const char *from, size_t room)
{
    size_t n = strlen(from);
    if (room > 0) {
        size_t some = n < room ? n : room - 1;
        memcpy(to, from, some);
        to[some] = '\0';
    }
    return n;
}

#define FIRST 5000u /* frame of the archive's start */

/* Names come from chunks that stay as long as the machine: those that begin with a name of the tree. */
int __sanitizer_get_ownership(const volatile void *p);
static const void *chunk[3000];
static unsigned nchunks;

static uint64_t pages; /* of the archive */
static unsigned left;  /* names that are still looked at */

static void check(const struct dentry *d)
{
    const struct inode *in = d->inode;

    if (d->in_chunk && __sanitizer_get_ownership(d))
        chunk[nchunks++] = d;
    if (d->name_len == 0 || d->name_len > NAME_MAX_BYTES || strlen(d->name) != d->name_len)
        abort();
    for (size_t i = 0; i < d->name_len; i++)
        if (d->name[i] == '/')
            abort();
    if (S_ISREG(in->mode) && in->borrowed_pages &&
        (in->borrowed < FIRST || in->borrowed_pages > pages ||
         in->borrowed - FIRST > pages - in->borrowed_pages))
        abort();
    if (S_ISLNK(in->mode) && in->size > 0) { /* its text can be read */
        volatile char c = 0;
        for (uint64_t i = 0; i < in->size; i++)
            c = ((const char *)in->private)[i];
        (void)c;
    }
}

static void walk(struct dentry *d)
{
    struct dentry *child;

    if (d->stored) { /* one by name, then all */
        if (dentry_find(d, "sh", 2, &child) == 0)
            dentry_put(child);
        if (d->stored && d->stored->ops->take_all(d) != 0)
            return;
    }
    list_for_each(child, &d->by_order, sibling) {
        if (left == 0)
            return;
        left--;
        check(child);
        if (is_dir(child->inode))
            walk(child);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct superblock *sb;
    char *copy = aligned_alloc(PAGE_SIZE, page_up(size + 1));

    if (!ready) {
        shim_init();
        mutex_init(&fs_tree, LOCK_fs_tree);
    }
    ready = true;
    memcpy(copy, data, size);
    memset(copy + size, 0, page_up(size + 1) - size);
    pages = page_up(size) / PAGE_SIZE;
    mutex_lock(&fs_tree);
    left = 3000;
    if (tmpfs_new("tmpfs", 0755, &sb) != 0)
        abort();
    cpio_unpack(sb, copy, size, FIRST);
    walk(sb->root);
    dentry_free_tree(sb->root);
    kfree(sb);
    while (nchunks > 0)
        free((void *)chunk[--nchunks]);
    mutex_unlock(&fs_tree);
    free(copy);
    return 0;
}
