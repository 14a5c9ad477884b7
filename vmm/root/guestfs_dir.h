/* guestfs_dir.h - the names in a directory of the guest, and all names below one. */
#ifndef VMM_ROOT_GUESTFS_DIR_H
#define VMM_ROOT_GUESTFS_DIR_H

#include "vmm/root/guestfs_file.h"

#define GUESTFS_PATH_MAX 16384u

/* The file whose name the dentry at this address is. */
bool guestfs_dentry(struct guestfs *fs, uint64_t at, struct view *d, struct guest_file *out);

/* Each name of a directory, until `name` says false; returns that. */
typedef bool guestfs_name(void *arg, const char *name, const struct guest_file *f);
bool guestfs_names(struct guestfs *fs, const struct guest_file *dir, guestfs_name *name, void *arg);

/* Everything on top's file system from top on, directories first.  path: from top on, "" for top itself.
 * Until `visit` says false; returns that. */
typedef bool guestfs_visit(void *arg, const char *path, const struct guest_file *f);
bool guestfs_walk(struct guestfs *fs, const struct guest_file *top, guestfs_visit *visit,
                  void *arg);

#endif
