/* guestfs_file.h - one file of the guest. */
#ifndef VMM_ROOT_GUESTFS_FILE_H
#define VMM_ROOT_GUESTFS_FILE_H

#include "shared/root_index.h"
#include "vmm/root/guestfs_mem.h"

/* What the kernel has made an inode of; what stands in the index; a symlink in an archive, with its name.
 * False: it is damaged. */
bool guestfs_live(struct guestfs *fs, uint64_t inode, struct guest_file *out);
bool guestfs_indexed(struct guestfs *fs, uint64_t number, struct guest_file *out);
bool guestfs_stored(struct guestfs *fs, uint64_t header, uint64_t bytes, uint64_t name_at,
                    struct guest_file *out, char name[ROOT_NAME_MAX + 1]);

/* A symlink's text into buf, with a NUL.  False: it has none that can be. */
bool guestfs_link(struct guestfs *fs, const struct guest_file *f, char buf[4096]);

/* What a regular file has that is no hole, in order, a page or more at a time. */
typedef bool guestfs_data(void *arg, uint64_t offset, const uint8_t *at, uint64_t bytes);
bool guestfs_read(struct guestfs *fs, const struct guest_file *f, guestfs_data *data, void *arg);

#endif
