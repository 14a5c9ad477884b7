/* guestfs_mem.c - see guestfs_mem.h. */
#include "vmm/root/guestfs_mem.h"

#include <string.h>

#include "shared/inspect.h"
#include "shared/root_index.h"

#define NAMES_MAX (4ull << 20) /* what --root takes */

static const uint8_t field_bytes[FS_FIELD_COUNT] = {
#define X(s, member, name, type) sizeof(type),
    FS_FIELDS(X)
#undef X
};
static const uint8_t field_of[FS_FIELD_COUNT] = {
#define X(s, member, name, type) FS_##s,
    FS_FIELDS(X)
#undef X
};

const void *guestfs_at(const struct guestfs *fs, uint64_t va, uint64_t bytes)
{
    uint64_t gpa =
        va - (va >= fs->layout.kernel_base ? fs->layout.kernel_base : fs->layout.direct_map);
    return gmem_span(fs->mem, gpa, bytes);
}

bool guestfs_copy(const struct guestfs *fs, void *to, uint64_t va, uint64_t bytes)
{
    const void *at = guestfs_at(fs, va, bytes);
    if (at != NULL)
        memcpy(to, at, bytes);
    return at != NULL;
}

bool guestfs_get(const struct guestfs *fs, struct view *v, enum fs_struct s, uint64_t va)
{
    v->layout = &fs->layout;
    return guestfs_copy(fs, v->byte, va, fs->layout.size[s]);
}

uint64_t guestfs_number(const struct view *v, enum fs_field f)
{
    uint64_t n = 0; /* little-endian: the rest stays 0 */
    memcpy(&n, v->byte + v->layout->field[f], field_bytes[f] < 8 ? field_bytes[f] : 8);
    return n;
}

struct fs_list guestfs_list(const struct view *v, enum fs_field f)
{
    struct fs_list l;
    memcpy(&l, v->byte + v->layout->field[f], sizeof(l));
    return l;
}

/* --- the description --------------------------------------------------------------------- */

static bool layout_is_good(const struct fs_layout *l)
{
    if (l->magic != FS_LAYOUT_MAGIC || l->version != FS_LAYOUT_VERSION || l->bytes != sizeof(*l) ||
        l->slot_bits < 1 || l->slot_bits > 9 || l->run_taken > FS_STRUCT_MAX ||
        l->xattr_name > FS_STRUCT_MAX || l->part_byte > FS_STRUCT_MAX || l->part_bytes == 0 ||
        l->part_bytes > GMEM_PAGE)
        return false;
    for (unsigned s = 0; s < FS_STRUCT_COUNT; s++)
        if (l->size[s] > FS_STRUCT_MAX)
            return false;
    for (unsigned f = 0; f < FS_FIELD_COUNT; f++)
        if (l->field[f] + (unsigned)field_bytes[f] > l->size[field_of[f]])
            return false;
    return true;
}

/* The tables of an image with an index, if they are in memory as a whole. */
static void find_image(struct guestfs *fs)
{
    struct view v;
    if (!guestfs_get(fs, &v, FS_image_tree, fs->layout.image))
        return;
    uint64_t inodes = guestfs_number(&v, FS_image_tree_inodes);
    fs->entries = guestfs_number(&v, FS_image_tree_entries);
    fs->text_bytes = guestfs_number(&v, FS_image_tree_text_bytes);
    fs->inode_at = guestfs_number(&v, FS_image_tree_inode);
    fs->entry_at = guestfs_number(&v, FS_image_tree_entry);
    fs->text_at = guestfs_number(&v, FS_image_tree_text);
    fs->data = guestfs_number(&v, FS_image_tree_data);
    fs->data_pages = guestfs_number(&v, FS_image_tree_data_pages);
    fs->links = guestfs_number(&v, FS_image_tree_links);
    if (guestfs_at(fs, fs->inode_at, inodes * sizeof(struct root_inode)) != NULL &&
        guestfs_at(fs, fs->entry_at, fs->entries * sizeof(struct root_entry)) != NULL &&
        guestfs_at(fs, fs->text_at, fs->text_bytes) != NULL)
        fs->inodes = inodes;
    fs->xattrs_at = guestfs_number(&v, FS_image_tree_xattrs);
    fs->nxattrs = guestfs_number(&v, FS_image_tree_nxattrs);
    if (fs->nxattrs > fs->inodes ||
        guestfs_at(fs, fs->xattrs_at, fs->nxattrs * sizeof(struct root_xattrs)) == NULL)
        fs->nxattrs = 0;
}

bool guestfs_open(struct guestfs *fs, const struct gmem *mem, uint64_t at)
{
    struct inspect_root root;
    *fs = (struct guestfs){ .mem = mem };
    const void *p = at != 0 ? gmem_span(mem, at, sizeof(root)) : NULL;
    if (p == NULL)
        return false;
    memcpy(&root, p, sizeof(root));
    p = root.magic == INSPECT_MAGIC && root.fs_layout != 0
            ? gmem_span(mem, root.fs_layout, sizeof(fs->layout))
            : NULL;
    if (p == NULL)
        return false;
    memcpy(&fs->layout, p, sizeof(fs->layout));
    if (!layout_is_good(&fs->layout))
        return false;
    find_image(fs);
    /* Twice what an honest guest's memory can hold: frames may be shared. */
    fs->names_left = NAMES_MAX;
    fs->pages_left = 2 * (gmem_end(mem) / GMEM_PAGE);
    fs->nodes_left = fs->pages_left * 16;
    return true;
}
