/* inode.c - inodes: life, rights, times.
 * An inode lives as long as something names it (a dentry) or uses it (a file);
 * its contents go with it.  The last put may come with mm.lock held, so evict
 * takes spinlocks only.
 * Who may do more than the bits say has the capability; access(2) and setfsuid(2) then need no
 * rules of their own. */
#include "fs/inode.h"
#include "arch/clock.h"
#include "fs/file.h"
#include "fs/groups.h"
#include "fs/mount.h"
#include "fs/xattr.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/xattr.h>

uint64_t file_pages;

static uint32_t next_dev; /* [a] minor number of the last superblock; major 0 */

void sb_init(struct superblock *sb, const char *type, uint32_t magic)
{
    uint32_t minor = __atomic_add_fetch(&next_dev, 1, __ATOMIC_RELAXED);

    *sb = (struct superblock){ .type = type, .magic = magic };
    sb->dev = (minor & 0xff) | (minor & ~0xffu) << 12;
}

struct superblock *sb_create(const char *type, uint32_t magic)
{
    struct superblock *sb = kmalloc(sizeof(*sb));

    if (sb)
        sb_init(sb, type, magic);
    return sb;
}

struct __kernel_timespec fs_now(void)
{
    uint64_t ns = clock_real_ns();

    return (struct __kernel_timespec){ .tv_sec = (int64_t)(ns / NSEC_PER_SEC),
                                       .tv_nsec = (int64_t)(ns % NSEC_PER_SEC) };
}

struct inode *inode_alloc(struct superblock *sb, uint32_t mode)
{
    struct inode *in = kzalloc(sizeof(*in));

    if (!in)
        return NULL;
    in->sb = sb;
    ref_init(&in->refs, 1);
    in->nlink = 1;
    in->mode = mode;
    in->ino = __atomic_add_fetch(&sb->next_ino, 1, __ATOMIC_RELAXED);
    in->uid = current->cred.fsuid;
    in->gid = current->cred.fsgid;
    in->atime = in->mtime = in->ctime = fs_now();
    spin_class(&in->pages_lock, LOCK_pages);
    mutex_init(&in->lock, LOCK_inode);
    list_init(&in->mappings);
    __atomic_add_fetch(&sb->inodes, 1, __ATOMIC_RELAXED);
    return in;
}

void inode_get(struct inode *in) { ref_get(&in->refs); }

static SLOW_PATH void inode_end(struct inode *in)
{
    if (in->ops && in->ops->evict)
        in->ops->evict(in);
    __atomic_sub_fetch(&in->sb->inodes, 1, __ATOMIC_RELAXED);
    kfree(in);
}

void inode_put(struct inode *in)
{
    if (ref_put(&in->refs))
        inode_end(in);
}

/* --- rights --- */

bool in_group(uint32_t gid)
{
    return gid == current->cred.fsgid || groups_between(current->groups, gid, gid);
}

bool inode_owner_or_root(const struct inode *in)
{
    uint32_t me = current->cred.fsuid;

    return me == in->uid || has_cap(CAP_FOWNER);
}

int inode_permission(struct inode *in, uint32_t mask)
{
    uint32_t bits;

    if (has_cap(CAP_DAC_OVERRIDE)) /* may all but execute what nobody may */
        return !(mask & MAY_EXEC) || is_dir(in) || (in->mode & 0111) ? 0 : -EACCES;
    if (in->ops && in->ops->refresh)
        in->ops->refresh(in);
    if (current->cred.fsuid == in->uid)
        bits = in->mode >> 6;
    else if (in_group(in->gid))
        bits = in->mode >> 3;
    else
        bits = in->mode;
    if (!(mask & ~bits & 7))
        return 0;
    bool looks = is_dir(in) ? !(mask & MAY_WRITE) : mask == MAY_READ;
    return looks && has_cap(CAP_DAC_READ_SEARCH) ? 0 : -EACCES;
}

int inode_may_write(struct inode *in, uint32_t mask)
{
    return in->attributes & INODE_IMMUTABLE ? -EPERM : inode_permission(in, mask);
}

bool inode_keeps_setgid(const struct inode *in) { return in_group(in->gid) || has_cap(CAP_FSETID); }

void inode_strip_suid(struct inode *in)
{
    if (likely(!(in->mode & (S_ISUID | S_ISGID)) && !in->xattrs))
        return;
    xattr_remove(in, XATTR_NAME_CAPS); /* they were given to what was in it */
    if (is_dir(in) || !(in->mode & (S_ISUID | S_ISGID)) || has_cap(CAP_FSETID))
        return;
    in->mode &= ~(uint32_t)S_ISUID;
    if (in->mode & S_IXGRP || !in_group(in->gid)) /* without x, setgid means something else */
        in->mode &= ~(uint32_t)S_ISGID;
}

/* --- times --- */

void inode_changed(struct inode *in) { in->ctime = fs_now(); }

void inode_modified(struct inode *in) { in->mtime = in->ctime = fs_now(); }

static bool not_after(const struct __kernel_timespec *a, const struct __kernel_timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec <= b->tv_nsec);
}

/* The mount has rules of its own. */
static SLOW_PATH void accessed_by_rules(struct inode *in, uint32_t rules, uint32_t flags)
{
    if (rules & (MS_NOATIME | MOUNT_READONLY) || (rules & MS_NODIRATIME && is_dir(in)))
        return;
    if (rules & MS_STRICTATIME && !(flags & O_NOATIME) && !(in->attributes & INODE_NOATIME))
        in->atime = fs_now();
    else
        inode_accessed(in, NULL, flags);
}

/* As Linux's relatime, but without its rule for a day-old atime: what readers
 * want to know is whether a file was read since it was written. */
void inode_accessed(struct inode *in, const struct mount *mnt, uint32_t flags)
{
    if (mnt && mnt->flags & (MS_NOATIME | MS_STRICTATIME | MS_NODIRATIME | MOUNT_READONLY)) {
        accessed_by_rules(in, mnt->flags, flags);
        return;
    }
    if ((not_after(&in->atime, &in->mtime) || not_after(&in->atime, &in->ctime)) &&
        !(flags & O_NOATIME) && !(in->attributes & INODE_NOATIME))
        in->atime = fs_now();
}
