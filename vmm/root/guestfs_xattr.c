/* guestfs_xattr.c - see guestfs_xattr.h: a list at an inode, or what stands in the index. */
#include "vmm/root/guestfs_xattr.h"

#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#define EACH_MAX 4096 /* of a file: as many as may be in 256 KiB, about */

struct giving {
    struct guestfs *fs;
    guestfs_xattr *give;
    void *arg;
    char name[XATTR_NAME_MAX + 1];
    uint8_t value[XATTR_SIZE_MAX];
};

static bool give_one(struct giving *g, size_t len, uint32_t size)
{
    g->name[len] = '\0';
    if (len == 0 || strlen(g->name) != len) {
        guestfs_bad(g->fs);
        return true;
    }
    return g->give(g->arg, g->name, g->value, size);
}

/* A value that lies in parts. */
static bool copy_parts(struct giving *g, uint64_t part, uint32_t size)
{
    const struct fs_layout *l = &g->fs->layout;
    struct view v;
    for (uint32_t at = 0; at < size;) {
        uint32_t n = size - at < l->part_bytes ? size - at : l->part_bytes;
        if (!guestfs_get(g->fs, &v, FS_xattr_part, part) ||
            !guestfs_copy(g->fs, g->value + at, part + l->part_byte, n))
            return false;
        part = guestfs_number(&v, FS_xattr_part_next);
        at += n;
    }
    return true;
}

static bool give_list(struct giving *g, uint64_t at)
{
    struct view v;
    for (unsigned n = 0; at != 0; n++) {
        if (n == EACH_MAX || !guestfs_get(g->fs, &v, FS_xattr, at))
            return guestfs_bad(g->fs) || true;
        uint64_t len = guestfs_number(&v, FS_xattr_name_len),
                 size = guestfs_number(&v, FS_xattr_size);
        if (size > XATTR_SIZE_MAX ||
            !guestfs_copy(g->fs, g->name, at + g->fs->layout.xattr_name, len) ||
            !copy_parts(g, guestfs_number(&v, FS_xattr_parts), (uint32_t)size))
            guestfs_bad(g->fs);
        else if (!give_one(g, len, (uint32_t)size))
            return false;
        at = guestfs_number(&v, FS_xattr_next);
    }
    return true;
}

static bool give_indexed(struct giving *g, const struct root_xattrs *x)
{
    uint64_t at = g->fs->text_at + x->at, left = x->bytes;
    if (x->at > g->fs->text_bytes || left > g->fs->text_bytes - x->at)
        return guestfs_bad(g->fs) || true;
    for (unsigned n = 0; left > 0; n++) {
        struct root_xattr r;
        if (n == EACH_MAX || left < sizeof(r) || !guestfs_copy(g->fs, &r, at, sizeof(r)) ||
            r.size > XATTR_SIZE_MAX || left - sizeof(r) < r.name_len + (uint64_t)r.size)
            return guestfs_bad(g->fs) || true;
        at += sizeof(r);
        if (!guestfs_copy(g->fs, g->name, at, r.name_len) ||
            !guestfs_copy(g->fs, g->value, at + r.name_len, r.size))
            return guestfs_bad(g->fs) || true;
        if (!give_one(g, r.name_len, r.size))
            return false;
        at += r.name_len + (uint64_t)r.size;
        left -= sizeof(r) + r.name_len + (uint64_t)r.size;
    }
    return true;
}

/* By bisection. */
static bool find_indexed(const struct guestfs *fs, uint64_t number, struct root_xattrs *x)
{
    uint64_t low = 0, high = fs->nxattrs;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (!guestfs_copy(fs, x, fs->xattrs_at + mid * sizeof(*x), sizeof(*x)))
            return false;
        if (x->inode == number)
            return true;
        if (number < x->inode)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

bool guestfs_xattrs(struct guestfs *fs, const struct guest_file *f, guestfs_xattr *give, void *arg)
{
    struct root_xattrs x;
    bool listed = f->kind == GUEST_LIVE && f->xattrs != 0;
    if (!listed && !(f->kind == GUEST_INDEXED && find_indexed(fs, f->at, &x)))
        return true;
    struct giving *g = malloc(sizeof(*g));
    if (g == NULL)
        return guestfs_bad(fs) || true;
    g->fs = fs;
    g->give = give;
    g->arg = arg;
    bool ok = listed ? give_list(g, f->xattrs) : give_indexed(g, &x);
    free(g);
    return ok;
}
