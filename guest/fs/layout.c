/* layout.c - where the parts of the file system's structures lie, for the VMM (shared/fs_layout.h).
 * It is all constant: publishing it costs the boot a store. */
#include "fs/layout.h"
#include "arch/layout.h"
#include "fs/cpio_stored.h"
#include "fs/dentry.h"
#include "fs/devfs.h"
#include "fs/image_tree.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/pages.h"
#include "fs/xattr.h"
#include "sched/record.h"
#include "shared/fs_layout.h"

/* clang-format off */
static const struct fs_layout layout = {
    .magic = FS_LAYOUT_MAGIC,
    .version = FS_LAYOUT_VERSION,
    .bytes = sizeof(struct fs_layout),
    .kernel_base = KERNEL_BASE,
    .direct_map = KERNEL_BASE - DIRECT_MAX,
    .root_mount = (uint64_t)&first_mount_ns.root,
    .mounts = (uint64_t)&mounts,
    .image = (uint64_t)&image_tree,
    .image_names = (uint64_t)&image_tree_ops,
    .cpio_names = (uint64_t)&cpio_stored_ops,
    .device_names = (uint64_t)&devfs_later_ops,
    .slot_bits = PAGES_SLOT_BITS,
    .run_taken = offsetof(struct stored_run, taken),
    .xattr_name = offsetof(struct xattr, name),
    .part_byte = offsetof(struct xattr_part, byte),
    .part_bytes = XATTR_PART_BYTES,
#define X(s) sizeof(struct s),
    .size = { FS_STRUCTS(X) },
#undef X
#define X(s, f, name, type) offsetof(struct s, f),
    .field = { FS_FIELDS(X) },
#undef X
};
/* clang-format on */

void fs_layout_publish(void)
{
    /* clang-format off */
#define X(s) _Static_assert(sizeof(struct s) <= FS_STRUCT_MAX, "larger than the VMM reads");
    FS_STRUCTS(X)
#undef X
#define X(s, f, name, type) _Static_assert(sizeof(((struct s *)0)->f) == sizeof(type), "the VMM reads another type");
    FS_FIELDS(X)
#undef X
    /* clang-format on */
    _Static_assert(offsetof(struct image_dir, head) == 0 &&
                       offsetof(struct stored_run, head) == 0 &&
                       offsetof(struct stored_names, ops) == 0,
                   "a directory's stored names begin with what says of which kind they are");
    _Static_assert(offsetof(struct image_link, node) == 0, "the VMM goes from node to node");
    record_fs_layout(virt_to_phys(&layout));
}
