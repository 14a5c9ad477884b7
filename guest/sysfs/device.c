/* device.c - the devices that have registered (fs/device.h), by their class: /sys/devices/virtual/mem and
 * tty, platform/serial8250/tty, and the links to them in /sys/class and /sys/dev/char.
 * A node's number is the device's.  Nobody listens for events about devices. */
#include "fs/device.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sysfs/internal.h"
#include <linux/major.h>

#define MAJOR_OF(rdev) ((rdev) >> 8 & 0xfff)
#define MINOR_OF(rdev) ((rdev)&0xff)
#define CONSOLE        DEV(TTYAUX_MAJOR, 1)

static const struct {
    uint32_t major;
    const char *class, *place; /* below /sys/devices */
} kinds[] = {
    { MEM_MAJOR, "mem", "virtual/mem" },
    { TTY_MAJOR, "tty", "platform/serial8250/tty" },
    { TTYAUX_MAJOR, "tty", "virtual/tty" },
};

/* Its kind; ARRAY_SIZE(kinds): it has none. */
static unsigned kind_of(uint32_t rdev)
{
    unsigned i = 0;

    while (i < ARRAY_SIZE(kinds) && kinds[i].major != MAJOR_OF(rdev))
        i++;
    return i;
}

static const struct device *device_numbered(uint32_t rdev)
{
    for (const struct device_table *t = devices; t; t = t->next)
        for (unsigned i = 0; i < t->n; i++)
            if (t->device[i].rdev == rdev)
                return &t->device[i];
    return NULL;
}

/* --- which are in a directory ----------------------------------------------------- */

/* By what it is the directory of: its entry's value, a place, or ... */
enum { EVERY = 16, CLASS_OF_FIRST };

static bool belongs(const struct pfs_node *dir, uint32_t rdev)
{
    unsigned kind = kind_of(rdev);
    uint64_t which = dir->entry->value;

    if (kind == ARRAY_SIZE(kinds))
        return false;
    if (which < EVERY)
        return kind == which;
    return which == EVERY || strcmp(kinds[kind].class, kinds[which - CLASS_OF_FIRST].class) == 0;
}

/* The lowest number from `from` on that belongs there. */
static const struct device *next_device(const struct pfs_node *dir, uint32_t from)
{
    const struct device *best = NULL;

    for (const struct device_table *t = devices; t; t = t->next)
        for (const struct device *d = t->device; d < t->device + t->n; d++)
            if (d->rdev >= from && (!best || d->rdev < best->rdev) && belongs(dir, d->rdev))
                best = d;
    return best;
}

static unsigned device_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out,
                               unsigned room)
{
    const struct device *d;
    unsigned n = 0;

    for (; n < room && (d = next_device(dir, from)) != NULL; from = d->rdev + 1)
        out[n++] = d->rdev;
    return n;
}

static void device_name(uint32_t rdev, char name[PFS_NAME_MAX])
{
    strlcpy(name, device_numbered(rdev)->name, PFS_NAME_MAX);
}

static void number_name(uint32_t rdev, char name[PFS_NAME_MAX])
{
    ksnprintf(name, PFS_NAME_MAX, "%u:%u", MAJOR_OF(rdev), MINOR_OF(rdev));
}

/* --- a device --------------------------------------------------------------------- */

static int show_dev(struct text *t, const struct pfs_node *n)
{
    text_printf(t, "%u:%u\n", MAJOR_OF(n->nr), MINOR_OF(n->nr));
    return 0;
}

/* The mode is told where it is for others, too. */
static int show_uevent(struct text *t, const struct pfs_node *n)
{
    const struct device *d = device_numbered(n->nr);

    text_printf(t, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", MAJOR_OF(n->nr), MINOR_OF(n->nr), d->name);
    if (d->mode & 7)
        text_printf(t, "DEVMODE=0%o\n", d->mode & 0777);
    return 0;
}

/* Up from the device's directory, to its class. */
static long link_subsystem(const struct pfs_node *n, char *buf, size_t room)
{
    unsigned kind = kind_of(n->nr);
    const char *up = "../../../..";

    for (const char *p = kinds[kind].place; *p; p++)
        if (*p == '/' && strchr(p + 1, '/'))
            up = "../../../../..";
    return ksnprintf(buf, room, "%s/class/%s", up, kinds[kind].class);
}

static long link_device(const struct pfs_node *n, char *buf, size_t room)
{
    return ksnprintf(buf, room, "../../devices/%s/%s", kinds[kind_of(n->nr)].place,
                     device_numbered(n->nr)->name);
}

/* clang-format off */
#define OF_EACH \
    PFS_FILE("dev", 0444, show_dev), \
    PFS_LINK("subsystem", link_subsystem), \
    PFS_FILE("uevent", 0444, show_uevent)

static const struct pfs_entry device_table[] = { OF_EACH, PFS_END };
static const struct pfs_entry console_table[] = {
    PFS_TEXT("active", 0444, "ttyS0\n"),
    OF_EACH,
    PFS_END,
};
/* clang-format on */

static int device_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry device = PFS_DIR("", 0755, .children = device_table);
    static const struct pfs_entry console = PFS_DIR("", 0755, .children = console_table);

    (void)dir;
    child->entry = nr == CONSOLE ? &console : &device;
    child->nr = nr;
    return 0;
}

static int link_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry link = PFS_LINK("", link_device);

    (void)dir;
    child->entry = &link;
    child->nr = nr;
    return 0;
}

/* --- the tables ------------------------------------------------------------------- */

/* clang-format off */
#define DEVICES(name, kind) \
    PFS_DIR(name, 0755, PFS_NAMED(device_name, device_number, device_numbers), .value = kind)
#define CLASS(name, kind) \
    PFS_DIR(name, 0755, PFS_NAMED(device_name, link_number, device_numbers), .value = CLASS_OF_FIRST + (kind))

static const struct pfs_entry net_table[] = {
    PFS_DIR("lo", 0755, .children = sys_net_lo_table),
    PFS_END,
};
const struct pfs_entry sys_virtual_table[] = {
    PFS_DIR("block", 0755, .numbered = &sys_disks),
    DEVICES("mem", 0),
    PFS_DIR("net", 0755, .children = net_table),
    DEVICES("tty", 2),
    PFS_END,
};
const struct pfs_entry sys_serial_table[] = {
    DEVICES("tty", 1),
    PFS_END,
};

static const struct pfs_entry class_net_table[] = {
    PFS_SYMLINK("lo", "../../devices/virtual/net/lo"),
    PFS_END,
};
const struct pfs_entry sys_class_table[] = {
    PFS_DIR("block", 0755, .numbered = &sys_disks, .value = 2),
    CLASS("mem", 0),
    PFS_DIR("net", 0755, .children = class_net_table),
    CLASS("tty", 1),
    PFS_END,
};
const struct pfs_entry sys_dev_table[] = {
    PFS_DIR("block", 0755, .numbered = &sys_disks_by_number, .value = 2),
    PFS_DIR("char", 0755, PFS_NAMED(number_name, link_number, device_numbers), .value = EVERY),
    PFS_END,
};
/* clang-format on */
