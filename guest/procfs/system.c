/* system.c - the files of /proc that are about the whole system, and its
 * root directory.  Only lines whose value the kernel knows are there. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/pvh.h"
#include "arch/uart.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/limits.h"
#include "proc/key.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/uts.h"
#include "procfs/internal.h"
#include "pseudofs/memory.h"
#include "sched/load.h"
#include "sched/times.h"

#define UNUSED const struct pfs_node *n __attribute__((unused))

static int show_meminfo(struct text *t, UNUSED)
{
    struct memory_use m;
    memory_use_ask(&m);
    const struct text_row row[] = {
        { "MemTotal:", m.total },
        { "MemFree:", m.free },
        { "MemAvailable:", m.available },
        { "Buffers:", 0 },
        { "Cached:", m.files },
        { "SwapCached:", 0 },
        { "SwapTotal:", 0 },
        { "SwapFree:", 0 },
        { "Dirty:", 0 },
        { "Writeback:", 0 },
        { "Shmem:", m.files },
        { "KReclaimable:", m.reclaimable },
        { "Slab:", m.slab },
        { "SReclaimable:", m.slab_reclaimable },
        { "SUnreclaim:", m.slab_used },
        { "KernelStack:", m.stacks },
        { "PageTables:", m.tables },
        { "CommitLimit:", commit_limit() << (PAGE_SHIFT - 10) },
        { "Committed_AS:", memory_promised() << (PAGE_SHIFT - 10) },
        { "AnonHugePages:", m.huge },
    };
    text_sizes(t, "", row, ARRAY_SIZE(row));
    /* no pool of them is kept */
    text_printf(
        t, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
           "HugePages_Surp:        0\nHugepagesize:       2048 kB\nHugetlb:               0 kB\n");
    return 0;
}

/* --- CPU time ------------------------------------------------------------ */

struct load {
    unsigned running, blocked; /* tasks */
    uint64_t user[MAX_CPUS];   /* of what runs on a CPU, not booked there yet */
};

#define WORK_TASK 140u /* instructions a task, about (arch/preempt.h) */

static void add_load(struct task *t, void *arg)
{
    struct load *l = arg;
    char letter = proc_state_letter(t->rec);
    l->user[MIN(t->cpu, ncpus - 1)] += task_user_unbooked(t);
    l->running += letter == 'R';
    l->blocked += letter == 'D';
}

static void measure(struct load *l)
{
    memset(l, 0, offsetof(struct load, user) + ncpus * sizeof l->user[0]);
    family_each_task(add_load, l, WORK_TASK);
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
    text_printf(t, " %lu 0 %lu %lu 0 0 0 0 0 0\n", c.user / CLOCK_TICK_NS, c.sys / CLOCK_TICK_NS,
                c.idle / CLOCK_TICK_NS);
}

static int show_system_stat(struct text *t, UNUSED)
{
    struct load l;
    struct cpu_time one, all = { 0, 0, 0 };
    uint64_t uart = CPU_SUM(uart_irqs);
    measure(&l);
    for (unsigned i = 0; i < ncpus; i++) {
        one = time_of(&l, i);
        all.user += one.user;
        all.sys += one.sys;
        all.idle += one.idle;
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
    text_printf(t, "intr %lu", uart + CPU_SUM(timer_irqs));
    for (unsigned pin = 0; pin <= UART_PIN; pin++)
        text_printf(t, " %lu", pin == UART_PIN ? uart : 0ul);
    text_printf(t, "\nctxt %lu\nbtime %llu\nprocesses %lu\nprocs_running %u\nprocs_blocked %u\n",
                CPU_SUM(switches), (clock_real_ns() - clock_mono_ns()) / NSEC_PER_SEC, made,
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
        text_printf(t, " %10lu", cpus[i].uart_irqs);
    text_printf(t, "   IO-APIC   %u-edge      ttyS0\nLOC:", UART_PIN);
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(t, " %10lu", cpus[i].timer_irqs);
    text_printf(t, "   Local timer interrupts\n");
    return 0;
}

static int show_uptime(struct text *t, UNUSED)
{
    uint64_t up = clock_mono_ns() / CLOCK_TICK_NS, idle = sched_uptime_idle_ns() / CLOCK_TICK_NS;
    text_printf(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
    return 0;
}

static int show_loadavg(struct text *t, UNUSED)
{
    struct load l;
    measure(&l);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t load = sched_loadavg(i) + 0x10000 / 200; /* rounded to hundredths */
        text_printf(t, "%lu.%02lu ", load >> 16, ((load & 0xffff) * 100) >> 16);
    }
    spin_lock(&tree_lock);
    uint32_t threads = nthreads_total, last = pid_ns_last();
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

/* Programs that want to know what a kernel has look here. */
static const uint8_t config_gz[] = {
#include "config_gz.inc"
};

static int show_config(struct text *t, UNUSED)
{
    text_put(t, (const char *)config_gz, sizeof config_gz);
    return 0;
}

static int show_cmdline(struct text *t, UNUSED)
{
    text_put(t, boot_info.cmdline, strlen(boot_info.cmdline));
    text_put(t, "\n", 1);
    return 0;
}

static int show_vmstat(struct text *t, UNUSED)
{
    struct frame_counts c;
    frame_count(&c);
    const struct text_row row[] = {
        { "nr_free_pages", c.free },
        { "nr_page_table_pages", c.tables_used },
        { "nr_shmem", __atomic_load_n(&file_pages, __ATOMIC_RELAXED) },
        { "pgfault", CPU_SUM(faults) },
        { "pgmajfault", 0 },
    };
    text_counts(t, row, ARRAY_SIZE(row));
    return 0;
}

/* --- the root directory -------------------------------------------------- */

static long readlink_self(const struct pfs_node *n, char *buf, size_t room)
{
    uint32_t me = proc_number(n, current->proc->tgid);
    return me ? ksnprintf(buf, room, "%u", me) : -ENOENT;
}

static long readlink_thread_self(const struct pfs_node *n, char *buf, size_t room)
{
    uint32_t me = proc_number(n, current->proc->tgid);
    return me ? ksnprintf(buf, room, "%u/task/%u", me, proc_number(n, current->tid)) : -ENOENT;
}

/* Those that mount(2) knows, and two that it cannot mount. */
static int show_filesystems(struct text *t, UNUSED)
{
    const char *name;

    for (unsigned i = 0; (name = fs_type_name(i)) != NULL; i++)
        text_printf(t, "nodev\t%s\n", name);
    text_printf(t, "nodev\tsockfs\nnodev\tpipefs\n");
    return 0;
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
        text_printf(t, "%-12s %12lu %10lu %14lu %14lu\n", lock_class_name(i), s.taken, s.waited,
                    s.wait_tsc, s.wait_max_tsc);
    }
    return 0;
}
#endif

/* How long a key lives, in the largest unit that leaves something; one that was revoked has ended. */
static void text_ends(struct text *t, const struct key *k)
{
    static const struct {
        uint32_t seconds;
        char name;
    } unit[] = { { 604800, 'w' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    uint64_t now = clock_mono_ns(), left = k->ends_ns > now ? (k->ends_ns - now) / NSEC_PER_SEC : 0;
    unsigned i = 0;

    if (k->revoked || k->ends_ns <= now) {
        text_printf(t, "%s ", k->ends_ns == 0 && !k->revoked ? "perm" : "expd");
        return;
    }
    while (i + 1 < ARRAY_SIZE(unit) && left < unit[i].seconds)
        i++;
    text_printf(t, "%3lu%c ", left / unit[i].seconds, unit[i].name);
}

/* Flags: it has been made, revoked, counts, could not be made, is invalid.  None is still to be made. */
static void show_key(struct text *t, const struct key *k)
{
    text_printf(t, "%08x I%c-%c-%c%c %5d ", k->serial, k->revoked ? 'R' : '-',
                k->counted ? 'Q' : '-', k->negative ? 'N' : '-', k->invalid ? 'i' : '-',
                ref_read(&k->refs));
    text_ends(t, k);
    text_printf(t, "%08x %5d %5d %-9.9s ", k->perm, (int)k->uid,
                (int)(k->gid == UINT32_MAX ? 65534u : k->gid), key_type_names[k->type]);
    text_put(t, k->name, k->name_len);
    if (k->type == KEY_keyring && k->bytes == 0 && !k->negative)
        text_printf(t, ": empty");
    else if (!k->negative)
        text_printf(t, ": %u", k->type == KEY_keyring ? k->bytes / 4 : k->bytes);
    text_put(t, "\n", 1);
}

#define WORK_KEY 6000u /* instructions, about (arch/preempt.h) */

/* Those that the reader may view. */
static int show_keys(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    mutex_lock(&key_mutex);
    for (const struct key *k = key_next(NULL); k != NULL; k = key_next(k)) {
        if (key_visible(k))
            show_key(t, k);
        preempt_work(WORK_KEY);
    }
    mutex_unlock(&key_mutex);
    return 0;
}

/* A user's keys: that many references, keys and whole keys; those that count, and their bytes. */
static int show_key_users(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    mutex_lock(&key_mutex);
    for (const struct key_user *u = key_user_next(NULL); u != NULL; u = u->next)
        text_printf(t, "%5u: %5u %u/%u %u/%u %u/%u\n", u->uid, u->all_keys, u->all_keys,
                    u->all_keys, u->keys, u->uid == 0 ? key_root_max_keys : key_max_keys, u->bytes,
                    u->uid == 0 ? key_root_max_bytes : key_max_bytes);
    mutex_unlock(&key_mutex);
    return 0;
}

/* clang-format off */
static const struct pfs_entry tty_table[] = {
    PFS_TEXT("drivers", 0444, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
                              "/dev/console         /dev/console    5       1 system:console\n"
                              "/dev/ptmx            /dev/ptmx       5       2 system\n"
                              "serial               /dev/ttyS       4      64 serial\n"
                              "pty_slave            /dev/pts      136 0-255 pty:slave\n"
                              "pty_master           /dev/ptm      128 0-255 pty:master\n"),
    PFS_END,
};
static const struct pfs_entry root_table[] = {
    PFS_FILE("cmdline", 0444, show_cmdline),
    PFS_FILE("config.gz", 0444, show_config),
    PFS_TEXT("consoles", 0444, "ttyS0                -W- (EC    a)    4:64\n"),
    PFS_FILE("cpuinfo", 0444, show_cpuinfo),
    PFS_TEXT("devices", 0444, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n"
                               "  5 /dev/console\n 10 misc\n\nBlock devices:\n  7 loop\n"),
    PFS_FILE("filesystems", 0444, show_filesystems),
    PFS_DIR("forkscope", 0555, .children = proc_forkscope_table),
    PFS_FILE("interrupts", 0444, show_interrupts),
    PFS_FILE("key-users", 0444, show_key_users),
    PFS_FILE("keys", 0444, show_keys),
    PFS_FILE("loadavg", 0444, show_loadavg),
#if LOCKS
    PFS_FILE("lock_stat", 0444, show_lock_stat),
#endif
    PFS_FILE("locks", 0444, show_locks),
    PFS_FILE("meminfo", 0444, show_meminfo),
    PFS_SYMLINK("mounts", "self/mounts"),
    PFS_SYMLINK("net", "self/net"),
    PFS_TEXT("partitions", 0444, "major minor  #blocks  name\n\n"),
    PFS_LINK("self", readlink_self),
    PFS_FILE("stat", 0444, show_system_stat),
    PFS_TEXT("swaps", 0444, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    PFS_DIR("sys", 0555, .children = proc_sys_table),
    PFS_DIR("sysvipc", 0555, .children = proc_sysvipc_table),
    PFS_LINK("thread-self", readlink_thread_self),
    PFS_DIR("tty", 0555, .children = tty_table),
    PFS_FILE("uptime", 0444, show_uptime),
    PFS_FILE("version", 0444, show_version),
    PFS_FILE("vmstat", 0444, show_vmstat),
    PFS_END,
};
/* clang-format on */

const struct pfs_entry proc_root_entry =
    PFS_DIR("", 0555, .children = root_table, PFS_NUMBERED("", proc_pid_number, proc_pids));
