/* system.c - the files of /proc that are about the whole system, and its
 * root directory.  Only lines whose value the kernel knows are there. */
#include "arch/clock.h"
#include "arch/pvh.h"
#include "arch/uart.h"
#include "fs/mount.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kmap.h"
#include "proc/uts.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "procfs/internal.h"
#include "sched/load.h"
#include "sched/times.h"

#define UNUSED    const struct proc_node *n __attribute__((unused))
#define U(x)      ((unsigned long long)(x))
#define KB(pages) (U(pages) << (PAGE_SHIFT - 10))

/* SUnreclaim is exact: objects in use, whatever pages they keep from being freed.  So
 * MemTotal - MemFree - KReclaimable is what is in use, to the KiB. */
static int show_meminfo(struct text *t, UNUSED)
{
    struct frame_counts c;
    uint64_t files = mounted_pages(); /* as on Linux, those of a tmpfs are cached and shared */
    uint64_t heap, in_use, stacks, kept;

    frame_count(&c);
    heap_count(&heap, &in_use);
    kstack_count(&stacks, &kept);
    in_use = (in_use + 1023) / 1024;
    stacks *= KSTACK_BYTES / PAGE_SIZE;
    kept *= KSTACK_BYTES / PAGE_SIZE;
    const struct {
        const char *name;
        uint64_t kib;
    } line[] = {
        { "MemTotal:", KB(c.total) },
        { "MemFree:", KB(c.free) },
        { "MemAvailable:", KB(c.free) },
        { "Buffers:", 0 },
        { "Cached:", KB(files) },
        { "SwapCached:", 0 },
        { "SwapTotal:", 0 },
        { "SwapFree:", 0 },
        { "Dirty:", 0 },
        { "Writeback:", 0 },
        { "Shmem:", KB(files) },
        { "KReclaimable:", KB(heap + kept) - in_use },
        { "Slab:", KB(heap) },
        { "SReclaimable:", KB(heap) - in_use },
        { "SUnreclaim:", in_use },
        { "KernelStack:", KB(stacks - kept) },
        { "PageTables:", KB(c.tables_used) },
    };
    for (size_t i = 0; i < ARRAY_SIZE(line); i++)
        text_printf(t, "%-15s %8llu kB\n", line[i].name, U(line[i].kib));
    return 0;
}

/* --- CPU time ------------------------------------------------------------ */

struct load {
    unsigned running, blocked; /* tasks */
    uint64_t user[MAX_CPUS];   /* of what runs on a CPU, not booked there yet */
};

static void measure(struct load *l)
{
    struct process *p;
    struct task *t;
    memset(l, 0, offsetof(struct load, user) + ncpus * sizeof l->user[0]);
    spin_lock(&tree_lock);
    list_for_each(p, &all_processes, all_link) {
        list_for_each(t, &p->threads, thread_link) {
            l->user[MIN(t->cpu, ncpus - 1)] += task_user_unbooked(t);
            char letter = proc_state_letter(t->rec);
            l->running += letter == 'R';
            l->blocked += letter == 'D';
        }
    }
    spin_unlock(&tree_lock);
}

struct cpu_time {
    uint64_t user, sys, idle;
};

/* What a CPU neither idles nor spends in user mode is system time. */
static struct cpu_time time_of(const struct load *l, unsigned cpu)
{
    struct cpu_time c;
    cpu_times(cpu, &c.user, &c.idle);
    c.user += l->user[cpu];
    uint64_t now = clock_mono_ns(), busy = now - MIN(c.idle, now);
    c.user = MIN(c.user, busy);
    c.sys = busy - c.user;
    return c;
}

static void put_cpu_time(struct text *t, struct cpu_time c)
{
    text_printf(t, " %llu 0 %llu %llu 0 0 0 0 0 0\n", U(c.user / CLOCK_TICK_NS),
                U(c.sys / CLOCK_TICK_NS), U(c.idle / CLOCK_TICK_NS));
}

/* So many since boot, on all CPUs: of the UART, or of the timers. */
static uint64_t interrupts(bool timer)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < ncpus; i++)
        n += timer ? cpus[i].timer_irqs : cpus[i].uart_irqs;
    return n;
}

static int show_system_stat(struct text *t, UNUSED)
{
    struct load l;
    struct cpu_time one, all = { 0, 0, 0 };
    uint64_t switches = 0;
    measure(&l);
    for (unsigned i = 0; i < ncpus; i++) {
        one = time_of(&l, i);
        all.user += one.user;
        all.sys += one.sys;
        all.idle += one.idle;
        switches += cpus[i].switches;
    }
    text_printf(t, "cpu ");
    put_cpu_time(t, all);
    for (unsigned i = 0; i < ncpus; i++) {
        text_printf(t, "cpu%u", i);
        put_cpu_time(t, time_of(&l, i));
    }
    spin_lock(&tree_lock);
    uint64_t made = pid_given();
    spin_unlock(&tree_lock);
    text_printf(t, "intr %llu", U(interrupts(false) + interrupts(true)));
    for (unsigned pin = 0; pin <= UART_PIN; pin++)
        text_printf(t, " %llu", pin == UART_PIN ? U(interrupts(false)) : 0ull);
    text_printf(t, "\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked %u\n",
                U(switches), U((clock_real_ns() - clock_mono_ns()) / NSEC_PER_SEC), U(made),
                l.running, l.blocked);
    return 0;
}

static int show_interrupts(struct text *t, UNUSED)
{
    text_printf(t, "    ");
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(t, "       CPU%-3u", i);
    text_printf(t, "\n%3u:", UART_PIN);
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(t, " %10llu", U(cpus[i].uart_irqs));
    text_printf(t, "   IO-APIC   %u-edge      ttyS0\nLOC:", UART_PIN);
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(t, " %10llu", U(cpus[i].timer_irqs));
    text_printf(t, "   Local timer interrupts\n");
    return 0;
}

static int show_uptime(struct text *t, UNUSED)
{
    uint64_t up = clock_mono_ns() / CLOCK_TICK_NS, idle = sched_uptime_idle_ns() / CLOCK_TICK_NS;
    text_printf(t, "%llu.%02llu %llu.%02llu\n", U(up / 100), U(up % 100), U(idle / 100),
                U(idle % 100));
    return 0;
}

static int show_loadavg(struct text *t, UNUSED)
{
    struct load l;
    measure(&l);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t load = sched_loadavg(i) + 0x10000 / 200; /* rounded to hundredths */
        text_printf(t, "%llu.%02llu ", U(load >> 16), U(((load & 0xffff) * 100) >> 16));
    }
    spin_lock(&tree_lock);
    uint32_t threads = nthreads_total, last = pid_last();
    spin_unlock(&tree_lock);
    text_printf(t, "%u/%u %u\n", l.running, threads, last);
    return 0;
}

/* --- what it is ---------------------------------------------------------- */

static int show_version(struct text *t, UNUSED)
{
    struct new_utsname u;
    uts_get(&u);
    text_printf(t, "%s version %s (%s) %s\n", u.sysname, u.release, __VERSION__, u.version);
    return 0;
}

static int show_cmdline(struct text *t, UNUSED)
{
    text_put(t, boot_info.cmdline, strlen(boot_info.cmdline));
    text_put(t, "\n", 1);
    return 0;
}

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
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
    struct cpuid one = cpuid(1, 0);
    uint32_t word[3] = { one.d, one.c, cpuid(0, 0).a >= 7 ? cpuid(7, 0).b : 0 };
    text_printf(t, "flags\t\t:");
    for (unsigned w = 0; w < 3; w++)
        for (unsigned bit = 0; bit < 32; bit++)
            if ((word[w] >> bit & 1) && feature_names[w][bit])
                text_printf(t, " %s", feature_names[w][bit]);
    text_printf(t, "%s lm\n", cpu_has.nx ? " nx" : "");
}

static void put_cpu(struct text *t, unsigned nr)
{
    struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0);
    char vendor[13] = { 0 };
    struct cpuid brand[4] = { { 0, 0, 0, 0 } };
    memcpy(vendor, &zero.b, 4);
    memcpy(vendor + 4, &zero.d, 4);
    memcpy(vendor + 8, &zero.c, 4);
    if (cpuid(0x80000000, 0).a >= 0x80000004)
        for (uint32_t i = 0; i < 3; i++)
            brand[i] = cpuid(0x80000002 + i, 0);
    unsigned family = one.a >> 8 & 15, model = one.a >> 4 & 15;
    if (family == 15)
        family += one.a >> 20 & 255;
    if (family >= 6)
        model |= (one.a >> 16 & 15) << 4;
    text_printf(t,
                "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                "model name\t: %s\n"
                "stepping\t: %u\ncpu MHz\t\t: %llu.%03llu\n",
                nr, vendor, family, model, (char *)brand, one.a & 15, U(tsc_khz / 1000),
                U(tsc_khz % 1000));
    put_features(t);
    text_printf(t, "bogomips\t: %llu.%02llu\nclflush size\t: %u\n\n", U(tsc_khz / 500),
                U(tsc_khz / 5 % 100), (one.b >> 8 & 255) * 8);
}

static int show_cpuinfo(struct text *t, UNUSED)
{
    for (unsigned i = 0; i < ncpus; i++)
        put_cpu(t, i);
    return 0;
}

static int show_filesystems(struct text *t, UNUSED)
{
    text_printf(t, "nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\nnodev\tpipefs\n");
    return 0;
}

static int show_devices(struct text *t, UNUSED)
{
    text_printf(t, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n\n"
                   "Block devices:\n");
    return 0;
}

static int show_partitions(struct text *t, UNUSED)
{
    text_printf(t, "major minor  #blocks  name\n\n");
    return 0;
}

static int show_swaps(struct text *t, UNUSED)
{
    text_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

static int show_vmstat(struct text *t, UNUSED)
{
    struct frame_counts c;
    uint64_t faults = 0;
    frame_count(&c);
    for (unsigned i = 0; i < ncpus; i++)
        faults += cpus[i].faults;
    text_printf(t,
                "nr_free_pages %llu\nnr_page_table_pages %llu\nnr_shmem %llu\n"
                "pgfault %llu\npgmajfault 0\n",
                U(c.free), U(c.tables_used), U(mounted_pages()), U(faults));
    return 0;
}

/* --- the root directory -------------------------------------------------- */

static long readlink_self(const struct proc_node *n __attribute__((unused)), char *buf, size_t room)
{
    char text[12];
    size_t len = (size_t)ksnprintf(text, sizeof text, "%u", current->proc->tgid);
    memcpy(buf, text, MIN(len, room));
    return (long)MIN(len, room);
}

static long readlink_thread_self(const struct proc_node *n __attribute__((unused)), char *buf,
                                 size_t room)
{
    char text[32];
    size_t len =
        (size_t)ksnprintf(text, sizeof text, "%u/task/%u", current->proc->tgid, current->tid);
    memcpy(buf, text, MIN(len, room));
    return (long)MIN(len, room);
}

#if LOCKS
/* Times in TSC ticks. */
static int show_lock_stat(struct text *t, UNUSED)
{
    struct lock_stat s;
    text_printf(t, "%-12s %12s %10s %14s %14s\n", "class", "taken", "waited", "wait-total",
                "wait-max");
    for (unsigned i = LOCK_NONE + 1; i < LOCK_END; i++) {
        lock_stat_get(i, &s);
        text_printf(t, "%-12s %12llu %10llu %14llu %14llu\n", lock_class_name(i), U(s.taken),
                    U(s.waited), U(s.wait_tsc), U(s.wait_max_tsc));
    }
    return 0;
}
#endif

static long readlink_mounts(const struct proc_node *n __attribute__((unused)), char *buf,
                            size_t room)
{
    static const char to[] = "self/mounts";
    size_t len = MIN(sizeof to - 1, room);
    memcpy(buf, to, len);
    return (long)len;
}

static const struct proc_entry root_table[] = {
    PROC_FILE("cmdline", 0444, show_cmdline),
    PROC_FILE("cpuinfo", 0444, show_cpuinfo),
    PROC_FILE("devices", 0444, show_devices),
    PROC_FILE("filesystems", 0444, show_filesystems),
    PROC_DIR("forkscope", proc_forkscope_table),
    PROC_FILE("interrupts", 0444, show_interrupts),
    PROC_FILE("loadavg", 0444, show_loadavg),
#if LOCKS
    PROC_FILE("lock_stat", 0444, show_lock_stat),
#endif
    PROC_FILE("meminfo", 0444, show_meminfo),
    { .name = "mounts", .mode = S_IFLNK | 0777, .readlink = readlink_mounts },
    PROC_FILE("partitions", 0444, show_partitions),
    { .name = "self", .mode = S_IFLNK | 0777, .readlink = readlink_self },
    PROC_FILE("stat", 0444, show_system_stat),
    PROC_FILE("swaps", 0444, show_swaps),
    PROC_DIR("sys", proc_sys_table),
    { .name = "thread-self", .mode = S_IFLNK | 0777, .readlink = readlink_thread_self },
    PROC_FILE("uptime", 0444, show_uptime),
    PROC_FILE("version", 0444, show_version),
    PROC_FILE("vmstat", 0444, show_vmstat),
    { .name = NULL },
};

const struct proc_entry proc_root_entry = {
    .name = "",
    .mode = S_IFDIR | 0555,
    .children = root_table,
    .number = proc_pid_number,
    .numbers = proc_pids,
};
