/* links: guest/lib/refcount.c tests/unit/kernel_shim.c guest/fs/dentry.c guest/fs/inode.c guest/fs/tmpfs.c guest/fs/xattr.c guest/fs/groups.c guest/fs/mount.c guest/fs/propagate.c guest/fs/mount_ns.c guest/fs/fs_type.c guest/fs/fs_ctx.c guest/fs/path.c guest/fs/protect.c guest/fs/path_name.c guest/fs/pages.c guest/fs/cpio.c guest/fs/cpio_tree.c guest/fs/cpio_stored.c guest/fs/image_tree.c guest/lib/rbtree.c guest/fs/notify.c */
/* The kernel's reader of an index: what a damaged one says does not make it look outside of the image,
 * and a walk through it, as deep as it likes to go, comes to an end. */
#include <stdint.h>
#include <stddef.h>

#include "kernel_shim.h"
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/image_tree.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/pages.h"
#include "fs/pages_io.h"
#include "fs/path.h"
#include "fs/pipe.h"
#include "fs/stored.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "proc/ending.h"
#include "mm/kmap.h"
#include "shared/root_index.h"

/* Nobody here holds what one could not wait for. */
void end_later(struct ending *e, void (*fn)(struct ending *e)) { fn(e); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void *malloc(size_t n);
void free(void *p);
_Noreturn void abort(void);

#define DEEPEST 6u
#define PAGES   16u /* of data, before the index */
#define FIRST   1000u

/* What the sources need of files that are not linked. */
const struct file_ops fifo_fops, dir_file_ops;
void fifo_evict(struct inode *in) { (void)in; }
void inode_drop_pages(struct inode *in) { (void)in; }
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
int kmap_direct_part(paddr_t start, paddr_t end)
{
    if (start >> PAGE_SHIFT < FIRST || end >> PAGE_SHIFT > FIRST + PAGES || start >= end)
        abort();
    return 0;
}

pfn_t nframes = FIRST; /* RAM ends where the data begins */

static unsigned left; /* names that are still made */

static void walk(struct dentry *d, unsigned depth)
{
    struct dentry *child;

    if (d->stored && left > 0) {
        dentry_find(d, "a", 1, &child) == 0 ? dentry_put(child) : (void)0;
        dentry_find(d, "file", 4, &child) == 0 ? dentry_put(child) : (void)0;
        if (d->stored->ops->take_all(d) != 0)
            return;
    }
    list_for_each(child, &d->by_order, sibling) {
        if (left == 0)
            return;
        left--;
        if (S_ISLNK(child->inode->mode) && strlen(child->inode->private) != child->inode->size)
            abort();
        if (is_dir(child->inode) && depth < DEEPEST)
            walk(child, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct superblock *sb;
    char *copy = malloc(size + 1);

    if (!ready)
        shim_init();
    if (!ready)
        mutex_init(&fs_tree, LOCK_fs_tree);
    ready = true;
    memcpy(copy, data, size);
    mutex_lock(&fs_tree);
    left = 3000;
    if (tmpfs_new("tmpfs", 0755, &sb) == 0 && image_tree_place(sb, copy, size, FIRST + PAGES) == 0)
        walk(sb->root, 0);
    dentry_free_tree(sb->root);
    mutex_unlock(&fs_tree);
    free(copy);
    return 0;
}
