/* state.h - what the families of checks share: who runs where, which address spaces
 * there are.  trace.c keeps it up to date; the others are called with an event before
 * that event is applied to this state and to the replayed tables. */
#ifndef VMM_TRACE_LINT_STATE_H
#define VMM_TRACE_LINT_STATE_H

#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/trace/lib/status.h"
#include "vmm/trace/lint/checks.h"

#define LINT_CPUS 256u
#define LEAF_COW  (1ull << 9) /* the kernel's software bits, guest/mm/pt.h */
#define LEAF_ANON (1ull << 10)

struct duty;

struct lint_mm {
    uint32_t id;
    bool live;
    bool was_torn; /* its teardown has begun */
    uint32_t root_pfn;
    unsigned vforks; /* waits for a child that uses it */
    uint64_t cpus;   /* that have its root loaded, 0 to 63 */
    struct duty *duties;
};

struct lint_cpu {
    uint32_t pid;
    struct lint_mm *root; /* whose root is loaded; NULL: the kernel's, or not known */
    uint64_t loaded_at;   /* number of the event of its last CR3 load */
    /* A translation it may still have though what it led to is something else now. */
    bool has_stale;
    enum lint_check stale_check;
    uint64_t stale_va, stale_at;
    uint32_t stale_pfn;
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
    uint32_t released_on_cpu;
    uint64_t released_events;
};

struct lint {
    struct trace *trace;
    const struct trace_meta *meta;
    struct lint_result *result;
    struct replay *replay;
    struct idmap *tasks, *mms, *frames;
    const struct trace_event *event; /* the one at hand */
    uint64_t now;                    /* its number */
    struct lint_cpu cpu[LINT_CPUS];
    uint64_t cpu_events[LINT_CPUS];
    unsigned cpus_seen;
    struct duty *free_duties;
};

void lint_found(struct lint *l, enum lint_check check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static inline struct lint_task *lint_task(struct lint *l, uint32_t pid)
{
    return need(idmap_get(l->tasks, pid));
}

static inline struct lint_mm *lint_mm(struct lint *l, uint32_t id)
{
    return need(idmap_get(l->mms, id));
}

/* The event shows that its CPU uses user translations of its task's address space:
 * it comes from user mode, or faulted in user memory. */
bool lint_proves_use(const struct trace_event *e);

/* One slot changes from old to new. */
struct lint_write {
    uint64_t va, old, new;
    uint32_t table_pfn;
    unsigned index, level, reason;
};

static inline bool is_table_link(const struct lint_write *w, uint64_t entry)
{
    return (entry & PTE_P) && w->level > PT_LEVEL_PTE &&
           (w->level == PT_LEVEL_PGD || !(entry & PTE_PS));
}

static inline bool is_leaf(const struct lint_write *w, uint64_t entry)
{
    return (entry & PTE_P) && !is_table_link(w, entry);
}

#endif
