/* guestfs_find.h - a path in the guest, through its mounts and symlinks. */
#ifndef VMM_ROOT_GUESTFS_FIND_H
#define VMM_ROOT_GUESTFS_FIND_H

#include "vmm/root/guestfs_dir.h"

/* What a path leads to; symlinks are followed as a task of the guest would.  False: *why. */
bool guestfs_find(struct guestfs *fs, const char *path, struct guest_file *out, const char **why);

#endif
