/* trace.h - the kernel tells what it does.
 *
 * One function for each kind of event in shared/trace_schema.h, trace_NAME().  Each is
 * two instructions where no trace is wanted: a test of trace_on, a branch.
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
#include "trace/trace_call.h"

/* Set once, by trace_start(): whether events are recorded, and whether the VMM writes them
 * (trace_call.h) or, on all hosts that do not interpret the kernel, trace_write_NAME(). */
extern bool trace_on, trace_by_call;

bool trace_wanted(void); /* does the VMM want one? */
/* The boot CPU, before CPU `cpu` starts: its window; nothing where no trace is wanted.
 * map: maps memory outside RAM, for ever. */
void trace_cpu_init(unsigned cpu, void *(*map)(paddr_t at, size_t n));
/* The boot CPU, when it has its window, before the first task: events are recorded.  The first
 * ones are the checkpoint of all live tables, which are those of the kernel's root; the VMM writes
 * them.  All others will be among the frames [first_table, tables_end).  What is in the packets at the
 * machine's end the VMM finds by itself. */
void trace_start(pfn_t kernel_root, pfn_t first_table, pfn_t tables_end);
/* From here on each event of every CPU has a stamp by tsc_stamp(). */
void trace_long_stamps(void);

/* --- page tables.  Called by mm/pt.c, which alone stores to tables ---------------------- */

/* e: the entry, or the first of several in one table, of which none is stored to yet; va is its
 * address.  For the functions below, in one register. */
static inline uint64_t trace_what(unsigned level, unsigned reason, unsigned n)
{
    return level | (uint64_t)reason << 8 | (uint64_t)n << 16;
}

void trace_write_pte(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level, unsigned reason,
                     uint64_t new);
void trace_write_fill(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what, uint64_t first);
void trace_write_range(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what,
                       const uint64_t *entries, uint32_t id);
void trace_write_change(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what, uint64_t off,
                        uint64_t on);

/* *e becomes `new`. */
static inline void trace_pte_write(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level,
                                   unsigned reason, uint64_t new)
{
    if (unlikely(trace_on)) {
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_pte_write, mm, va, e, level, reason, new);
        else
            trace_write_pte(mm, va, e, level, reason, new);
    }
}

/* Of n entries those before the first that is used get frames in a row, from `first` on. */
static inline void trace_pte_fill(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level,
                                  unsigned reason, unsigned n, uint64_t first)
{
    if (unlikely(trace_on)) {
        uint64_t what = trace_what(level, reason, n);
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_pte_range_step, mm, va, e, what, first);
        else
            trace_write_fill(mm, va, e, what, first);
    }
}

/* n entries that are 0 become `entries`, which may be anywhere. */
static inline void trace_pte_range_new(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level,
                                       unsigned reason, unsigned n, const uint64_t *entries)
{
    if (unlikely(trace_on)) {
        uint64_t what = trace_what(level, reason, n);
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_pte_range_new, mm, va, e, what, entries);
        else
            trace_write_range(mm, va, e, what, entries, TRACE_EV_pte_range_new);
    }
}

/* n entries become 0. */
static inline void trace_pte_range_old(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level,
                                       unsigned reason, unsigned n)
{
    if (unlikely(trace_on)) {
        uint64_t what = trace_what(level, reason, n);
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_pte_range_old, mm, va, e, what);
        else
            trace_write_range(mm, va, e, what, e, TRACE_EV_pte_range_old);
    }
}

/* n entries lose the bits `off` and get `on`; who has them already is not written. */
static inline void trace_pte_change(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level,
                                    unsigned reason, unsigned n, uint64_t off, uint64_t on)
{
    if (unlikely(trace_on)) {
        uint64_t what = trace_what(level, reason, n);
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_pte_range, mm, va, e, what, off, on);
        else
            trace_write_change(mm, va, e, what, off, on);
    }
}

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

/* trace_NAME(mm, FIELDS...) for each. */
#define X(id, name, fields) \
    void trace_write_##name(uint32_t mm TRACE_ARGS(fields)); \
    static inline void trace_##name(uint32_t mm TRACE_ARGS(fields)) \
    { \
        if (unlikely(trace_on)) { \
            if (trace_by_call) \
                TRACE_CALL(id, mm TRACE_PASS(fields)); \
            else \
                trace_write_##name(mm TRACE_PASS(fields)); \
        } \
    }
TRACE_PLAIN_EVENTS(X)
#undef X

void trace_write_task_state(uint32_t mm, uint32_t task, uint32_t states, uint32_t on_pid,
                            uint32_t by_pid);
static inline void trace_task_state(uint32_t mm, uint32_t task, uint8_t prev, uint8_t next,
                                    uint8_t reason, uint32_t on_pid, uint32_t by_pid)
{
    if (unlikely(trace_on)) {
        uint32_t states = prev | (uint32_t)next << 8 | (uint32_t)reason << 16;
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_task_state, mm, task, states, on_pid, by_pid);
        else
            trace_write_task_state(mm, task, states, on_pid, by_pid);
    }
}

/* The CPU is next's from this event on.  pid 0: idle. */
void trace_write_switch(uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm);
static inline void trace_switch(uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm)
{
    if (unlikely(trace_on)) {
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_switch, prev_pid, next_pid, next_mm);
        else
            trace_write_switch(prev_pid, next_pid, next_mm);
    }
}

/* comm: 16 bytes.  mm: the new one.  pid: a thread that execs takes its group leader's. */
void trace_write_exec(uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm);
static inline void trace_exec(uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm)
{
    if (unlikely(trace_on)) {
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_exec, mm, old_mm, pid, comm);
        else
            trace_write_exec(mm, old_mm, pid, comm);
    }
}

/* n bytes of arguments, a NUL behind each. */
void trace_write_exec_args(uint32_t mm, const char *path, const char *args, size_t n);
static inline void trace_exec_args(uint32_t mm, const char *path, const char *args, size_t n)
{
    if (unlikely(trace_on)) {
        if (trace_by_call)
            TRACE_CALL(TRACE_EV_exec_args, mm, path, args, n);
        else
            trace_write_exec_args(mm, path, args, n);
    }
}

/* What was stored is as the events so far say: an audit that looks during the run may, if it wants that
 * kind of mark (HC_CAP_MARKS, HC_CAP_ROOT_MARKS).  Only if trace_on. */
void trace_mark(uint32_t who);

#endif
