/* xattrs.h - which extended attributes of a host's file or an archive the guest gets, and in what form. */
#ifndef VMM_ROOT_XATTRS_H
#define VMM_ROOT_XATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xattrs { /* one struct root_xattr after the other, with name and value */
    uint8_t *at;
    size_t bytes, room;
};

/* user.*, trusted.* and security.capability: not what the host's own security module or an
 * overlay says of its files. */
bool xattrs_wanted(const char *name);
/* A name that is there is replaced.  False: no memory, or a name or value that cannot be. */
bool xattrs_add(struct xattrs *x, const char *name, const void *value, size_t n);

#endif
