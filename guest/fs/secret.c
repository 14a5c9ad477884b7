/* secret.c - memfd_secret(2): a file whose memory no call reads or writes for anybody.
 *
 * A program that maps it uses the memory as any other, and may give it to calls as a buffer.  The file itself
 * has no contents to read, and what reaches into an address space from outside (process_vm_readv, ptrace,
 * /proc/PID/mem, core files) or fills it before it is touched asks vma_secret() and leaves it alone.
 * It is locked from the moment it is mapped, whatever munlock says, and counts for RLIMIT_MEMLOCK. */
#include "fs/secret.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/pages_io.h"
#include "fs/tmpfs.h"
#include "mm/limits.h"
#include "mm/vma.h"
#include <linux/fcntl.h>
#include <linux/magic.h>

static struct superblock secret_sb = { .type = "secretmem",
                                       .dev = DEV_OF_KIND(KIND_SECRETS),
                                       .magic = SECRETMEM_MAGIC,
                                       .permanent = true };
static const struct inode_ops node_ops = { .evict = inode_drop_pages };

static int secret_open(struct inode *in __attribute__((unused)),
                       struct file *f __attribute__((unused)))
{
    return -ENXIO; /* by /proc/PID/fd */
}

static int secret_map(struct file *f __attribute__((unused)), struct vma *v)
{
    if (v->flags & VM_EXEC)
        return -EPERM;
    if (!(v->flags & VM_SHARED))
        return -EINVAL;
    if (!(v->flags & VM_LOCKED) && !mm_may_lock(v->mm, vma_pages(v)))
        return -EAGAIN;
    v->flags |= VM_LOCKED | VM_DONTDUMP;
    return 0;
}

static const struct file_ops secret_ops = { .mmap = secret_map, .nonseekable = true };
static const struct file_ops not_again = { .open = secret_open };

bool inode_secret(const struct inode *in) { return in->ops == &node_ops; }

int secret_create(struct file **out)
{
    struct dentry *d;
    int err = tmpfs_unnamed(&secret_sb, 0600, NULL, "/secretmem", &d);

    if (err)
        return err;
    d->inode->ops = &node_ops;
    d->inode->fops = &not_again;
    d->inode->nlink = 1;
    err = file_alloc(d->inode, &secret_ops, O_RDWR, out);
    if (err)
        dentry_put(d);
    else
        (*out)->path.dentry = d;
    return err;
}

long secret_set_size(struct inode *in, uint64_t size)
{
    mutex_lock(&in->lock);
    long err = in->size ? -EINVAL : inode_truncate(in, size);
    if (!err)
        inode_modified(in);
    mutex_unlock(&in->lock);
    return err;
}
