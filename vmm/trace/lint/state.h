/* state.h - what the families of checks share: who runs where, which address spaces
 * there are.  trace.c keeps it up to date; the others are called with an event before
 * that event is applied to this state and to the replayed tables. */
#ifndef VMM_TRACE_LINT_STATE_H
#define VMM_TRACE_LINT_STATE_H

#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/trace/lib/status.h"
#include "vmm/trace/lint/checks.h"
#include "vmm/trace/lint/frames.h"

#define LINT_CPUS   256u
#define LINT_RECENT 64u

struct duty;

/* Of an address space, where what a program asked for excuses what is wrong elsewhere. */
struct lint_special {
    struct lint_special *next;
    uint64_t start, end;
    uint32_t flags; /* of the vma_special event */
};

struct lint_mm {
    uint32_t id;
    bool live;
    bool was_torn; /* its teardown has begun */
    uint32_t root_pfn;
    unsigned vforks; /* waits for a child that uses it */
    uint64_t cpus;   /* that have its root loaded, 0 to 63 */
    struct duty *duties;
    struct lint_special *special;
    /* What its tables hold now. */
    unsigned leaves, tables; /* entries that are not 0; table pages, root included */
    unsigned empty;          /* of the tables, without the root: those that are all 0 */
    unsigned anon;           /* of the leaves, memory of its own */
    uint64_t anon_changes;   /* how often that number has changed */
    uint64_t writes;         /* to its entries */
    uint32_t writer;         /* who wrote some last, by which event */
    uint64_t written_at;
    uint32_t from;        /* the address space it copies; 0: a new one */
    unsigned parent_anon; /* what that one had, and its changes, when the copy began */
    uint64_t parent_changes;
    bool was_started; /* a fork's child that uses it has been made */
    bool has_been_used;
    bool half_is_known; /* its kernel half was compared, and nothing has changed there since */
    unsigned users;     /* tasks */
    uint32_t maker;     /* the task that made it */
    uint64_t unused_since;
    uint32_t emptied_on;     /* the CPU on which its last table went */
    uint64_t emptied_events; /* and how many events that had then */
};

struct lint_cpu {
    uint32_t pid;
    struct lint_task *task; /* of the last event but one without; NULL: there was none */
    struct lint_mm *mm;     /* the same for address spaces */
    uint64_t events;
    struct lint_mm *root; /* whose root is loaded; NULL: the kernel's, or not known */
    uint64_t loaded_at;   /* number of the event of its last CR3 load */
    /* A translation it may still have though what it led to is something else now. */
    bool has_stale;
    enum lint_check stale_check;
    uint64_t stale_va, stale_at;
    uint32_t stale_pfn;
    struct {
        unsigned n; /* of entries that are to come: what is in their frames was told */
        uint64_t va, from_hash, to_hash; /* the last one's */
        uint32_t from_pfn, to_pfn;
    } told;
    uint32_t owes_wake; /* to this task, before another one runs here; 0: none */
};

/* The lowest table for an address, found once: it is that as long as no entry above the lowest level
 * and no table has changed, of which l->links is the count. */
struct lint_place {
    uint64_t at, links; /* at: address >> 21; links: 0: none was looked for */
    uint32_t mm;
    const struct replay_table *table; /* NULL: there is none */
};

struct lint_task {
    uint32_t pid;
    bool live, has_ended; /* has_ended: a zombie */
    uint8_t state, reason;
    uint32_t on_pid;
    unsigned rights; /* duties of its own that took rights away */
    /* since its last syscall_enter */
    unsigned copies, wrprotects, tables;
    struct {             /* the vfork whose child it is */
        bool active;     /* not released yet */
        bool is_blocked; /* the parent has gone to sleep */
        bool child_ran, has_exec;
        bool was_copied, parent_acted; /* said so once */
        uint32_t parent;
        uint32_t mm; /* shared; 0: CLONE_VFORK without CLONE_VM */
    } vfork;
    uint32_t vfork_child, vfork_mm; /* of the call it is in, if that is a vfork; else 0 */
    uint32_t left_mm;               /* its vfork parent's, which it has left; 0: none */
    /* A vfork parent: who released it, and how many events that CPU had then. */
    bool is_released;
    bool waits_for_vfork, woke_early; /* woke_early: without a release */
    uint32_t released_on_cpu;
    uint64_t released_events;
    bool has_released; /* its vfork parent, in the call it is in */

    /* Its family; see exit.c.  A process is the record of its leader's number. */
    uint32_t tgid, parent, mm; /* parent: a process */
    unsigned children;         /* processes that have it as parent, zombies included */
    bool has_exited, was_reaped;
    bool was_told; /* its parent, by a signal, that it has ended; or nobody can know */
    /* A signal or exit_group, or another thread, may be ending it: then it gets no such signal. */
    bool may_be_going, may_be_execing, has_threads;
    int32_t status, exit_signal;
    bool is_awaited_wake;
    /* It was amid something when the trace began: nothing is known of what that began with. */
    bool is_amid;
    bool has_traced, was_traced; /* it has attached to a task, or one has to it; or stopped so */

    /* The call it is in. */
    bool in_call;
    uint16_t call;
    uint64_t call_a0, call_a1, call_a2;
    uint64_t moves;  /* the page that mremap has cleared, and will enter elsewhere; or 0 */
    uint32_t reaped; /* the child that it has waited for in it */
    bool has_execed;
    char comm[16];      /* what its last exec has called it */
    bool owes_args;     /* has a new program, and has not said how it was called */
    uint32_t cloned;    /* the task it has made in it */
    uint32_t forked_mm; /* the copy of its address space */
    bool said_exec;

    struct lint_place executes, faults; /* at its last page fault */

    struct { /* its last page fault, see faults.c */
        bool active, is_users;
        bool unanswered; /* a program's, and nothing was done about it yet */
        uint8_t wrote;   /* the reason of the last entry it led to; PT_none: none yet */
        uint32_t mm, error;
        uint64_t va, rip, writes, mm_writes;
        uint64_t answered_at; /* the last event that wrote such; 0: none */
        uint64_t fresh_end;   /* where the entries it led to end */
        unsigned repeats;
    } fault;
};

/* Pages that have lost their entries by the event before the one at hand: n neighbours from va on; n 0:
 * there are none.  Whether the next event flushes them, as nearly always, shows before anything else is
 * done about them. */
struct lint_owed {
    unsigned n;
    bool is_copied;    /* a copy has taken the page's place */
    bool is_unmapped;  /* not to be used any more when the call returns */
    uint32_t cpu, pid; /* that event's, its number and address space */
    uint64_t at;
    struct lint_mm *mm;
    uint64_t va, old[PT_SLOTS];
};

/* What an event names. */
struct lint_names {
    uint64_t cpu;
    uint32_t pid, mm;
};
#define LINT_NOBODY UINT64_MAX /* no CPU: all is looked up again at the next event */

struct lint {
    struct trace *trace;
    const struct trace_meta *meta;
    struct lint_result *result;
    struct replay *replay;
    struct idmap *tasks, *mms; /* that exist */
    struct lint_mm *kernel;    /* number 0 */
    struct frames frames;
    struct lint_cpu cpu[LINT_CPUS];
    unsigned cpus_seen, last_cpu; /* last_cpu: the highest number seen */
    uint64_t last_tsc;
    struct duty *free_duties;
    struct lint_owed owed;
    bool has_stale; /* some CPU has or had a translation that it should not have */
    struct lint_task *recent[LINT_RECENT]; /* looked up lately, by the low bits of their numbers */
    /* The event at hand, its number, its CPU and those that it names. */
    const struct trace_event *event;
    uint64_t now;
    bool is_told;     /* the event is of a checkpoint of a running machine: not judged */
    bool is_told_cpu; /* ... of what a CPU runs */
    struct lint_cpu *on;
    struct lint_task *task; /* NULL: none, as at boot */
    struct lint_mm *mm;
    /* An event that names these has the same on, task and mm, and may name them: T7 and T8 hold. */
    struct lint_names same;
    bool is_watched;                        /* lint_vfork_watches() them */
    bool at_ease;                           /* see demand.h */
    const struct replay_table *plain_table; /* see demand.c; plain_links: `links` then */
    uint64_t plain_links;
    uint64_t links; /* changes of entries above the lowest level and of tables, from 1 on */
    /* If it writes entries: */
    struct replay_table *table;             /* that it, or one before, writes to; NULL: none */
    const struct replay_table *copied_from; /* the parent's, for a fork_copy */
    bool is_linked;                         /* some entry leads to it */
    bool w_counts;                          /* one with W does: that of its entries has effect */
    /* Stand in for what does not exist (any more); see lint_task(). */
    struct lint_task no_task[4];
    struct lint_mm no_mm;
    unsigned no_tasks;
    bool has_args;      /* execs say how they were called */
    bool has_contents;  /* hashes of what is in frames */
    bool has_nx;        /* the processor knows NX: some entry has it */
    bool in_checkpoint; /* that of the boot */
    bool in_bulk;       /* entries of programs, by fork or in a teardown */
    uint64_t plain_end; /* frames below this are RAM */
    uint64_t waste[PT_REASON_MAX], writes;
    uint64_t shared_writes; /* V8's */
    bool has_early;         /* a signal for a task whose clone event was still to come */
    unsigned orphans;       /* tables that were shared, and nobody leads to any more */
    uint64_t orphaned_at;   /* the last one */
};

void lint_found(struct lint *l, enum lint_check check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The task of that number.  Records go when nobody can ask for them any more; for one that
 * is gone, or never was, there is an empty record that is not live and soon forgotten. */
struct lint_task *lint_task_find(struct lint *l, uint32_t pid);
static inline struct lint_task *lint_task(struct lint *l, uint32_t pid)
{
    struct lint_task *t = l->recent[pid % LINT_RECENT];
    return t != NULL && t->pid == pid ? t : lint_task_find(l, pid);
}
/* The same for address spaces.  That of number 0 is the kernel's, and always there. */
struct lint_mm *lint_mm(struct lint *l, uint32_t id);

/* The record is made if need be.  What had been looked up for the event at hand is again. */
struct lint_task *lint_task_new(struct lint *l, uint32_t pid);
struct lint_mm *lint_mm_new(struct lint *l, uint32_t id);
/* Its record goes. */
void lint_task_gone(struct lint *l, uint32_t pid);
void lint_mm_gone(struct lint *l, uint32_t id);

/* A note on a check that counts something, or cannot see all of its rule. */
void lint_note(struct lint *l, enum lint_check check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Is va in a mapping of that kind? */
bool lint_is_special(const struct lint_mm *mm, uint64_t va, uint32_t flags);

/* The table of that level of mm for va, as replayed; NULL: there is none. */
const struct replay_table *lint_table_at(struct lint *l, const struct lint_mm *mm, uint64_t va,
                                         unsigned level);
/* The lowest one. */
static inline const struct replay_table *lint_find_table(struct lint *l, const struct lint_mm *mm,
                                                         uint64_t va)
{
    return lint_table_at(l, mm, va, PT_LEVEL_PTE);
}
static inline const struct replay_table *lint_place_table(struct lint *l, struct lint_place *p,
                                                          const struct lint_mm *mm, uint64_t va)
{
    if (p->at != va >> 21 || p->links != l->links || p->mm != mm->id)
        *p = (struct lint_place){ va >> 21, l->links, mm->id, lint_find_table(l, mm, va) };
    return p->table;
}
/* The entry of a huge page there; 0: there is none. */
uint64_t lint_find_huge(struct lint *l, const struct lint_mm *mm, uint64_t va);

/* Of the address space, while it runs, and nothing of it is left when it ends. */
void lint_task_uses(struct lint *l, struct lint_task *t, uint32_t mm);

/* Is it about address spaces, their tables, what the processor does with them? */
static inline bool lint_is_about_memory(uint32_t id)
{
    const uint64_t kinds =
        1ull << TRACE_EV_pte_write | 1ull << TRACE_EV_pte_range | 1ull << TRACE_EV_pte_range_new |
        1ull << TRACE_EV_pte_range_old | 1ull << TRACE_EV_pte_range_step |
        1ull << TRACE_EV_table_alloc | 1ull << TRACE_EV_table_free | 1ull << TRACE_EV_mm_create |
        1ull << TRACE_EV_mm_free | 1ull << TRACE_EV_cr3_load | 1ull << TRACE_EV_tlb_flush |
        1ull << TRACE_EV_page_fault | 1ull << TRACE_EV_vma_special;
    _Static_assert(TRACE_ID_LIMIT <= 64, "kinds are bits");
    return kinds >> id & 1;
}

/* The event shows that its CPU uses user translations of its task's address space:
 * it comes from user mode, or faulted in user memory. */
static inline bool lint_proves_use(const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    return e->pid != 0 &&
           (e->id == TRACE_EV_syscall_enter || (e->id == TRACE_EV_page_fault && (f->error & 4)));
}

/* The error code of a page fault. */
#define FAULT_PRESENT 1u
#define FAULT_WRITE   2u
#define FAULT_USER    4u
#define FAULT_FETCH   16u

/* Does the entry allow what the fault has tried? */
static inline bool lint_allows(uint64_t entry, unsigned error)
{
    return (entry & PTE_P) && (!(error & FAULT_WRITE) || (entry & PTE_W)) &&
           (!(error & FAULT_FETCH) || !(entry & PTE_NX));
}

/* One slot changes from old to new. */
struct lint_write {
    uint64_t va, old, new;
    uint64_t was; /* what the slot holds by the replay; mostly old */
    uint32_t table_pfn;
    unsigned index, level, reason;
};

static inline bool is_table_link(const struct lint_write *w, uint64_t entry)
{
    return (entry & PTE_P) && w->level > PT_LEVEL_PTE &&
           (w->level == PT_LEVEL_PGD || !(entry & PTE_PS));
}

/* Bits of old that the processor cannot have set in an entry that was `was`: P and W lie as far below A and D. */
static inline uint64_t lint_not_set(uint64_t was, uint64_t old)
{
    return old & ~was & PTE_AD & ~((was & (PTE_P | PTE_W)) << 5);
}
_Static_assert(PTE_P << 5 == PTE_A && PTE_W << 5 == PTE_D, "bits have places");

static inline bool is_leaf(const struct lint_write *w, uint64_t entry)
{
    return (entry & PTE_P) && !is_table_link(w, entry);
}

/* A huge page of a program's.  It loses P before a table takes its place. */
#define HUGE_FRAMES 512u
static inline bool is_huge(const struct lint_write *w, uint64_t entry)
{
    return w->level == PT_LEVEL_PMD && (entry & PTE_PS);
}

/* What an entry of the lowest level would say of its i-th page. */
static inline uint64_t huge_part(uint64_t entry, unsigned i)
{
    return (entry & ~PTE_PS) + ((uint64_t)i << 12);
}

#endif
