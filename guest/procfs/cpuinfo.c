/* cpuinfo.c - /proc/cpuinfo. */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/machine.h"
#include "arch/msr.h"
#include "arch/topology.h"
#include "lib/string.h"
#include "procfs/internal.h"

#define TLB_AND_CACHE 0x80000006u /* AMD's: its second level's */
#define ADDRESS_SIZES 0x80000008u

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid ask(uint32_t leaf)
{
    struct cpuid r = { 0, 0, 0, 0 }, highest;
    cpuid(leaf & 0x80000000, 0, &highest.a, &highest.b, &highest.c, &highest.d);
    if (highest.a >= leaf)
        cpuid(leaf, 0, &r.a, &r.b, &r.c, &r.d);
    return r;
}

static void put_name(struct text *t)
{
    struct cpuid zero = ask(0), one = ask(1);
    char vendor[13] = { 0 };
    struct cpuid brand[4] = { { 0, 0, 0, 0 } };
    memcpy(vendor, &zero.b, 4);
    memcpy(vendor + 4, &zero.d, 4);
    memcpy(vendor + 8, &zero.c, 4);
    for (uint32_t i = 0; i < 3; i++)
        brand[i] = ask(0x80000002 + i);
    unsigned family = one.a >> 8 & 15, model = one.a >> 4 & 15;
    if (family == 15)
        family += one.a >> 20 & 255;
    if (family >= 6)
        model |= (one.a >> 16 & 15) << 4;
    text_printf(t,
                "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
                "stepping\t: %u\n",
                vendor, family, model, (char *)brand, one.a & 15);
}

/* Linux's idea of a processor's cache: Intel's largest, the second level elsewhere. */
static uint32_t cache_kb(bool is_intel)
{
    uint32_t kb = ask(TLB_AND_CACHE).c >> 16;
    struct cache c;
    for (uint32_t i = 0; is_intel && topology_cache(i, &c); i++)
        kb = c.line_bytes * c.partitions * c.ways * c.sets / 1024;
    return kb;
}

/* How many CPUs have the same APIC ID as that one above so many bits? */
static uint32_t count_group(unsigned nr, uint32_t shift)
{
    uint32_t n = 0;
    for (uint64_t rest = topology_group(nr, shift); rest != 0; rest &= rest - 1)
        n++;
    return n;
}

static void put_place(struct text *t, unsigned nr)
{
    struct topology at;
    uint32_t id = cpus[nr].apic_id;
    topology_ask(&at);
    uint32_t siblings = count_group(nr, at.package_shift);
    text_printf(t,
                "physical id\t: %u\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
                "apicid\t\t: %u\ninitial apicid\t: %u\n",
                id >> at.package_shift, siblings,
                (id & ((1u << at.package_shift) - 1)) >> at.core_shift,
                siblings / count_group(nr, at.core_shift), id, id);
}

static void put_cpu(struct text *t, unsigned nr)
{
    struct cpuid one = ask(1), tlb = ask(TLB_AND_CACHE), sizes = ask(ADDRESS_SIZES);
    uint32_t level = ask(0).a, line = (one.b >> 8 & 255) * 8;
    bool is_intel = ask(0).c == 0x6c65746e; /* "ntel" */
    text_printf(t, "processor\t: %u\n", nr);
    put_name(t);
    text_printf(t, "cpu MHz\t\t: %lu.%03lu\ncache size\t: %u KB\n", tsc_khz / 1000, tsc_khz % 1000,
                cache_kb(is_intel));
    put_place(t, nr);
    text_printf(t, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", level);
    put_cpu_flags(t);
    text_printf(t, "bugs\t\t:\nbogomips\t: %lu.%02lu\n", tsc_khz / 500, tsc_khz / 5 % 100);
    if (!is_intel && tlb.b != 0)
        text_printf(t, "TLB size\t: %u 4K pages\n", (tlb.b >> 16 & 0xfff) + (tlb.b & 0xfff));
    text_printf(t,
                "clflush size\t: %u\ncache_alignment\t: %u\n"
                "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
                line, line, sizes.a & 255, sizes.a >> 8 & 255);
}

int show_cpuinfo(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    for (unsigned i = 0; i < ncpus; i++)
        put_cpu(t, i);
    return 0;
}
