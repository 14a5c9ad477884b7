/* cpu.c - /sys/devices/system/cpu: which CPUs there are, how they lie to each other, their caches.
 * A CPU that runs never stops, and there are no others: so none has a file `online`, and all sets of
 * CPUs are the same. */
#include "arch/cpu.h"
#include "arch/topology.h"
#include "sched/sched.h"
#include "sysfs/internal.h"

/* --- sets ------------------------------------------------------------------------- */

int show_cpus_online(struct text *t, UNUSED)
{
    text_cpu_list(t, cpus_online());
    return 0;
}

int show_cpus_map(struct text *t, UNUSED)
{
    text_cpu_map(t, cpus_online());
    return 0;
}

static unsigned cpu_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out, unsigned room)
{
    unsigned n = 0;

    (void)dir;
    for (; from < ncpus && n < room; from++)
        out[n++] = from;
    return n;
}

/* --- topology --------------------------------------------------------------------- */

enum group { OF_CORE, OF_PACKAGE };

static uint64_t group_of(const struct pfs_node *n)
{
    struct topology at;

    topology_ask(&at);
    return topology_group(n->nr, n->entry->value == OF_CORE ? at.core_shift : at.package_shift);
}

static int show_group(struct text *t, const struct pfs_node *n)
{
    text_cpu_map(t, group_of(n));
    return 0;
}

static int show_group_list(struct text *t, const struct pfs_node *n)
{
    text_cpu_list(t, group_of(n));
    return 0;
}

static int show_core_id(struct text *t, const struct pfs_node *n)
{
    struct topology at;

    topology_ask(&at);
    uint32_t in_package = cpus[n->nr].apic_id & ((1u << at.package_shift) - 1);
    text_printf(t, "%u\n", in_package >> at.core_shift);
    return 0;
}

static int show_package_id(struct text *t, const struct pfs_node *n)
{
    struct topology at;

    topology_ask(&at);
    text_printf(t, "%u\n", cpus[n->nr].apic_id >> at.package_shift);
    return 0;
}

/* Does any core have more than one thread? */
static int show_smt_active(struct text *t, UNUSED)
{
    struct topology at;
    bool smt = false;

    topology_ask(&at);
    for (uint32_t cpu = 0; cpu < ncpus; cpu++)
        smt |= topology_group(cpu, at.core_shift) != 1ull << cpu;
    text_printf(t, "%d\n", smt);
    return 0;
}

/* --- caches ----------------------------------------------------------------------- */

enum cache_field { LEVEL, LINE, PARTITIONS, WAYS, SETS, ID };

static int show_cache(struct text *t, const struct pfs_node *n)
{
    struct cache c;
    uint32_t value = 0;

    if (!topology_cache((uint32_t)n->sub, &c))
        return -ENODEV;
    switch (n->entry->value) {
    case LEVEL: value = c.level; break;
    case LINE: value = c.line_bytes; break;
    case PARTITIONS: value = c.partitions; break;
    case WAYS: value = c.ways; break;
    case SETS: value = c.sets; break;
    case ID: value = cpus[n->nr].apic_id >> c.shift; break;
    }
    text_printf(t, "%u\n", value);
    return 0;
}

static int show_cache_size(struct text *t, const struct pfs_node *n)
{
    struct cache c;

    if (!topology_cache((uint32_t)n->sub, &c))
        return -ENODEV;
    text_printf(t, "%luK\n", (uint64_t)c.line_bytes * c.partitions * c.ways * c.sets / 1024);
    return 0;
}

static int show_cache_type(struct text *t, const struct pfs_node *n)
{
    static const char *const name[] = { "", "Data", "Instruction", "Unified" };
    struct cache c;

    if (!topology_cache((uint32_t)n->sub, &c))
        return -ENODEV;
    text_printf(t, "%s\n", name[c.type]);
    return 0;
}

/* value: as a list. */
static int show_cache_cpus(struct text *t, const struct pfs_node *n)
{
    struct cache c;

    if (!topology_cache((uint32_t)n->sub, &c))
        return -ENODEV;
    (n->entry->value ? text_cpu_list : text_cpu_map)(t, topology_group(n->nr, c.shift));
    return 0;
}

static unsigned cache_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out,
                              unsigned room)
{
    struct cache c;
    unsigned n = 0;

    (void)dir;
    for (; n < room && topology_cache(from, &c); from++)
        out[n++] = from;
    return n;
}

/* clang-format off */
static const struct pfs_entry cache_table[] = {
    PFS_FILE("coherency_line_size", 0444, show_cache, .value = LINE),
    PFS_FILE("id", 0444, show_cache, .value = ID),
    PFS_FILE("level", 0444, show_cache, .value = LEVEL),
    PFS_FILE("number_of_sets", 0444, show_cache, .value = SETS),
    PFS_FILE("physical_line_partition", 0444, show_cache, .value = PARTITIONS),
    PFS_FILE("shared_cpu_list", 0444, show_cache_cpus, .value = true),
    PFS_FILE("shared_cpu_map", 0444, show_cache_cpus),
    PFS_FILE("size", 0444, show_cache_size),
    PFS_FILE("type", 0444, show_cache_type),
    PFS_FILE("ways_of_associativity", 0444, show_cache, .value = WAYS),
    PFS_END,
};
/* clang-format on */
static const struct pfs_entry cache_entry = PFS_DIR("", 0755, .children = cache_table);

static int cache_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    struct cache c;

    (void)dir;
    if (!topology_cache(nr, &c))
        return -ENOENT;
    child->entry = &cache_entry;
    child->sub = (int32_t)nr;
    return 0;
}

/* --- the tables ------------------------------------------------------------------- */

/* clang-format off */
static const struct pfs_entry topology_table[] = {
    PFS_FILE("core_cpus", 0444, show_group, .value = OF_CORE),
    PFS_FILE("core_cpus_list", 0444, show_group_list, .value = OF_CORE),
    PFS_FILE("core_id", 0444, show_core_id),
    PFS_FILE("core_siblings", 0444, show_group, .value = OF_PACKAGE),
    PFS_FILE("core_siblings_list", 0444, show_group_list, .value = OF_PACKAGE),
    PFS_FILE("die_cpus", 0444, show_group, .value = OF_PACKAGE),
    PFS_FILE("die_cpus_list", 0444, show_group_list, .value = OF_PACKAGE),
    PFS_NUMBER("die_id", 0444, 0), /* one in a package */
    PFS_FILE("package_cpus", 0444, show_group, .value = OF_PACKAGE),
    PFS_FILE("package_cpus_list", 0444, show_group_list, .value = OF_PACKAGE),
    PFS_FILE("physical_package_id", 0444, show_package_id),
    PFS_FILE("thread_siblings", 0444, show_group, .value = OF_CORE),
    PFS_FILE("thread_siblings_list", 0444, show_group_list, .value = OF_CORE),
    PFS_END,
};

static const struct pfs_entry cpu_table[] = {
    PFS_DIR("cache", 0755, PFS_NUMBERED("index", cache_number, cache_numbers)),
    PFS_SYMLINK("node0", "../../node/node0"),
    PFS_SYMLINK("subsystem", "../../../../bus/cpu"),
    PFS_DIR("topology", 0755, .children = topology_table),
    PFS_END,
};

static const struct pfs_entry smt_table[] = {
    PFS_FILE("active", 0444, show_smt_active),
    PFS_TEXT("control", 0444, "notimplemented\n"),
    PFS_END,
};

const struct pfs_entry sys_cpu_table[] = {
    PFS_TEXT("isolated", 0444, "\n"),
    PFS_NUMBER("kernel_max", 0444, MAX_CPUS - 1),
    PFS_TEXT("offline", 0444, "\n"),
    PFS_FILE("online", 0444, show_cpus_online),
    PFS_FILE("possible", 0444, show_cpus_online),
    PFS_FILE("present", 0444, show_cpus_online),
    PFS_DIR("smt", 0755, .children = smt_table),
    PFS_END,
};
/* clang-format on */

static int numbered(const struct pfs_entry *entry, uint32_t nr, struct pfs_node *child)
{
    if (nr >= ncpus)
        return -ENOENT;
    child->entry = entry;
    child->nr = nr;
    return 0;
}

static int cpu_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry cpu = PFS_DIR("", 0755, .children = cpu_table);

    (void)dir;
    return numbered(&cpu, nr, child);
}

static int node_cpu_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry link = PFS_SYMLINK("", "../../cpu/cpu#");

    (void)dir;
    return numbered(&link, nr, child);
}

static int bus_cpu_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    static const struct pfs_entry link = PFS_SYMLINK("", "../../../devices/system/cpu/cpu#");

    (void)dir;
    return numbered(&link, nr, child);
}

const struct pfs_numbered sys_cpu_members = { "cpu", NULL, cpu_number, cpu_numbers };
const struct pfs_numbered sys_node_cpus = { "cpu", NULL, node_cpu_number, cpu_numbers };
const struct pfs_numbered sys_bus_cpus = { "cpu", NULL, bus_cpu_number, cpu_numbers };
