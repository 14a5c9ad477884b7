/* follow.h - who does what: the number of each event, the task that ran, the call that
 * it is in, the parents and children of tasks, and why each of them waits.
 *
 * Events are numbered from 1 in the order of the reader, and calls from 1 in the
 * order in which they begin: so a number means the same in every command.
 *
 * A call is what lies between syscall_enter and syscall_exit of a task, as far as
 * they are recorded: without trace.syscalls=1 only for those that make, change, end or await
 * processes.  What a task writes in another call has a reason that tells which:
 * mmap, munmap, mprotect, brk.  So its first such write begins a call without
 * arguments, which ends with the next sign that the task is elsewhere: a page fault, another
 * call, a write of another kind, a wait for anything but a lock.  The end of a task that a signal kills is a call
 * exit_group of that sort, and an exit lasts until the task is reaped.  Two munmaps with nothing in between look like one.
 *
 * Page faults are no calls, and numbered by their events: a write for a fault belongs to the
 * fault, and, if the kernel faulted in a call, to that call as well. */
#ifndef VMM_TRACE_FOLLOW_H
#define VMM_TRACE_FOLLOW_H

#include "vmm/trace/lib/comm.h"
#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/reader.h"

struct call {
    uint64_t number; /* 0: none */
    uint64_t event, tsc;
    uint64_t arg[3];
    uint32_t pid, mm; /* as it began */
    uint16_t nr;
    bool implied; /* no syscall_enter said so */
};

struct fault {
    uint64_t event; /* 0: none */
    uint64_t va;
};

struct wait {
    bool under_way;
    uint8_t reason;
    uint32_t on_pid;
    uint64_t tsc, event;
    uint64_t call;               /* the waiter's; 0: none recorded */
    uint16_t nr;                 /* of it */
    uint32_t signo, signaled_by; /* the last signal sent to it meanwhile; 0: none */
    uint8_t released;            /* enum release_cause, of a vfork parent */
};

/* The beginning of a record about a task; the owner of a struct follow may have more
 * behind it.  Records never move. */
struct actor {
    struct task_head head;
    uint32_t tgid;
    uint32_t mm;      /* its address space, or its last one; 0: not known */
    struct call call; /* the one under way, if number is not 0 */
    struct fault fault;
    struct wait wait;
    uint8_t state;                                  /* enum task_state */
    bool ended, reaped;                             /* a zombie, and gone */
    bool process_ended;                             /* of a leader: all its threads have ended */
    struct actor *parent, *children, *next, **link; /* processes only; newest first */
};

struct follow {
    struct idmap *actors;
    uint64_t event; /* number of this event */
    uint64_t calls; /* numbers given so far */
    uint64_t first_tsc, last_tsc;
    struct actor *actor;           /* who ran at this event */
    struct actor *leaving;         /* its call ended with this event */
    uint32_t runs[TRACE_CPUS_MAX]; /* who was switched to there last */
    uint64_t quiet; /* an event of this pid changes neither; more than any: there is none */
};

/* record_size: of struct actor, or of a structure that begins with one. */
void follow_init(struct follow *f, size_t record_size);
void follow_free(struct follow *f);

/* To be called at each event, first of all.  Then f->actor and its call and fault are those
 * that the event belongs to; a call is still there at its syscall_exit. */
void follow_event(struct follow *f, const struct trace_event *e);

/* Its parts, for who knows the kind of the event: follow_begin() and then one of follow_entries(),
 * follow_fault(), both below, and this, for those not about entries and no fault. */
void follow_other(struct follow *f, const struct trace_event *e);

struct actor *follow_actor(struct follow *f, uint32_t pid); /* made if need be */

/* "sh[2]"; "a timer or device" for pid 0.  In a buffer of at least 40 bytes. */
#define WHO_BYTES 40
char *who_text(char buf[WHO_BYTES], const struct actor *a);

/* Before an exec event: the thread that makes it, if that is to take its leader's number; else NULL. */
struct actor *follow_exec_of(struct follow *f, const struct trace_event *e);

/* Of a wait that `by` has ended: the call in which it did, and the signal by which; 0: none is known.
 * An inferred call may be over: nothing tells. */
uint64_t wait_end_call(const struct wait *w, const struct actor *by);
uint32_t wait_end_signal(const struct wait *w, const struct actor *by);

/* Blocked, or stopped by a signal. */
bool is_waiting(unsigned state);

/* The name of a system call, in a static buffer where it has none. */
const char *call_name(unsigned nr);

/* How many entries a page-table event changed; 0 for other events. */
uint64_t event_writes(const struct trace_event *e);
/* The reason of a page-table event, a table_alloc or table_free; -1: none of them. */
int event_reason(const struct trace_event *e);

/* --- for most events there is little to do ------------------------------------------------ */

#define FOLLOW_NOBODY UINT64_MAX
void follow_change(struct follow *f, const struct trace_event *e);
void follow_call_of(struct follow *f, const struct trace_event *e, unsigned reason);

static inline void follow_begin(struct follow *f, const struct trace_event *e)
{
    f->event++;
    f->last_tsc = e->tsc;
    if (e->pid != f->quiet)
        follow_change(f, e);
}

static inline bool serves_fault(unsigned reason)
{
    const uint64_t such = 1ull << PT_demand_zero | 1ull << PT_demand_file | 1ull << PT_cow_break |
                          1ull << PT_mkwrite | 1ull << PT_huge_map;
    return reason < 64 && (such >> reason & 1);
}

static inline void follow_entries(struct follow *f, const struct trace_event *e, unsigned reason)
{
    if (!serves_fault(reason) || f->actor->call.implied)
        follow_call_of(f, e, reason);
}

static inline void follow_fault(struct follow *f, const struct trace_event *e)
{
    struct actor *a = f->actor;
    if (a->call.implied)
        a->call.number = 0;
    a->fault = (struct fault){ f->event, ((const struct trace_ev_page_fault *)e->fields)->va };
}

#endif
