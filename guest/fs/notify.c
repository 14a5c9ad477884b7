/* notify.c - what happens to files and names, to whoever watches them. */
#include "fs/notify.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"

uint32_t notify_watches;
static const struct notify_hooks *hooks;

void notify_register(const struct notify_hooks *h) { hooks = h; }

static void tell(struct inode *in, uint32_t mask, uint32_t cookie, const char *name, size_t len)
{
    if (in->watches != NULL)
        hooks->tell(in, mask, cookie, name, len);
}

void notify_inode_slow(struct inode *in, uint32_t mask)
{
    tell(in, mask | (is_dir(in) ? IN_ISDIR : 0), 0, NULL, 0);
}

void notify_entry_slow(struct inode *dir, const char *name, size_t len, const struct inode *in,
                       uint32_t mask, uint32_t cookie)
{
    tell(dir, mask | (is_dir(in) ? IN_ISDIR : 0), cookie, name, len);
}

/* Its directory first. */
void notify_dentry_slow(struct dentry *d, uint32_t mask)
{
    uint32_t with = mask | (is_dir(d->inode) ? IN_ISDIR : 0);

    spin_lock(&names_lock);
    if (d->parent != d)
        tell(d->parent->inode, with | (d->unlinked ? NOTIFY_UNLINKED : 0), 0, d->name, d->name_len);
    spin_unlock(&names_lock);
    tell(d->inode, with, 0, NULL, 0);
}

void notify_file_slow(struct file *f, uint32_t mask)
{
    if (f->path.dentry != NULL && !(f->flags & O_PATH))
        notify_dentry_slow(f->path.dentry, mask);
}

void notify_gone_slow(struct inode *in)
{
    if (in->watches != NULL)
        hooks->gone(in);
}

int notify_leases_slow(struct inode *in, uint32_t flags) { return hooks->break_leases(in, flags); }

void notify_unmounted_slow(struct superblock *sb) { hooks->unmounted(sb); }
