/* file_caps.c - see file_caps.h. */
#include "proc/file_caps.h"
#include "fs/inode.h"
#include "fs/xattr.h"
#include "lib/string.h"
#include <linux/capability.h>
#include <linux/xattr.h>

int file_caps_get(struct inode *in, struct file_caps *c)
{
    struct vfs_ns_cap_data d = { 0 };
    struct xattr *x;
    uint32_t size = 0;

    mutex_lock(&in->lock);
    x = xattr_find(in, XATTR_NAME_CAPS);
    if (x) {
        size = x->size;
        memcpy(&d, x->parts ? x->parts->byte : (char *)&d, MIN(size, (uint32_t)sizeof(d)));
    }
    mutex_unlock(&in->lock);
    if (!x)
        return -ENODATA;
    uint32_t revision = d.magic_etc & VFS_CAP_REVISION_MASK;
    if (!(revision == VFS_CAP_REVISION_1 && size == XATTR_CAPS_SZ_1) &&
        !(revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) &&
        !(revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3))
        return -EINVAL;
    if (revision == VFS_CAP_REVISION_3 && d.rootid != 0)
        return -ENODATA; /* of a user namespace, of which there is one */
    c->permitted = d.data[0].permitted | (uint64_t)d.data[1].permitted << 32;
    c->inheritable = d.data[0].inheritable | (uint64_t)d.data[1].inheritable << 32;
    c->effective = d.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
    return 0;
}
