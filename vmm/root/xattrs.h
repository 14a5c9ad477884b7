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
/* An ACL, which the guest does not have.  Its file's group bits are the ACL's mask, no rights of the group:
 * mode, so that nobody gets more without the ACL than with it.  value: n bytes of Linux's
 * struct posix_acl_xattr_header; what is none leaves the mode. */
#define XATTRS_ACL "system.posix_acl_access"
uint32_t xattrs_mode_without_acl(uint32_t mode, const void *value, size_t n);
/* A name that is there is replaced.  False: no memory, or a name or value that cannot be. */
bool xattrs_add(struct xattrs *x, const char *name, const void *value, size_t n);

#endif
