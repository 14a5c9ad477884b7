/* seal.c - F_ADD_SEALS and F_GET_SEALS.  Where a seal is felt: pages_io.c (contents and
 * size), file_attr.c (who may execute it), mm/map.c (mappings). */
#include "fs/seal.h"
#include "fs/file.h"
#include "fs/tmpfs.h"

#define ALL_SEALS \
    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

int inode_map_begin(struct inode *in)
{
    int err = 0;

    spin_lock(&in->pages_lock);
    if (in->seals & SEALS_AGAINST_WRITING)
        err = -EPERM;
    else
        in->shared_maps++;
    spin_unlock(&in->pages_lock);
    return err;
}

void inode_map_end(struct inode *in)
{
    spin_lock(&in->pages_lock);
    ASSERT(in->shared_maps > 0);
    in->shared_maps--;
    spin_unlock(&in->pages_lock);
}

/* in->lock held. */
static long add(struct inode *in, uint32_t seals)
{
    long err = 0;

    if (!in->takes_seals || in->seals & F_SEAL_SEAL)
        return -EPERM;
    if (seals & F_SEAL_EXEC && in->mode & 0111) /* what runs from it is what was written */
        seals |= F_SEAL_SHRINK | F_SEAL_GROW | SEALS_AGAINST_WRITING;
    spin_lock(&in->pages_lock);
    if (seals & F_SEAL_WRITE && !(in->seals & F_SEAL_WRITE) && in->shared_maps > 0)
        err = -EBUSY;
    else
        __atomic_store_n(&in->seals, in->seals | seals, __ATOMIC_RELAXED);
    spin_unlock(&in->pages_lock);
    return err;
}

/* Files of a tmpfs have seals; all but a memfd's are sealed against more of them. */
static bool has_seals(const struct inode *in)
{
    return S_ISREG(in->mode) && in->ops == &tmpfs_node_ops;
}

long file_add_seals(struct file *f, uint32_t seals)
{
    long err;

    if (!file_writable(f))
        return -EPERM;
    if (seals & ~(uint32_t)ALL_SEALS || !has_seals(f->inode))
        return -EINVAL;
    mutex_lock(&f->inode->lock);
    err = add(f->inode, seals);
    mutex_unlock(&f->inode->lock);
    return err;
}

long file_get_seals(const struct file *f)
{
    const struct inode *in = f->inode;

    if (!has_seals(in))
        return -EINVAL;
    return in->takes_seals ? (long)in->seals : F_SEAL_SEAL;
}
