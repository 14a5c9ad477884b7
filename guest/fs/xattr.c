/* xattr.c - extended attributes: a list at the inode, sorted by name. */
#include "fs/xattr.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "shared/root_index.h"
#include <linux/limits.h>
#include <linux/xattr.h>

#define FILE_MAX (4u * XATTR_SIZE_MAX) /* bytes of names and values of a file */

void xattr_value_free(struct xattr_part *p)
{
    while (p) {
        struct xattr_part *next = p->next;

        kfree(p);
        p = next;
    }
}

int xattr_value_alloc(uint32_t size, struct xattr_part **out)
{
    struct xattr_part **at = out;

    *out = NULL;
    while (size) {
        uint32_t n = MIN(size, (uint32_t)XATTR_PART_BYTES);
        struct xattr_part *p = kzalloc(sizeof(*p) + n);

        if (!p) {
            xattr_value_free(*out);
            *out = NULL;
            return -ENOMEM;
        }
        *at = p;
        at = &p->next;
        size -= n;
    }
    return 0;
}

/* Where the name is, or would be. */
static struct xattr **place(struct inode *in, const char *name)
{
    struct xattr **at = &in->xattrs;

    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    return at;
}

struct xattr *xattr_find(const struct inode *in, const char *name)
{
    struct xattr *x = *place((struct inode *)in, name);

    return x && strcmp(x->name, name) == 0 ? x : NULL;
}

static uint64_t bytes_of(const struct inode *in)
{
    uint64_t n = 0;

    for (const struct xattr *x = in->xattrs; x; x = x->next)
        n += sizeof(*x) + x->name_len + x->size;
    return n;
}

static void free_one(struct xattr *x)
{
    xattr_value_free(x->parts);
    kfree(x);
}

static struct xattr *make(const char *name, struct xattr_part *value, uint32_t size)
{
    size_t len = strlen(name);
    struct xattr *x = kmalloc(sizeof(*x) + len + 1);

    if (!x)
        return NULL;
    *x = (struct xattr){ .parts = value, .size = size, .name_len = (uint8_t)len };
    memcpy(x->name, name, len + 1);
    return x;
}

int xattr_set(struct inode *in, const char *name, struct xattr_part *value, uint32_t size,
              uint32_t flags)
{
    struct xattr **at = place(in, name), *old = *at, *x = NULL;
    int err = 0;

    if (old && strcmp(old->name, name) != 0)
        old = NULL;
    if (old && flags & XATTR_CREATE)
        err = -EEXIST;
    else if (!old && flags & XATTR_REPLACE)
        err = -ENODATA;
    else if (bytes_of(in) + size + strlen(name) > FILE_MAX)
        err = -ENOSPC;
    else if (!(x = make(name, value, size)))
        err = -ENOMEM;
    if (err) {
        xattr_value_free(value);
        return err;
    }
    x->next = old ? old->next : *at;
    *at = x;
    if (old)
        free_one(old);
    return 0;
}

int xattr_remove(struct inode *in, const char *name)
{
    struct xattr **at = place(in, name), *x = *at;

    if (!x || strcmp(x->name, name) != 0)
        return -ENODATA;
    *at = x->next;
    free_one(x);
    return 0;
}

void xattr_drop_all(struct inode *in)
{
    while (in->xattrs) {
        struct xattr *x = in->xattrs;

        in->xattrs = x->next;
        free_one(x);
    }
}

static int add_indexed(struct inode *in, const struct root_xattr *r, const char *at)
{
    char name[XATTR_NAME_MAX + 1];
    struct xattr_part *value;
    const char *from = at + r->name_len;
    uint32_t left = r->size;
    int err = xattr_value_alloc(r->size, &value);

    if (err)
        return err;
    memcpy(name, at, r->name_len);
    name[r->name_len] = 0;
    for (struct xattr_part *p = value; p; p = p->next) {
        uint32_t n = MIN(left, (uint32_t)XATTR_PART_BYTES);

        memcpy(p->byte, from, n);
        from += n;
        left -= n;
    }
    err = xattr_set(in, name, value, r->size, 0);
    return err == -ENOMEM ? err : 0;
}

int xattr_from_index(struct inode *in, const char *at, size_t bytes)
{
    while (bytes >= sizeof(struct root_xattr)) {
        struct root_xattr r;
        int err;

        memcpy(&r, at, sizeof(r));
        at += sizeof(r);
        bytes -= sizeof(r);
        if (r.name_len == 0 || r.size > XATTR_SIZE_MAX || bytes < r.name_len + (size_t)r.size ||
            strnlen(at, r.name_len) != r.name_len)
            return 0;
        err = add_indexed(in, &r, at);
        if (err)
            return err;
        at += r.name_len + r.size;
        bytes -= r.name_len + r.size;
    }
    return 0;
}
