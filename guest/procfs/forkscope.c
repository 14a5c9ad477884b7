/* forkscope.c - /proc/forkscope: what this kernel counts of itself. */
#include "arch/machine.h"
#include "lib/printf.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kstack.h"
#include "mm/memcheck.h"
#include "procfs/internal.h"
#include "sched/task.h"
#include "sys/dispatch.h"

/* One line a call that exists here or was asked for: name, calls; and for one
 * that does not exist, how often it was asked for in vain. */
static int show_syscalls(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%-24s %10s %10s\n", "name", "calls", "unknown");
    for (unsigned nr = 0; nr < SYSCALL_NUMBERS; nr++) {
        const char *name = syscall_name(nr);
        uint64_t calls = syscall_count(nr);
        char number[16];
        bool exists = syscall_exists(nr);
        if (!exists && !calls)
            continue;
        ksnprintf(number, sizeof number, "#%u", nr);
        text_printf(t, "%-24s %10lu %10lu\n", name ? name : number, exists ? calls : 0,
                    exists ? 0 : calls);
    }
    return 0;
}

static int show_counters(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    struct frame_counts c;
    uint64_t pages, bytes, stacks, kept;
    frame_count(&c);
    kstack_count(&stacks, &kept);
    heap_count(&pages, &bytes);
    const struct text_row row[] = {
        { "pte_writes", CPU_SUM(pte_writes) },
        { "faults", CPU_SUM(faults) },
        { "switches", CPU_SUM(switches) },
        { "frames_total", c.total },
        { "frames_free", c.free },
        { "tables_used", c.tables_used },
        { "tables_total", c.tables_total },
        { "kicks", CPU_SUM(kicks) },
        { "halts_skipped", CPU_SUM(halts_skipped) },
        { "steals", CPU_SUM(steals) },
        { "heap_pages", pages },
        { "heap_bytes", bytes },
        { "stacks", stacks },
        { "stacks_kept", kept },
    };
    text_counts(t, row, ARRAY_SIZE(row));
    return 0;
}

#if MEMCHECK
/* Read: how many allocations are left until one fails; that ends it.  0: it has failed. */
static int show_fail_nth(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%u\n", alloc_fail_nth(0));
    return 0;
}

/* The nth allocation of the task that writes this, from its next call on. */
static int store_fail_nth(const struct pfs_node *n __attribute__((unused)), char *line)
{
    uint32_t nth = 0;

    for (; *line >= '0' && *line <= '9'; line++)
        nth = nth * 10 + (uint32_t)(*line - '0');
    alloc_fail_nth(nth);
    return 0;
}
#endif

const struct pfs_entry proc_forkscope_table[] = {
    PFS_FILE("counters", 0444, show_counters),
#if MEMCHECK
    PFS_FILE("fail_nth", 0666, show_fail_nth, .store = store_fail_nth),
#endif
    PFS_FILE("syscalls", 0444, show_syscalls),
    PFS_END,
};
