/* guestfs_mem.h - the guest's files, read out of its memory while it stands still (shared/fs_layout.h).
 *
 * Nothing of what is found is believed.  Each structure is copied once and looked at then; lists have
 * to agree with their back pointers, so a walk is one of a tree, whatever the guest has written; names,
 * kinds, sizes are checked; and what a walk may look at is bounded by what the guest's memory can hold.
 * What does not fit is counted in `damaged` and left out. */
#ifndef VMM_ROOT_GUESTFS_MEM_H
#define VMM_ROOT_GUESTFS_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/fs_layout.h"
#include "vmm/gmem.h"

struct guestfs {
    const struct gmem *mem;
    struct fs_layout layout;
    uint64_t inodes, entries, text_bytes; /* of the image with an index; 0: there is none */
    uint64_t inode_at, entry_at, text_at; /* kernel addresses */
    uint64_t data, data_pages, links;
    uint64_t xattrs_at, nxattrs;
    uint64_t names_left, nodes_left, pages_left; /* that may be looked at yet */
    uint64_t damaged, deep;                      /* what was left out */
};

/* A file, and where what is in it is. */
struct guest_file {
    enum guest_kind {
        GUEST_LIVE,    /* the kernel has made an inode; at: its address */
        GUEST_INDEXED, /* at: its number in the index */
        GUEST_STORED,  /* a symlink of an archive; at: its header's address */
    } kind;
    uint64_t at;
    uint32_t mode, uid, gid, nlink;
    uint32_t rdev; /* as struct root_inode has it */
    uint64_t size;
    int64_t mtime;
    uint32_t mtime_ns;
    uint64_t link_at; /* a symlink's text */
    uint64_t xattrs;  /* of an inode: the first one's address */
    uint64_t pages, borrowed, borrowed_pages;
    uint64_t first, count;    /* of a directory's entries in the index */
    uint64_t dentry, mounted; /* of a name that the kernel has made */
};

/* The kernel's description is at this guest address.  False: there is none that is understood. */
bool guestfs_open(struct guestfs *fs, const struct gmem *mem, uint64_t at);

/* A structure of the kernel, copied. */
struct view {
    const struct fs_layout *layout;
    uint8_t byte[FS_STRUCT_MAX];
};

/* Host address of a kernel address, or NULL unless all of it is there. */
const void *guestfs_at(const struct guestfs *fs, uint64_t va, uint64_t bytes);
bool guestfs_copy(const struct guestfs *fs, void *to, uint64_t va, uint64_t bytes);
bool guestfs_get(const struct guestfs *fs, struct view *v, enum fs_struct s, uint64_t va);
uint64_t guestfs_number(const struct view *v, enum fs_field f);
struct fs_list guestfs_list(const struct view *v, enum fs_field f);
static inline bool guestfs_bad(struct guestfs *fs)
{
    fs->damaged++;
    return false;
}

#endif
