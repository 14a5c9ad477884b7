/* fs_type.c - the kinds of file systems. */
#include "fs/fs_type.h"
#include "lib/base.h"
#include "lib/string.h"

static struct fs_type *types; /* fixed once the kernel is up */

void fs_type_register(struct fs_type *type)
{
    type->next = types;
    types = type;
}

int fs_type_get(const char *name, char *data, struct superblock **out)
{
    for (const struct fs_type *t = types; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t->get(data, out);
    return -ENODEV;
}

int fs_type_check(const char *name, char *option)
{
    for (const struct fs_type *t = types; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t->check ? t->check(option) : 0;
    return -EINVAL;
}

const char *fs_type_name(unsigned i)
{
    const struct fs_type *t = types;

    while (t && i-- > 0)
        t = t->next;
    return t ? t->name : NULL;
}
