/* handle.c - files by handle: name_to_handle_at(2), open_by_handle_at(2).
 *
 * A handle of a file in memory has 12 bytes, as on Linux: a generation and the inode's number, which
 * here no other inode of the file system ever gets.  Nothing keeps what a handle means: the tree of
 * names is searched for the number, so handles cost a file nothing, and one is found for as long as
 * it has a name. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "sched/task.h"
#include "sys/target.h"
#include <linux/capability.h>
#include <linux/limits.h>

/* <fcntl.h>'s, in no header of the kernel's for programs */
#define MAX_HANDLE_SZ 128u
struct handle_head {
    uint32_t bytes;
    int32_t type;
};

#ifndef AT_HANDLE_FID /* Linux 6.5 */
#define AT_HANDLE_FID 0x200
#endif
#ifndef AT_HANDLE_MNT_ID_UNIQUE /* Linux 6.12 */
#define AT_HANDLE_MNT_ID_UNIQUE 0x001
#endif
#ifndef AT_HANDLE_CONNECTABLE /* Linux 6.13 */
#define AT_HANDLE_CONNECTABLE 0x002
#endif

#define TYPE_INO32_GEN 1    /* of a file in memory */
#define TYPE_INO64_GEN 0x81 /* of all others: it tells them apart, and opens none */
#define TYPE_INVALID   0xff
#define TYPE_FLAGS     0x30000 /* what may be set above the type's 16 bits */

struct ident { /* the same bytes in both types */
    uint32_t word[3];
};

static struct ident ident_of(const struct inode *in)
{
    uint32_t low = (uint32_t)in->ino, high = (uint32_t)(in->ino >> 32);

    return of_tmpfs(in) ? (struct ident){ { in->sb->dev, low, high } }
                        : (struct ident){ { low, high, in->sb->dev } };
}

/* --- from a name ------------------------------------------------------------------------------ */

static long put_mount_id(const struct target *t, uint32_t flags, uaddr_t to)
{
    uint32_t id = t->path.mnt ? t->path.mnt->id : 0;

    return flags & AT_HANDLE_MNT_ID_UNIQUE ? put_user(mount_unique_id(id), to)
                                           : put_user((int)id, to);
}

static long put_handle(const struct target *t, uint32_t flags, uaddr_t to, uaddr_t mount_id)
{
    struct ident ident = ident_of(t->inode);
    struct handle_head h;
    bool fits;
    long err;

    if (!(flags & AT_HANDLE_FID) && (!of_tmpfs(t->inode) || flags & AT_HANDLE_CONNECTABLE))
        return -EOPNOTSUPP;
    if (copy_from_user(&h, to, sizeof(h)) != 0)
        return -EFAULT;
    if (h.bytes > MAX_HANDLE_SZ)
        return -EINVAL;
    fits = h.bytes >= sizeof(ident);
    h.bytes = sizeof(ident);
    h.type = !fits ? TYPE_INVALID : of_tmpfs(t->inode) ? TYPE_INO32_GEN : TYPE_INO64_GEN;
    err = put_mount_id(t, flags, mount_id);
    if (!err)
        err = copy_to_user(to, &h, sizeof(h));
    if (!err && fits)
        err = copy_to_user(to + sizeof(h), &ident, sizeof(ident));
    return err ? err : fits ? 0 : -EOVERFLOW;
}

SYSCALL5(name_to_handle_at, int, dfd, uaddr_t, name, uaddr_t, handle, uaddr_t, mount_id, uint32_t,
         flags)
{
    const uint32_t both = AT_HANDLE_FID | AT_HANDLE_CONNECTABLE;
    struct target t;
    long err;

    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_MNT_ID_UNIQUE | both) ||
        (flags & both) == both)
        return -EINVAL;
    if (!name) /* no empty name here */
        return -EFAULT;
    err =
        target_get(&t, dfd, name,
                   (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW));
    if (err)
        return err;
    err = put_handle(&t, flags, handle, mount_id);
    target_put(&t);
    return err;
}

/* --- to a file -------------------------------------------------------------------------------- */

#define WORK_NAME 15u /* instructions a name, about (arch/preempt.h) */

/* fs_tree held.  With a reference: 0, -ESTALE. */
static long find(const struct superblock *sb, const struct ident *wanted, struct dentry **out)
{
    struct dentry *d = sb->root;

    for (; d; d = dentry_next(d, sb->root)) {
        struct ident is = ident_of(d->inode);

        if (memcmp(&is, wanted, sizeof(is)) == 0) {
            dentry_get(d);
            *out = d;
            return 0;
        }
        preempt_work(WORK_NAME);
    }
    return -ESTALE;
}

/* Where the handle's file system is looked for: a reference to the mount, or NULL. */
static long anchor_get(int fd, struct mount **out)
{
    struct path at = { 0 };

    if (fd == AT_FDCWD) {
        fs_get_cwd(&at);
        *out = at.mnt;
        dentry_put(at.dentry);
        return 0;
    }
    WITH_FILE(f, fd);
    if (!f)
        return -EBADF;
    *out = f->path.mnt;
    if (*out)
        mount_get(*out);
    return 0;
}

static long take_handle(uaddr_t from, struct handle_head *h)
{
    if (copy_from_user(h, from, sizeof(*h)) != 0)
        return -EFAULT;
    if (h->bytes == 0 || h->bytes > MAX_HANDLE_SZ || h->type < 0 ||
        h->type & ~(0xffff | TYPE_FLAGS))
        return -EINVAL;
    return 0;
}

/* The bytes, of which a handle of ours has 12. */
static long take_ident(uaddr_t from, uint32_t bytes, struct ident *ident)
{
    uint8_t all[MAX_HANDLE_SZ];

    if (copy_from_user(all, from, bytes) != 0)
        return -EFAULT;
    if (bytes < sizeof(*ident))
        return -ESTALE;
    memcpy(ident, all, sizeof(*ident));
    return 0;
}

static long open_in(struct mount *mnt, const struct ident *ident, uint32_t flags)
{
    struct path p = { mnt, NULL };
    struct file *f;
    long err = -ESTALE;

    if (mnt && is_tmpfs(mnt->sb)) {
        mutex_lock(&fs_tree);
        err = find(mnt->sb, ident, &p.dentry);
        mutex_unlock(&fs_tree);
    }
    if (err)
        return err;
    err = file_open_path(&p, flags, &f);
    dentry_put(p.dentry);
    return err ? err : fd_open_add(f, flags & O_CLOEXEC);
}

SYSCALL3(open_by_handle_at, int, mount_fd, uaddr_t, handle, uint32_t, flags)
{
    struct handle_head h;
    struct ident ident;
    struct mount *mnt;
    long err = take_handle(handle, &h);

    if (!err)
        err = anchor_get(mount_fd, &mnt);
    if (err)
        return err;
    err = has_cap(CAP_DAC_READ_SEARCH) ? take_ident(handle + sizeof(h), h.bytes, &ident) : -EPERM;
    if (!err)
        err = open_in(mnt, &ident, flags);
    if (mnt)
        mount_put(mnt);
    return err;
}
