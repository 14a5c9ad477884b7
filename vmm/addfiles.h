/* addfiles.h - --add: host files and directories become a cpio archive that
 * the kernel unpacks on top of its root image. */
#ifndef VMM_ADDFILES_H
#define VMM_ADDFILES_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/root/image.h"

/* specs: HOST[:GUEST].  Without GUEST, HOST goes to /NAME, its last component;
 * a GUEST that ends in '/' is the directory to put it into.  root: the tree below, or NULL or with
 * `at` 0; its libraries stay.  The archive is an anonymous file.  False after one line on stderr. */
bool addfiles_pack(const char *const *specs, unsigned n, const struct root_image *root, int *fd,
                   uint64_t *bytes);

#endif
