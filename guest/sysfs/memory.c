/* memory.c - /sys/devices/system/node and memory: the one node, which has all CPUs and all memory, and the
 * blocks of physical addresses where memory is.  None of them comes or goes. */
#include "arch/pvh.h"
#include "pseudofs/memory.h"
#include "sysfs/internal.h"

#define BLOCK_SHIFT 27u /* 128 MiB, as on Linux of that size */
_Static_assert(1u << BLOCK_SHIFT == 0x8000000, "block_size_bytes says so");

/* --- the node --------------------------------------------------------------------- */

static int show_node_memory(struct text *t, UNUSED)
{
    struct memory_use m;

    memory_use_ask(&m);
    const struct text_row row[] = {
        { "MemTotal:", m.total },
        { "MemFree:", m.free },
        { "MemUsed:", m.total - m.free },
        { "SwapCached:", 0 },
        { "Dirty:", 0 },
        { "Writeback:", 0 },
        { "FilePages:", m.files },
        { "Shmem:", m.files },
        { "KernelStack:", m.stacks },
        { "PageTables:", m.tables },
        { "KReclaimable:", m.reclaimable },
        { "Slab:", m.slab },
        { "SReclaimable:", m.slab_reclaimable },
        { "SUnreclaim:", m.slab_used },
        { "AnonHugePages:", m.huge },
    };
    text_sizes(t, "Node 0 ", row, ARRAY_SIZE(row));
    return 0;
}

/* clang-format off */
static const struct pfs_entry node0_table[] = {
    PFS_FILE("cpulist", 0444, show_cpus_online),
    PFS_FILE("cpumap", 0444, show_cpus_map),
    PFS_TEXT("distance", 0444, "10\n"), /* to itself */
    PFS_FILE("meminfo", 0444, show_node_memory),
    PFS_SYMLINK("subsystem", "../../../../bus/node"),
    PFS_END,
};

#define NODES(name) PFS_TEXT(name, 0444, "0\n")
const struct pfs_entry sys_node_table[] = {
    NODES("has_cpu"),
    NODES("has_memory"),
    NODES("has_normal_memory"),
    PFS_DIR("node0", 0755, .children = node0_table, .numbered = &sys_node_cpus),
    NODES("online"),
    NODES("possible"),
    PFS_END,
};
/* clang-format on */

/* --- blocks ----------------------------------------------------------------------- */

static bool has_memory(uint64_t block)
{
    for (unsigned i = 0; i < boot_info.nregions; i++) {
        const struct ram_region *r = &boot_info.region[i];
        if (r->end > r->start && block >= r->start >> BLOCK_SHIFT &&
            block <= (r->end - 1) >> BLOCK_SHIFT)
            return true;
    }
    return false;
}

static unsigned memory_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out,
                               unsigned room)
{
    const struct boot_info *b = &boot_info;
    uint64_t end = b->nregions ? (b->region[b->nregions - 1].end - 1) >> BLOCK_SHIFT : 0;
    unsigned n = 0;

    (void)dir;
    for (uint64_t block = from; block <= end && n < room; block++)
        if (has_memory(block))
            out[n++] = (uint32_t)block;
    return n;
}

static int show_index(struct text *t, const struct pfs_node *n)
{
    text_printf(t, "%08x\n", n->nr);
    return 0;
}

/* clang-format off */
static const struct pfs_entry block_table[] = {
    PFS_SYMLINK("node0", "../../node/node0"),
    PFS_NUMBER("phys_device", 0444, 0),
    PFS_FILE("phys_index", 0444, show_index),
    PFS_NUMBER("removable", 0444, 0),
    PFS_TEXT("state", 0444, "online\n"),
    PFS_SYMLINK("subsystem", "../../../../bus/memory"),
    PFS_TEXT("valid_zones", 0444, "none\n"), /* to move it to */
    PFS_END,
};

const struct pfs_entry sys_memory_table[] = {
    PFS_TEXT("auto_online_blocks", 0444, "offline\n"),
    PFS_TEXT("block_size_bytes", 0444, "8000000\n"),
    PFS_END,
};
/* clang-format on */

static int numbered(const struct pfs_entry *entry, uint32_t nr, struct pfs_node *child)
{
    if (!has_memory(nr))
        return -ENOENT;
    child->entry = entry;
    child->nr = nr;
    return 0;
}

static int memory_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry block = PFS_DIR("", 0755, .children = block_table);

    (void)dir;
    return numbered(&block, nr, child);
}

static int bus_memory_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry link = PFS_SYMLINK("", "../../../devices/system/memory/memory#");

    (void)dir;
    return numbered(&link, nr, child);
}

const struct pfs_numbered sys_memory_members = { "memory", NULL, memory_number, memory_numbers };
const struct pfs_numbered sys_bus_memory = { "memory", NULL, bus_memory_number, memory_numbers };
