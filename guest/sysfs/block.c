/* block.c - /sys/devices/virtual/block, and the links to it: the loop devices, which are all the disks
 * there are.  A directory's nr is the device's number; its "loop" is there while a file is behind the
 * device.  What counts requests is left out: there are none, a read of the device is one of the file. */
#include "arch/layout.h"
#include "fs/file.h"
#include "fs/loop.h"
#include "fs/path_name.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sysfs/internal.h"
#include <linux/loop.h>
#include <linux/major.h>

enum { SIZE, READ_ONLY, READ_AHEAD, BLOCK, PARTSCAN, OFFSET, LIMIT, AUTOCLEAR, DIO };

static uint64_t value_of(const struct loop_view *v, uint64_t what)
{
    switch (what) {
    case SIZE: return v->size / 512;
    case READ_ONLY: return v->readonly;
    case READ_AHEAD: return v->read_ahead / 2;
    case BLOCK: return v->block;
    case OFFSET: return v->offset;
    case LIMIT: return v->limit;
    case AUTOCLEAR: return (v->flags & LO_FLAGS_AUTOCLEAR) != 0;
    case PARTSCAN: return (v->flags & LO_FLAGS_PARTSCAN) != 0;
    default: return (v->flags & LO_FLAGS_DIRECT_IO) != 0;
    }
}

static int show_what(struct text *t, const struct pfs_node *n)
{
    struct loop_view v;
    bool bound = loop_view(n->nr, &v, NULL);

    if (n->entry->value >= OFFSET && !bound)
        return -ENODEV;
    text_printf(t, "%lu\n", value_of(&v, n->entry->value));
    return 0;
}

static int show_behind(struct text *t, const struct pfs_node *n)
{
    struct loop_view v;
    struct file *f;

    if (!loop_view(n->nr, &v, &f))
        return -ENODEV;
    char *page = text_page(t);
    const char *name = page ? file_name(f, page, PAGE_SIZE) : NULL;
    if (name)
        text_printf(t, "%s\n", name);
    kfree(page);
    file_put(f);
    return page ? 0 : -ENOMEM;
}

static int show_number(struct text *t, const struct pfs_node *n)
{
    text_printf(t, "%u:%u\n", LOOP_MAJOR, n->nr);
    return 0;
}

static int show_event(struct text *t, const struct pfs_node *n)
{
    text_printf(t, "MAJOR=%u\nMINOR=%u\nDEVNAME=loop%u\nDEVTYPE=disk\n", LOOP_MAJOR, n->nr, n->nr);
    return 0;
}

/* clang-format off */
#define WHAT(name, v) PFS_FILE(name, 0444, show_what, .value = v)

static const struct pfs_entry loop_table[] = {
    WHAT("autoclear", AUTOCLEAR),
    PFS_FILE("backing_file", 0444, show_behind),
    WHAT("dio", DIO),
    WHAT("offset", OFFSET),
    WHAT("partscan", PARTSCAN),
    WHAT("sizelimit", LIMIT),
    PFS_END,
};
static const struct pfs_entry queue_table[] = {
    WHAT("hw_sector_size", BLOCK),
    WHAT("logical_block_size", BLOCK),
    WHAT("minimum_io_size", BLOCK),
    PFS_NUMBER("optimal_io_size", 0444, 0),
    WHAT("physical_block_size", BLOCK),
    WHAT("read_ahead_kb", READ_AHEAD),
    PFS_NUMBER("rotational", 0444, 0),
    PFS_END,
};
static const struct pfs_entry disk_table[] = {
    PFS_NUMBER("alignment_offset", 0444, 0),
    PFS_NUMBER("capability", 0444, 0),
    PFS_FILE("dev", 0444, show_number),
    PFS_NUMBER("discard_alignment", 0444, 0),
    PFS_NUMBER("ext_range", 0444, 256),
    PFS_NUMBER("hidden", 0444, 0),
    PFS_DIR("holders", 0755),
    WHAT("partscan", PARTSCAN),
    PFS_DIR("queue", 0755, .children = queue_table),
    PFS_NUMBER("range", 0444, 1),
    PFS_NUMBER("removable", 0444, 0),
    WHAT("ro", READ_ONLY),
    WHAT("size", SIZE),
    PFS_DIR("slaves", 0755),
    PFS_SYMLINK("subsystem", "../../../../class/block"),
    PFS_FILE("uevent", 0444, show_event),
    PFS_END,
};
/* clang-format on */

static int find_bound(const struct pfs_node *dir, const char *name, size_t len,
                      struct pfs_node *child)
{
    static const struct pfs_entry loop = PFS_DIR("loop", 0755, .children = loop_table);
    struct loop_view v;

    if (len != 4 || memcmp(name, "loop", 4) != 0 || !loop_view(dir->nr, &v, NULL))
        return -ENOENT;
    child->entry = &loop;
    child->sub = 1; /* as it may go */
    return 0;
}

static bool next_bound(const struct pfs_node *dir, uint64_t *place, char name[PFS_NAME_MAX],
                       struct pfs_node *child)
{
    strlcpy(name, "loop", PFS_NAME_MAX);
    return (*place)++ == 0 && find_bound(dir, name, 4, child) == 0;
}

static const struct pfs_named bound = { find_bound, next_bound };

static int disk_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry disk =
        PFS_ENTRY("", S_IFDIR | 0755, PFS_IS_DIR, .children = disk_table, .named = &bound,
                  .flags = PFS_IS_NAMED);
    static const struct pfs_entry links[] = {
        PFS_SYMLINK("", "../devices/virtual/block/loop#"),
        PFS_SYMLINK("", "../../devices/virtual/block/loop#"),
    };

    if (nr >= LOOP_DEVICES)
        return -ENOENT;
    child->entry = dir->entry->value == 0 ? &disk : &links[dir->entry->value - 1];
    child->nr = nr;
    return 0;
}

static unsigned disk_numbers(const struct pfs_node *dir __attribute__((unused)), uint32_t from,
                             uint32_t *out, unsigned room)
{
    unsigned n = 0;

    for (; from < LOOP_DEVICES && n < room; from++)
        out[n++] = from;
    return n;
}

static void number_name(uint32_t nr, char name[PFS_NAME_MAX])
{
    ksnprintf(name, PFS_NAME_MAX, "%u:%u", LOOP_MAJOR, nr);
}

const struct pfs_numbered sys_disks = { "loop", NULL, disk_number, disk_numbers };
const struct pfs_numbered sys_disks_by_number = { NULL, number_name, disk_number, disk_numbers };
