/* fs_layout.h - how the kernel's file system lies in memory, for whoever reads it from outside: `vmm --save`
 * and `--out` do, with the guest stopped, whatever its tasks were doing.  docs/root.md says why so.
 *
 * The kernel publishes one struct fs_layout (its address is in struct inspect_root), all of it constant.
 * The VMM takes nothing of what it finds on trust: addresses, offsets and numbers are checked where they are
 * used.  Pointers are the kernel's virtual addresses: one at kernel_base or above lies at that
 * physical address from it on, another so far above direct_map. */
#ifndef SHARED_FS_LAYOUT_H
#define SHARED_FS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define FS_LAYOUT_MAGIC   0x54554f59414c5346ull /* "FSLAYOUT" */
#define FS_LAYOUT_VERSION 3u
#define FS_STRUCT_MAX     512u /* bytes of one that is read whole */

/* clang-format off */
/* The structures, as the kernel calls them. */
#define FS_STRUCTS(X) \
    X(mount) X(superblock) X(dentry) X(inode) X(page_index) X(image_dir) X(image_link) X(image_tree) \
    X(stored_run) X(xattr) X(xattr_part)

/* Of each the fields that are read: structure, member, its name here, type. */
#define FS_FIELDS(X) \
    X(mount, sb, sb, uint64_t) X(mount, root, root, uint64_t) X(mount, on, on, uint64_t) \
    X(mount, parent, parent, uint64_t) X(mount, link, link, struct fs_list) \
    X(superblock, magic, magic, uint32_t) \
    X(dentry, inode, inode, uint64_t) X(dentry, parent, parent, uint64_t) \
    X(dentry, mounted, mounted, uint64_t) X(dentry, sibling, sibling, struct fs_list) \
    X(dentry, by_order, by_order, struct fs_list) X(dentry, stored, stored, uint64_t) \
    X(dentry, name_len, name_len, uint16_t) X(dentry, name, name, uint64_t) \
    X(inode, sb, sb, uint64_t) X(inode, nlink, nlink, uint32_t) X(inode, mode, mode, uint32_t) \
    X(inode, uid, uid, uint32_t) X(inode, gid, gid, uint32_t) X(inode, rdev, rdev, uint32_t) \
    X(inode, size, size, uint64_t) X(inode, mtime, mtime, struct fs_time) X(inode, pages, pages, uint64_t) \
    X(inode, borrowed, borrowed, uint32_t) X(inode, borrowed_pages, borrowed_pages, uint32_t) \
    X(inode, private, private, uint64_t) X(inode, xattrs, xattrs, uint64_t) \
    X(page_index, height, height, uint32_t) X(page_index, node, node, uint64_t) /* height 0: a frame */ \
    X(image_dir, first, first, uint32_t) X(image_dir, count, count, uint32_t) \
    X(image_link, node.left, left, uint64_t) X(image_link, node.right, right, uint64_t) \
    X(image_link, inode, inode, uint32_t) X(image_link, in, in, uint64_t) \
    X(image_tree, inodes, inodes, uint32_t) X(image_tree, entries, entries, uint32_t) \
    X(image_tree, text_bytes, text_bytes, uint32_t) X(image_tree, inode, inode, uint64_t) \
    X(image_tree, entry, entry, uint64_t) X(image_tree, text, text, uint64_t) \
    X(image_tree, data, data, uint32_t) X(image_tree, data_pages, data_pages, uint64_t) \
    X(image_tree, links.node, links, uint64_t) X(image_tree, xattrs, xattrs, uint64_t) \
    X(image_tree, nxattrs, nxattrs, uint64_t) \
    X(stored_run, run.first, first, uint64_t) X(stored_run, run.n, n, uint32_t) \
    X(stored_run, run.bytes, bytes, uint32_t) X(stored_run, run.name_at, name_at, uint32_t) \
    X(xattr, next, next, uint64_t) X(xattr, parts, parts, uint64_t) X(xattr, size, size, uint32_t) \
    X(xattr, name_len, name_len, uint8_t) X(xattr_part, next, next, uint64_t)
/* clang-format on */

struct fs_list {
    uint64_t next, prev;
};
struct fs_time {
    int64_t sec, nsec;
};

enum fs_struct {
#define X(s) FS_##s,
    FS_STRUCTS(X)
#undef X
        FS_STRUCT_COUNT
};

enum fs_field {
#define X(s, member, name, type) FS_##s##_##name,
    FS_FIELDS(X)
#undef X
        FS_FIELD_COUNT
};

struct fs_layout {
    uint64_t magic;
    uint32_t version, bytes; /* of this structure */
    uint64_t kernel_base, direct_map;
    uint64_t root_mount, mounts; /* addresses of a pointer, and of a list's head */
    uint64_t image;              /* of the struct image_tree */
    /* What a dentry's `stored` points to begins with one of these: names of the image, of an archive, of
     * devices whose nodes nobody has looked for. */
    uint64_t image_names, cpio_names, device_names;
    uint32_t
        slot_bits; /* a node of a page index has 1 << slot_bits slots: frames at height 1, else pointers */
    uint32_t run_taken;             /* offset of the bits behind a stored_run */
    uint32_t xattr_name, part_byte; /* offsets of what is behind these */
    uint32_t part_bytes, zero;      /* how many bytes, but in a value's last part */
    uint16_t size[FS_STRUCT_COUNT];
    uint16_t field[FS_FIELD_COUNT]; /* offsets, in the order of FS_FIELDS */
};

#endif
