/* guestfs_xattr.h - extended attributes of the guest's files. */
#ifndef VMM_ROOT_GUESTFS_XATTR_H
#define VMM_ROOT_GUESTFS_XATTR_H

#include "vmm/root/guestfs_file.h"

/* Each of a file, until `give` says false; returns that. */
typedef bool guestfs_xattr(void *arg, const char *name, const uint8_t *value, uint32_t bytes);
bool guestfs_xattrs(struct guestfs *fs, const struct guest_file *f, guestfs_xattr *give, void *arg);

#endif
