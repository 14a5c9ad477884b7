/* cpu_flags.c - what the processor can do, by Linux's names: the flags of /proc/cpuinfo. */
#include "arch/cpu.h"
#include "arch/msr.h"
#include "procfs/internal.h"

enum reg { A, B, C, D };

struct leaf {
    uint32_t number, sub;
    enum reg reg;
    const char *names[32]; /* by bit; NULL: it has no name, or tells what the kernel has set */
};

/* In Linux's order. */
/* clang-format off */
static const struct leaf leaves[] = {
    { 1, 0, D,
      { "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8", "apic", NULL,
        "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL, "dts",
        "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64", "pbe" } },
    { 0x80000001, 0, D,
      { [11] = "syscall", [19] = "mp", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
        [26] = "pdpe1gb", "rdtscp", [29] = "lm", "3dnowext", "3dnow" } },
    { 0x80000007, 0, D, { [8] = "constant_tsc nonstop_tsc" } },
    { 1, 0, C,
      { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3",
        "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2",
        "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c",
        "rdrand", "hypervisor" } },
    { 0x80000001, 0, C,
      { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse",
        "3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", [15] = "lwp", "fma4", "tce",
        [19] = "nodeid_msr", [21] = "tbm", "topoext", "perfctr_core", "perfctr_nb",
        [26] = "bpext", "ptsc", "perfctr_llc", "mwaitx" } },
    { 7, 0, B,
      { "fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms",
        "invpcid", "rtm", "cqm", "mpx", "rdt_a", NULL, "avx512f", "avx512dq", "rdseed",
        "adx", "smap", "avx512ifma", NULL, "clflushopt", "clwb", "intel_pt", "avx512pf",
        "avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl" } },
    { 0xd, 1, A, { "xsaveopt", "xsavec", "xgetbv1", "xsaves" } },
    { 7, 1, A, { [4] = "avx_vnni", "avx512_bf16" } },
    { 0x80000008, 0, B, { "clzero", [2] = "xsaveerptr" } },
    { 7, 0, C,
      { [1] = "avx512vbmi", "umip", "pku", "ospke", "waitpkg", "avx512_vbmi2", [8] = "gfni",
        "vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "tme", "avx512_vpopcntdq",
        [16] = "la57", [22] = "rdpid", [24] = "bus_lock_detect", "cldemote", [27] = "movdiri",
        "movdir64b", "enqcmd", "sgx_lc" } },
    { 7, 0, D,
      { [2] = "avx512_4vnniw", "avx512_4fmaps", "fsrm", [8] = "avx512_vp2intersect",
        [10] = "md_clear", [14] = "serialize", [16] = "tsxldtrk", [18] = "pconfig", "arch_lbr",
        "ibt", [22] = "amx_bf16", "avx512_fp16", "amx_tile", "amx_int8", [28] = "flush_l1d",
        "arch_capabilities" } },
};
/* clang-format on */

static bool has_leaf(uint32_t number)
{
    uint32_t r[4];
    cpuid(number & 0x80000000, 0, &r[A], &r[B], &r[C], &r[D]);
    return r[A] >= number;
}

void put_cpu_flags(struct text *t)
{
    text_printf(t, "flags\t\t:");
    for (const struct leaf *l = leaves; l < leaves + ARRAY_SIZE(leaves); l++) {
        uint32_t r[4];
        if (!has_leaf(l->number))
            continue;
        cpuid(l->number, l->sub, &r[A], &r[B], &r[C], &r[D]);
        for (unsigned bit = 0; bit < 32; bit++)
            if ((r[l->reg] >> bit & 1) && l->names[bit] != NULL)
                text_printf(t, " %s", l->names[bit]);
    }
    text_printf(t, "\n");
}
