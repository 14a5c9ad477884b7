/* trace.h - the kernel tells what it does.
 *
 * One function for each kind of event in shared/trace_schema.h.  Each is two
 * instructions where no trace is wanted: a test of trace_on, a branch.
 *
 * Any context in ring 0 may call, with any lock held: interrupts are off, the
 * CPU writes to its own window, nothing here blocks or takes a lock.  The order
 * of events of one CPU is the order of the calls; so whoever holds the lock of
 * what an event is about gets them in the right order across CPUs, too.
 *
 * mm: id of the address space that the event is about (struct mm, 0: the
 * kernel's).  The task that runs on the CPU is added by itself. */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "lib/base.h"
#include "shared/trace_schema.h"

extern bool trace_on; /* set once, by trace_start() */

bool trace_wanted(void); /* does the VMM want one? */
/* The boot CPU, before CPU `cpu` starts: its window; nothing where no trace is wanted.
 * map: maps memory outside RAM, for ever. */
void trace_cpu_init(unsigned cpu, void *(*map)(paddr_t at, size_t n));
/* The boot CPU, when it has its window: events are recorded.  The first ones must be the
 * checkpoint of all live tables, before the first task.  At the machine's end what this
 * CPU has written is handed over.  A CPU can ring only for itself; in the others' packets
 * the VMM finds the whole events. */
void trace_start(void);
/* From here on each event of every CPU has a stamp by tsc_stamp(). */
void trace_long_stamps(void);
/* --- page tables.  Called by mm/pt.c, which alone stores to tables ---------------------- */

/* Where an entry is, in a register: the stream's table_pfn, index, level, reason. */
static inline uint64_t trace_slot(pfn_t table_pfn, unsigned index, unsigned level, unsigned reason)
{
    return table_pfn | (uint64_t)index << 32 | (uint64_t)level << 48 | (uint64_t)reason << 56;
}

void trace_emit_pte_write(uint64_t slot, uint64_t va, uint32_t mm, uint64_t old, uint64_t new);
static inline void trace_pte_write(uint32_t mm, uint64_t va, pfn_t table_pfn, unsigned index,
                                   unsigned level, unsigned reason, uint64_t old, uint64_t new)
{
    if (unlikely(trace_on))
        trace_emit_pte_write(trace_slot(table_pfn, index, level, reason), va, mm, old, new);
}

/* n entries from index `first` on, of which the old ones were all 0 (new: call
 * it when they are in the table) or the new ones will be (old: call it before
 * they go).  Entries that are 0 in between are no writes.  va is the first's. */
void trace_emit_range(uint64_t slot, uint64_t va, uint32_t mm, uint32_t id, unsigned n,
                      const uint64_t *entries);
static inline void trace_pte_range_new(uint32_t mm, uint64_t va, pfn_t table_pfn, unsigned first,
                                       unsigned level, unsigned reason, unsigned n,
                                       const uint64_t *entries)
{
    if (unlikely(trace_on))
        trace_emit_range(trace_slot(table_pfn, first, level, reason), va, mm,
                         TRACE_EV_pte_range_new, n, entries);
}
static inline void trace_pte_range_old(uint32_t mm, uint64_t va, pfn_t table_pfn, unsigned first,
                                       unsigned level, unsigned reason, unsigned n,
                                       const uint64_t *entries)
{
    if (unlikely(trace_on))
        trace_emit_range(trace_slot(table_pfn, first, level, reason), va, mm,
                         TRACE_EV_pte_range_old, n, entries);
}

/* Neighbours in one table, old and new both at hand: begin at one index, put
 * each entry in turn, unchanged ones with old == new (they are no writes), end.
 * In between this CPU must call nothing else of this header.  An end with
 * nothing put leaves no event. */
typedef uint64_t __attribute__((aligned(1), may_alias)) trace_word_t;
struct trace_range {
    trace_word_t *word; /* where the next entry goes; NULL: no trace */
    uint8_t *body;      /* of the event */
    uint32_t head;      /* its header word */
};
void trace_emit_range_begin(struct trace_range *r, uint64_t slot, uint64_t va, uint32_t mm);
void trace_emit_range_end(struct trace_range *r);
static inline void trace_pte_range_begin(struct trace_range *r, uint32_t mm, uint64_t va,
                                         pfn_t table_pfn, unsigned first, unsigned level,
                                         unsigned reason)
{
    r->word = NULL;
    if (unlikely(trace_on))
        trace_emit_range_begin(r, trace_slot(table_pfn, first, level, reason), va, mm);
}
static inline void trace_pte_range_put(struct trace_range *r, uint64_t old, uint64_t new)
{
    if (unlikely(r->word != NULL)) {
        r->word[0] = old;
        r->word[1] = new;
        r->word += 2;
    }
}
static inline void trace_pte_range_end(struct trace_range *r)
{
    if (unlikely(r->word != NULL))
        trace_emit_range_end(r);
}

/* --- all other events --------------------------------------------------------------------- */

/* TRACE_CALL(name, (parameters), (arguments)) makes trace_NAME(), which calls
 * trace_emit_NAME() if there is a trace. */
#define TRACE_CALL(name, parameters, arguments) \
    void trace_emit_##name parameters; \
    static inline void trace_##name parameters \
    { \
        if (unlikely(trace_on)) \
            trace_emit_##name arguments; \
    }

/* alloc: zeroed, not linked yet.  free: unlinked, all entries 0 or reported. */
TRACE_CALL(table_alloc,
           (uint32_t mm, uint64_t va, pfn_t table_pfn, unsigned level, unsigned reason),
           (mm, va, table_pfn, level, reason))
TRACE_CALL(table_free, (uint32_t mm, uint64_t va, pfn_t table_pfn, unsigned level, unsigned reason),
           (mm, va, table_pfn, level, reason))
TRACE_CALL(mm_create, (uint32_t mm, pfn_t root_pfn, uint32_t from_mm), (mm, root_pfn, from_mm))
TRACE_CALL(mm_free, (uint32_t mm), (mm))
TRACE_CALL(cr3_load, (uint32_t mm, pfn_t root_pfn), (mm, root_pfn))
/* end 0: everything.  cpu_set: bit n is CPU n. */
TRACE_CALL(tlb_flush, (uint32_t mm, uint64_t start, uint64_t end, uint64_t cpu_set),
           (mm, start, end, cpu_set))
TRACE_CALL(page_fault, (uint32_t mm, uint64_t va, uint64_t rip, uint32_t error),
           (mm, va, rip, error))

/* mm: of the task whose state changes. */
TRACE_CALL(task_state,
           (uint32_t mm, uint32_t task, unsigned prev, unsigned next, unsigned reason,
            uint32_t on_pid, uint32_t by_pid),
           (mm, task, prev, next, reason, on_pid, by_pid))
/* The CPU is next's from this event on.  pid 0: idle. */
TRACE_CALL(switch, (uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm),
           (prev_pid, next_pid, next_mm))
/* mm: the parent's. */
TRACE_CALL(clone,
           (uint32_t mm, uint32_t child, uint32_t child_tgid, uint32_t child_mm, uint64_t flags,
            int exit_signal),
           (mm, child, child_tgid, child_mm, flags, exit_signal))
TRACE_CALL(vfork_release, (uint32_t mm, uint32_t parent, uint32_t child, unsigned cause),
           (mm, parent, child, cause))
/* comm: 16 bytes.  mm: the new one.  pid: a thread that execs takes its group leader's. */
TRACE_CALL(exec, (uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm),
           (mm, old_mm, pid, comm))
TRACE_CALL(exit, (uint32_t mm, uint32_t tgid, int status), (mm, tgid, status))
TRACE_CALL(reap, (uint32_t mm, uint32_t child, int status), (mm, child, status))
TRACE_CALL(signal, (uint32_t mm, uint32_t to, uint32_t signo, int code), (mm, to, signo, code))
TRACE_CALL(syscall_enter, (uint32_t mm, unsigned nr, uint64_t a0, uint64_t a1, uint64_t a2),
           (mm, nr, a0, a1, a2))
TRACE_CALL(syscall_exit, (uint32_t mm, unsigned nr, long ret), (mm, nr, ret))
TRACE_CALL(boot_stage, (unsigned stage, uint64_t pte_writes, uint64_t faults),
           (stage, pte_writes, faults))
TRACE_CALL(checkpoint, (bool begin), (begin))

#undef TRACE_CALL
#endif
