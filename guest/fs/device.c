/* device.c - devices by number. */
#include "fs/device.h"
#include "fs/inode.h"

const struct device_table *devices; /* fixed once the kernel is up */

void device_register(struct device_table *table)
{
    const struct device_table **end = &devices;

    while (*end)
        end = (const struct device_table **)&(*end)->next;
    *end = table;
}

static struct device_major *majors; /* fixed, too */

void device_register_major(struct device_major *m)
{
    m->next = majors;
    majors = m;
}

const struct device *device_of(const struct inode *in)
{
    bool block = S_ISBLK(in->mode);

    if (!S_ISCHR(in->mode) && !block)
        return NULL;
    for (const struct device_table *t = block ? NULL : devices; t; t = t->next)
        for (const struct device *d = t->device; d < t->device + t->n; d++)
            if (d->rdev == in->rdev)
                return d;
    for (const struct device_major *m = majors; m; m = m->next)
        if (in->rdev >> 8 == m->major && block == m->block) {
            const struct device *d = m->find(in->rdev & 255);

            if (d)
                return d;
        }
    return NULL;
}
