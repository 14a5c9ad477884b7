/* sys.c - /proc/sys, as far as programs read it, and /proc/forkscope:
 * what this kernel counts of itself. */
#include "arch/random.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/memcheck.h"
#include "mm/vma.h"
#include "proc/uts.h"
#include "proc/pid.h"
#include "procfs/internal.h"
#include "sched/task.h"
#include "fs/fd.h"
#include "sys/dispatch.h"

#define UNUSED       const struct proc_node *n __attribute__((unused))
#define U(x)         ((unsigned long long)(x))
#define ENTROPY_BITS 256

#define SHOW_UTS(field) \
    static int show_##field(struct text *t, UNUSED) \
    { \
        struct new_utsname u; \
        uts_get(&u); \
        text_printf(t, "%s\n", u.field); \
        return 0; \
    }
SHOW_UTS(sysname)
SHOW_UTS(nodename)
SHOW_UTS(release)
SHOW_UTS(version)
SHOW_UTS(domainname)

/* A write is the new name, up to the end of the line. */
static int set_name(enum uts_name which, char *line)
{
    char *end = strchr(line, '\n');

    if (!capable())
        return -EPERM;
    if (end)
        *end = 0;
    uts_set(which, line);
    return 0;
}

static int store_nodename(UNUSED, char *line) { return set_name(UTS_HOST, line); }
static int store_domainname(UNUSED, char *line) { return set_name(UTS_DOMAIN, line); }

#define SHOW_NUMBER(name, value) \
    static int show_##name(struct text *t, UNUSED) \
    { \
        text_printf(t, "%llu\n", U(value)); \
        return 0; \
    }
SHOW_NUMBER(pid_max, PID_MAX)
SHOW_NUMBER(ngroups_max, NGROUPS)
SHOW_NUMBER(overflow_id, 65534)
SHOW_NUMBER(last_cap, 40) /* CAP_CHECKPOINT_RESTORE */
SHOW_NUMBER(entropy, ENTROPY_BITS)
SHOW_NUMBER(overcommit, 0) /* heuristic: map.c */
SHOW_NUMBER(max_map_count, MAX_VMAS)
SHOW_NUMBER(mmap_min_addr, MMAP_MIN_ADDR)
SHOW_NUMBER(pipe_max_size, 1048576)
SHOW_NUMBER(nr_open, FD_MAX)

static int show_file_max(struct text *t, UNUSED)
{
    text_printf(t, "9223372036854775807\n"); /* memory is the only limit */
    return 0;
}

/* --- random -------------------------------------------------------------- */

static void put_uuid(struct text *t, const uint8_t b[16])
{
    for (unsigned i = 0; i < 16; i++)
        text_printf(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    text_put(t, "\n", 1);
}

/* Version 4, variant 1. */
static void make_uuid(uint8_t b[16])
{
    random_bytes(b, 16);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
}

static int show_uuid(struct text *t, UNUSED)
{
    uint8_t b[16];
    make_uuid(b);
    put_uuid(t, b);
    return 0;
}

static int show_boot_id(struct text *t, UNUSED)
{
    static struct spinlock lock = SPINLOCK_INIT(LOCK_boot_id);
    static uint8_t id[16]; /* [lock] all zero: not made yet */
    spin_lock(&lock);
    if (id[6] == 0)
        make_uuid(id);
    spin_unlock(&lock);
    put_uuid(t, id);
    return 0;
}

static int show_file_nr(struct text *t, UNUSED)
{
    int64_t open = 0;
    for (unsigned i = 0; i < ncpus; i++)
        open += cpus[i].files_open;
    text_printf(t, "%lld\t0\t9223372036854775807\n", (long long)open);
    return 0;
}

static const struct proc_entry random_table[] = {
    PROC_FILE("boot_id", 0444, show_boot_id),
    PROC_FILE("entropy_avail", 0444, show_entropy),
    PROC_FILE("poolsize", 0444, show_entropy),
    PROC_FILE("uuid", 0444, show_uuid),
    { .name = NULL },
};

static const struct proc_entry kernel_table[] = {
    PROC_FILE("cap_last_cap", 0444, show_last_cap),
    PROC_STORE("domainname", 0644, show_domainname, store_domainname),
    PROC_STORE("hostname", 0644, show_nodename, store_nodename),
    PROC_FILE("ngroups_max", 0444, show_ngroups_max),
    PROC_FILE("osrelease", 0444, show_release),
    PROC_FILE("ostype", 0444, show_sysname),
    PROC_FILE("overflowgid", 0444, show_overflow_id),
    PROC_FILE("overflowuid", 0444, show_overflow_id),
    PROC_FILE("pid_max", 0444, show_pid_max),
    PROC_DIR("random", random_table),
    PROC_FILE("version", 0444, show_version),
    { .name = NULL },
};

static const struct proc_entry vm_table[] = {
    PROC_FILE("max_map_count", 0444, show_max_map_count),
    PROC_FILE("mmap_min_addr", 0444, show_mmap_min_addr),
    PROC_FILE("overcommit_memory", 0444, show_overcommit),
    { .name = NULL },
};

static const struct proc_entry fs_table[] = {
    PROC_FILE("file-max", 0444, show_file_max),
    PROC_FILE("file-nr", 0444, show_file_nr),
    PROC_FILE("nr_open", 0444, show_nr_open),
    PROC_FILE("pipe-max-size", 0444, show_pipe_max_size),
    { .name = NULL },
};

const struct proc_entry proc_sys_table[] = {
    PROC_DIR("fs", fs_table),
    PROC_DIR("kernel", kernel_table),
    PROC_DIR("vm", vm_table),
    { .name = NULL },
};

/* --- /proc/forkscope ----------------------------------------------------- */

/* One line a call that exists here or was asked for: name, calls; and for one
 * that does not exist, how often it was asked for in vain. */
static int show_syscalls(struct text *t, UNUSED)
{
    text_printf(t, "%-24s %10s %10s\n", "name", "calls", "unknown");
    for (unsigned nr = 0; nr < SYSCALL_NUMBERS; nr++) {
        const char *name = syscall_name(nr);
        uint64_t calls = syscall_count(nr);
        char number[16];
        if (!name && !calls)
            continue;
        ksnprintf(number, sizeof number, "#%u", nr);
        text_printf(t, "%-24s %10llu %10llu\n", name ? name : number, name ? U(calls) : 0ull,
                    name ? 0ull : U(calls));
    }
    return 0;
}

static int show_counters(struct text *t, UNUSED)
{
    uint64_t writes = 0, faults = 0, switches = 0, kicks = 0, steals = 0, pages, bytes;
    struct frame_counts c;
    for (unsigned i = 0; i < ncpus; i++) {
        writes += cpus[i].pte_writes;
        faults += cpus[i].faults;
        switches += cpus[i].switches;
        kicks += cpus[i].kicks;
        steals += cpus[i].steals;
    }
    frame_count(&c);
    heap_count(&pages, &bytes);
    text_printf(
        t,
        "pte_writes %llu\nfaults %llu\nswitches %llu\nframes_total %llu\nframes_free %llu\n"
        "tables_used %llu\ntables_total %llu\nkicks %llu\nsteals %llu\nheap_pages %llu\nheap_bytes "
        "%llu\n",
        U(writes), U(faults), U(switches), U(c.total), U(c.free), U(c.tables_used),
        U(c.tables_total), U(kicks), U(steals), U(pages), U(bytes));
    return 0;
}

#if MEMCHECK
/* Read: how many allocations are left until one fails; that ends it.  0: it has failed. */
static int show_fail_nth(struct text *t, UNUSED)
{
    text_printf(t, "%u\n", alloc_fail_nth(0));
    return 0;
}

/* The nth allocation of the task that writes this, from its next call on. */
static int store_fail_nth(UNUSED, char *line)
{
    uint32_t nth = 0;

    for (; *line >= '0' && *line <= '9'; line++)
        nth = nth * 10 + (uint32_t)(*line - '0');
    alloc_fail_nth(nth);
    return 0;
}
#endif

const struct proc_entry proc_forkscope_table[] = {
    PROC_FILE("counters", 0444, show_counters),
#if MEMCHECK
    PROC_STORE("fail_nth", 0666, show_fail_nth, store_fail_nth),
#endif
    PROC_FILE("syscalls", 0444, show_syscalls),
    { .name = NULL },
};
