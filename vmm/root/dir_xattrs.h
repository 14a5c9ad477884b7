/* dir_xattrs.h - extended attributes of a host directory's files, for the tree that is made of it. */
#ifndef VMM_ROOT_DIR_XATTRS_H
#define VMM_ROOT_DIR_XATTRS_H

#include <stdbool.h>

#include "vmm/root/tree.h"

/* The working directory, to which dir_xattrs_end() returns: in between it may be anywhere.  One thread. */
int dir_xattrs_begin(void);
void dir_xattrs_end(int home);

/* Gives node, whose attributes are a, those that the guest has of a file: fd itself, which is open, if name is
 * ""; or what is called so in the directory fd, not opened and no symlink followed.  One that cannot be read is
 * left out: a trusted one is not for everybody.  An ACL goes, and counts in *acls.  False: too many. */
bool dir_xattrs(struct root_tree *t, uint32_t node, int home, int fd, const char *name,
                struct root_attributes a, unsigned *acls);

#endif
