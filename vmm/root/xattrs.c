/* xattrs.c - see xattrs.h. */
#include "vmm/root/xattrs.h"

#include <endian.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "shared/root_index.h"

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

bool xattrs_wanted(const char *name)
{
    return (begins(name, "user.") && name[5] != '\0') ||
           (begins(name, "trusted.") && name[8] != '\0' && !begins(name, "trusted.overlay.")) ||
           strcmp(name, "security.capability") == 0;
}

/* Linux's form of an ACL: a header of four bytes, then these, little-endian. */
struct acl_entry {
    uint16_t tag, perm;
    uint32_t id;
};
enum { ACL_VERSION = 2, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16 };

uint32_t xattrs_mode_without_acl(uint32_t mode, const void *value, size_t n)
{
    const char *at = value;
    uint32_t version, mask = 7, group = 7, named = 7;
    bool whole = n >= sizeof(version) && (n - sizeof(version)) % sizeof(struct acl_entry) == 0;
    if (!whole || (memcpy(&version, at, sizeof(version)), le32toh(version) != ACL_VERSION))
        return mode;
    for (size_t i = sizeof(version); i < n; i += sizeof(struct acl_entry)) {
        struct acl_entry e;
        memcpy(&e, at + i, sizeof(e));
        uint32_t perm = le16toh(e.perm) & 7;
        switch (le16toh(e.tag)) {
        case ACL_GROUP_OBJ: group &= perm; break;
        case ACL_MASK: mask &= perm; break;
        case ACL_USER:
        case ACL_GROUP: named &= perm; break;
        }
    }
    /* Whom it names has what it says; without it, what the group or all others have. */
    group &= mask & named;
    return (mode & ~077u) | (mode >> 3 & 7 & group) << 3 | (mode & 7 & named);
}

static void drop(struct xattrs *x, const char *name, size_t len)
{
    for (size_t i = 0; i < x->bytes;) {
        struct root_xattr r;
        memcpy(&r, x->at + i, sizeof(r));
        size_t n = sizeof(r) + r.name_len + r.size;
        if (r.name_len == len && memcmp(x->at + i + sizeof(r), name, len) == 0) {
            memmove(x->at + i, x->at + i + n, x->bytes - i - n);
            x->bytes -= n;
            return;
        }
        i += n;
    }
}

bool xattrs_add(struct xattrs *x, const char *name, const void *value, size_t n)
{
    size_t len = strlen(name), more;
    if (len == 0 || len > XATTR_NAME_MAX || n > XATTR_SIZE_MAX)
        return false;
    struct root_xattr r = { .size = (uint32_t)n, .name_len = (uint8_t)len };
    drop(x, name, len);
    more = x->bytes + sizeof(r) + len + n;
    if (more > x->room) {
        void *at = realloc(x->at, more);
        if (at == NULL)
            return false;
        x->at = at;
        x->room = more;
    }
    memcpy(x->at + x->bytes, &r, sizeof(r));
    memcpy(x->at + x->bytes + sizeof(r), name, len);
    if (n > 0)
        memcpy(x->at + x->bytes + sizeof(r) + len, value, n);
    x->bytes = more;
    return true;
}
