/* topology.c - how CPUs and caches lie to each other.
 * Sources: Intel's manual, volume 3, "Detecting hardware multi-threading support and topology", and volume 2
 * on CPUID; AMD's manual, volume 3, appendix E.  All CPUs are taken to be alike, so any may be asked. */
#include "arch/topology.h"
#include "arch/msr.h"

#define LEAF_FEATURES 1u
#define LEAF_CACHES   4u
#define LEAF_TOPOLOGY 0xbu
#define AMD_LEAVES    0x80000000u
#define AMD_CORES     0x80000008u
#define AMD_CACHES    0x8000001du

#define LEVEL_END    0u /* types of levels in LEAF_TOPOLOGY */
#define LEVEL_THREAD 1u
#define LEVELS_MAX   8u
#define CACHES_MAX   8u
#define HTT          (1u << 28) /* LEAF_FEATURES, EDX: EBX tells how many IDs a package has */

struct cpuid_regs {
    uint32_t a, b, c, d;
};

static struct cpuid_regs ask(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;

    cpuid(leaf, sub, &r.a, &r.b, &r.c, &r.d);
    return r;
}

static bool has_leaf(uint32_t leaf) { return ask(leaf & AMD_LEAVES, 0).a >= leaf; }

static uint32_t bits_for(uint32_t n) { return n > 1 ? 32u - (uint32_t)__builtin_clz(n - 1) : 0; }

/* The level of threads is the first; the last one's bits are below the package. */
static bool by_levels(struct topology *t)
{
    if (!has_leaf(LEAF_TOPOLOGY) || ask(LEAF_TOPOLOGY, 0).b == 0)
        return false;
    for (uint32_t i = 0; i < LEVELS_MAX; i++) {
        struct cpuid_regs r = ask(LEAF_TOPOLOGY, i);
        uint32_t type = r.c >> 8 & 255;

        if (type == LEVEL_END)
            break;
        if (type == LEVEL_THREAD)
            t->core_shift = r.a & 31;
        t->package_shift = r.a & 31;
    }
    return true;
}

/* Older: counts of IDs, and of cores among them. */
static void by_counts(struct topology *t)
{
    struct cpuid_regs one = ask(LEAF_FEATURES, 0);
    uint32_t cores = 1;

    if (!(one.d & HTT))
        return;
    t->package_shift = bits_for(one.b >> 16 & 255);
    if (has_leaf(LEAF_CACHES) && (ask(LEAF_CACHES, 0).a & 31) != 0)
        cores = (ask(LEAF_CACHES, 0).a >> 26) + 1;
    else if (has_leaf(AMD_CORES))
        cores = (ask(AMD_CORES, 0).c & 255) + 1;
    t->core_shift = t->package_shift - MIN(bits_for(cores), t->package_shift);
}

void topology_ask(struct topology *t)
{
    *t = (struct topology){ 0, 0 };
    if (!by_levels(t))
        by_counts(t);
}

/* Both makers' leaves have the same form. */
bool topology_cache(uint32_t n, struct cache *c)
{
    struct cpuid_regs r = { 0, 0, 0, 0 };

    if (n < CACHES_MAX && has_leaf(LEAF_CACHES) && (ask(LEAF_CACHES, 0).a & 31) != 0)
        r = ask(LEAF_CACHES, n);
    else if (n < CACHES_MAX && has_leaf(AMD_CACHES))
        r = ask(AMD_CACHES, n);
    *c = (struct cache){
        .type = r.a & 31,
        .level = r.a >> 5 & 7,
        .line_bytes = (r.b & 0xfff) + 1,
        .partitions = (r.b >> 12 & 0x3ff) + 1,
        .ways = (r.b >> 22) + 1,
        .sets = r.c + 1,
        .shift = bits_for((r.a >> 14 & 0xfff) + 1),
    };
    return c->type >= 1 && c->type <= 3;
}

uint64_t topology_group(uint32_t cpu, uint32_t shift)
{
    uint64_t group = 0;

    for (uint32_t i = 0; i < ncpus; i++)
        if (cpus[i].apic_id >> shift == cpus[cpu].apic_id >> shift)
            group |= 1ull << i;
    return group;
}
