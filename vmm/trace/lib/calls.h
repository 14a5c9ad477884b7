/* calls.h - what each kind of call cost, from the events of a trace.
 *
 * The guest brackets every call that makes, changes, ends or awaits a process
 * with syscall_enter and syscall_exit.  What happens on that task's behalf in
 * between is the call's: page-table events whose context names the task as the
 * one running.  A vfork parent sleeps in between, so what its child does is not
 * counted there.  An exit has no syscall_exit; it ends when the task is a
 * zombie, and starts with its first teardown when a signal was the cause. */
#ifndef VMM_TRACE_CALLS_H
#define VMM_TRACE_CALLS_H

#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/reader.h"

/* vfork: fork's flags with VM and VFORK on the parent's stack.  posix_spawn: the
 * same with a stack of its own, as C libraries do it.  fork includes clone with
 * no sharing of memory.  clone: any other.  From mmap on: without trace.syscalls=1 those
 * that wrote entries, as follow.h infers them.  fault: page faults outside of recorded calls. */
enum call_kind {
    CALL_fork,
    CALL_vfork,
    CALL_posix_spawn,
    CALL_thread,
    CALL_clone,
    CALL_exec,
    CALL_exit,
    CALL_wait,
    CALL_mmap,
    CALL_munmap,
    CALL_mprotect,
    CALL_brk,
    CALL_fault,
    CALL_KINDS
};
extern const char *const call_kind_names[CALL_KINDS];

/* Which of them a clone event with these flags is; own_stack: the syscall_enter
 * before it, for which call_gives_stack() tells whether the child was given one. */
enum call_kind clone_kind(uint64_t flags, bool own_stack);
bool call_gives_stack(const struct trace_event *enter);
/* The kind that a system call's entry shows, by its number and first argument; CALL_KINDS: none
 * of ours. */
enum call_kind entry_kind(unsigned nr, uint64_t a0, bool own_stack);

/* Whose tables: the caller's address space as the call began, another one (a
 * fork's child, an exec's new image), or the kernel's. */
enum side { SIDE_CALLER, SIDE_OTHER, SIDE_KERNEL, SIDES };

struct cost {
    uint64_t writes[SIDES][PT_REASON_MAX + 1]; /* the last: reasons not known here */
    uint64_t allocated, freed;                 /* tables, the kernel's aside */
    uint64_t faults, tlb_flushes;
};

struct samples { /* of durations in ticks */
    uint64_t *at;
    size_t n, capacity;
};

struct call_row {
    uint64_t calls, failed;
    struct cost cost;
    struct samples blocked; /* waits for the child that it made with VFORK */
    uint64_t ended_by[RELEASE_killed + 1];
    /* From the call on until the child's exec or exit. */
    uint64_t child_faults, child_cow, parent_faults, parent_cow;
};

struct calls {
    struct call_row row[CALL_KINDS];
    struct samples blocked[BLOCK_REASON_MAX];
    struct cost all;                          /* in calls or not; SIDE_CALLER unused */
    uint64_t write_events[PT_REASON_MAX + 1]; /* events that carried the writes */
    uint64_t bytes[PT_REASON_MAX + 1];
    uint64_t checkpoint_entries, checkpoint_tables;
    bool is_told; /* the event is of a checkpoint of a running machine: nobody's cost */
    struct follow follow;
    struct own_cost *spare; /* see calls.c */
    uint32_t runs[TRACE_CPUS_MAX];
    uint32_t cpu;      /* of the event before */
    unsigned last_cpu; /* the highest number seen */
};

void calls_init(struct calls *c);
void calls_event(struct calls *c, const struct trace_event *e);
void calls_end(struct calls *c); /* folds in what is still under way */
void calls_free(struct calls *c);

uint64_t cost_writes(const struct cost *c, enum side side);
uint64_t cost_cow(const struct cost *c);

#endif
