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
 * kernel's; of the task whose state changes, of a child's parent).  The task that runs on the CPU is added by itself. */
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

/* Only where trace_on. */
void trace_emit_pte_write(uint64_t slot, uint64_t va, uint32_t mm, uint64_t old, uint64_t new);

/* n entries from index `first` on.  new: the old ones were all 0, `entries` are the new
 * ones, wherever they lie.  old: the new ones will all be 0, `entries` are the old ones,
 * so call it before they go.  Entries that are 0 in between are no writes.  va is the
 * first's. */
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

/* Only where trace_on.  n entries: of a lowest table, those that were 0 and get frames in a row,
 * the first entry being `first`; of any, those that lose the bits `off` and get `on`, as they are
 * before (who has them already is not written). */
void trace_emit_fill(uint64_t slot, uint64_t va, uint32_t mm, unsigned n, uint64_t first);
void trace_emit_change(uint64_t slot, uint64_t va, uint32_t mm, unsigned n, uint64_t off,
                       uint64_t on, const uint64_t *entries);

/* --- all other events --------------------------------------------------------------------- */

/* The fields of an event as parameters, in the order of the schema, which says what
 * they mean; small ones as wide as a register.  The _ keeps globals out of their way. */
typedef uint32_t trace_arg_u8, trace_arg_u16, trace_arg_u32, trace_arg_hex32;
typedef uint64_t trace_arg_u64, trace_arg_hex64;
typedef int32_t trace_arg_s32;
typedef int64_t trace_arg_s64;
#define TRACE_ARG_F(type, field) , trace_arg_##type field##_
#define TRACE_ARG_E(list, field) , uint32_t field##_
#define TRACE_ARG_S(type, field)
#define TRACE_ARG_C(field)        , const char *field##_
#define TRACE_ARGS(fields)        fields(TRACE_ARG_F, TRACE_ARG_E, TRACE_ARG_S, TRACE_ARG_C)
#define TRACE_PASS_F(type, field) , field##_
#define TRACE_PASS_C(field)       , field##_
#define TRACE_PASS(fields)        fields(TRACE_PASS_F, TRACE_PASS_F, TRACE_ARG_S, TRACE_PASS_C)

/* trace_NAME(mm, FIELDS...) for each, which calls trace_emit_NAME() if there is a trace. */
#define X(id, name, fields) \
    void trace_emit_##name(uint32_t mm TRACE_ARGS(fields)); \
    static inline void trace_##name(uint32_t mm TRACE_ARGS(fields)) \
    { \
        if (unlikely(trace_on)) \
            trace_emit_##name(mm TRACE_PASS(fields)); \
    }
TRACE_PLAIN_EVENTS(X)
#undef X

/* The CPU is next's from this event on.  pid 0: idle. */
void trace_emit_switch(uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm);
static inline void trace_switch(uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm)
{
    if (unlikely(trace_on))
        trace_emit_switch(prev_pid, next_pid, next_mm);
}

/* comm: 16 bytes.  mm: the new one.  pid: a thread that execs takes its group leader's. */
void trace_emit_exec(uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm);
static inline void trace_exec(uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm)
{
    if (unlikely(trace_on))
        trace_emit_exec(mm, old_mm, pid, comm);
}

/* n bytes of arguments, a NUL behind each.  Only if trace_on. */
void trace_emit_exec_args(uint32_t mm, const char *path, const char *args, size_t n);

/* What was stored is as the events so far say: an audit that looks during the run may.  Only
 * if trace_on. */
void trace_mark(void);

#endif
