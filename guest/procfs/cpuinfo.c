/* cpuinfo.c - /proc/cpuinfo. */
#include "arch/msr.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/machine.h"
#include "lib/string.h"
#include "procfs/internal.h"

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid ask(uint32_t leaf)
{
    struct cpuid r;
    cpuid(leaf, 0, &r.a, &r.b, &r.c, &r.d);
    return r;
}

/* Linux's names of the bits of CPUID leaf 1, EDX then ECX, and 7, EBX. */
static const char *const feature_names[3][32] = {
    { "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
      "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
      "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe" },
    { "pni",    "pclmulqdq", "dtes64",  "monitor", "ds_cpl",
      "vmx",    "smx",       "est",     "tm2",     "ssse3",
      "cid",    "sdbg",      "fma",     "cx16",    "xtpr",
      "pdcm",   NULL,        "pcid",    "dca",     "sse4_1",
      "sse4_2", "x2apic",    "movbe",   "popcnt",  "tsc_deadline_timer",
      "aes",    "xsave",     "osxsave", "avx",     "f16c",
      "rdrand", "hypervisor" },
    { "fsgsbase",   "tsc_adjust", "sgx",        "bmi1",     "hle",      "avx2",     NULL,
      "smep",       "bmi2",       "erms",       "invpcid",  "rtm",      "cqm",      "mpx",
      "rdt_a",      NULL,         "avx512f",    "avx512dq", "rdseed",   "adx",      "smap",
      "avx512ifma", NULL,         "clflushopt", "clwb",     "intel_pt", "avx512pf", "avx512er",
      "avx512cd",   "sha_ni",     "avx512bw",   "avx512vl" },
};

static void put_features(struct text *t)
{
    struct cpuid one = ask(1);
    uint32_t word[3] = { one.d, one.c, ask(0).a >= 7 ? ask(7).b : 0 };
    text_printf(t, "flags\t\t:");
    for (unsigned w = 0; w < 3; w++)
        for (unsigned bit = 0; bit < 32; bit++)
            if ((word[w] >> bit & 1) && feature_names[w][bit])
                text_printf(t, " %s", feature_names[w][bit]);
    text_printf(t, "%s lm\n", cpu_has.nx ? " nx" : "");
}

static void put_cpu(struct text *t, unsigned nr)
{
    struct cpuid zero = ask(0), one = ask(1);
    char vendor[13] = { 0 };
    struct cpuid brand[4] = { { 0, 0, 0, 0 } };
    memcpy(vendor, &zero.b, 4);
    memcpy(vendor + 4, &zero.d, 4);
    memcpy(vendor + 8, &zero.c, 4);
    if (ask(0x80000000).a >= 0x80000004)
        for (uint32_t i = 0; i < 3; i++)
            brand[i] = ask(0x80000002 + i);
    unsigned family = one.a >> 8 & 15, model = one.a >> 4 & 15;
    if (family == 15)
        family += one.a >> 20 & 255;
    if (family >= 6)
        model |= (one.a >> 16 & 15) << 4;
    text_printf(t,
                "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                "model name\t: %s\n"
                "stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n",
                nr, vendor, family, model, (char *)brand, one.a & 15, tsc_khz / 1000,
                tsc_khz % 1000);
    put_features(t);
    text_printf(t, "bogomips\t: %lu.%02lu\nclflush size\t: %u\n\n", tsc_khz / 500,
                tsc_khz / 5 % 100, (one.b >> 8 & 255) * 8);
}

int show_cpuinfo(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    for (unsigned i = 0; i < ncpus; i++)
        put_cpu(t, i);
    return 0;
}
