/* replay.c - a mirror of the guest's page tables, kept by a hash on the frame
 * number.  A table's slot array is 4 KiB like the table itself, so the mirror
 * of N tables takes what the tables take.
 *
 * The hash is open addressing with linear probing; removal moves later entries
 * of the cluster back, so there are no tombstones and no decay. */
#include "vmm/trace/lib/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mm_root {
    uint32_t mm, root_pfn;
};

struct replay {
    replay_report *report;
    void *arg;
    struct replay_table **table; /* by hash; NULL: free */
    size_t capacity, live;       /* capacity: a power of two */
    struct mm_root *root;
    size_t roots, root_capacity;
    uint64_t violations;
};

struct replay *replay_new(replay_report *report, void *arg)
{
    struct replay *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->report = report;
    r->arg = arg;
    r->capacity = 256;
    r->table = calloc(r->capacity, sizeof(r->table[0]));
    if (r->table == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->capacity; i++)
        free(r->table[i]);
    free(r->table);
    free(r->root);
    free(r);
}

/* --- the hash ------------------------------------------------------------------------ */

static size_t home(const struct replay *r, uint32_t pfn)
{
    return (size_t)(pfn * 0x9e3779b97f4a7c15ull >> 32) & (r->capacity - 1);
}

/* Where the table is, or the free place where it would go. */
static size_t place_of(const struct replay *r, uint32_t pfn)
{
    size_t i = home(r, pfn);
    while (r->table[i] != NULL && r->table[i]->pfn != pfn)
        i = (i + 1) & (r->capacity - 1);
    return i;
}

static struct replay_table *find(const struct replay *r, uint32_t pfn)
{
    return r->table[place_of(r, pfn)];
}

static int grow(struct replay *r)
{
    struct replay_table **old = r->table;
    size_t n = r->capacity;
    struct replay_table **bigger = calloc(2 * n, sizeof(bigger[0]));
    if (bigger == NULL)
        return -ENOMEM;
    r->table = bigger;
    r->capacity = 2 * n;
    for (size_t i = 0; i < n; i++)
        if (old[i] != NULL)
            r->table[place_of(r, old[i]->pfn)] = old[i];
    free(old);
    return 0;
}

static void remove_table(struct replay *r, uint32_t pfn)
{
    size_t mask = r->capacity - 1, hole = place_of(r, pfn);
    free(r->table[hole]);
    r->table[hole] = NULL;
    r->live--;
    for (size_t i = (hole + 1) & mask; r->table[i] != NULL; i = (i + 1) & mask) {
        /* It may move into the hole if its home is not behind the hole. */
        if (((i - home(r, r->table[i]->pfn)) & mask) >= ((i - hole) & mask)) {
            r->table[hole] = r->table[i];
            r->table[i] = NULL;
            hole = i;
        }
    }
}

/* --- violations ---------------------------------------------------------------------- */

static void violate(struct replay *r, struct replay_violation v)
{
    r->violations++;
    if (r->report != NULL)
        r->report(r->arg, &v);
}

const char *replay_fault_text(enum replay_fault fault)
{
    static const char *const text[] = {
        [REPLAY_OLD_DIFFERS] = "the event's old value is not what the slot held",
        [REPLAY_NO_TABLE] = "an event for a frame that is not a live table",
        [REPLAY_WRONG_LEVEL] = "the table is of another level",
        [REPLAY_TABLE_TWICE] = "table_alloc of a table that is live",
        [REPLAY_NO_MM] = "mm_free of an address space that does not exist",
        [REPLAY_MM_TWICE] = "mm_create of an address space that exists",
        [REPLAY_NO_ROOT] = "the root of an address space is not a live PGD",
        [REPLAY_LOST_CHILD] = "an entry points to a frame that is no table of the level below",
        [REPLAY_MEMORY_DIFFERS] = "guest memory differs from the trace",
        [REPLAY_NOT_RAM] = "a table lies outside of guest memory",
    };
    return text[fault];
}

static uint64_t slot_va(uint64_t va, unsigned level, unsigned slots)
{
    return va + ((uint64_t)slots << (12 + 9 * (level - 1)));
}

/* --- events -------------------------------------------------------------------------- */

/* The live table that an event names, or NULL after a report. */
static struct replay_table *table_for(struct replay *r, const struct trace_event *e, uint32_t pfn,
                                      unsigned level, uint64_t va)
{
    struct replay_table *t = find(r, pfn);
    struct replay_violation v = {
        .event = e,
        .mm = e->mm,
        .table_pfn = pfn,
        .level = level,
        .va = va,
    };
    if (t == NULL) {
        v.fault = REPLAY_NO_TABLE;
        violate(r, v);
        return NULL;
    }
    if (t->level != level) {
        v.fault = REPLAY_WRONG_LEVEL;
        v.expected = t->level;
        v.found = level;
        violate(r, v);
    }
    return t;
}

static void write_slot(struct replay *r, const struct trace_event *e, struct replay_table *t,
                       unsigned index, uint64_t va, uint64_t old, uint64_t new)
{
    if ((t->slot[index] ^ old) & ~PTE_AD)
        violate(r, (struct replay_violation){
                       .fault = REPLAY_OLD_DIFFERS,
                       .event = e,
                       .mm = e->mm,
                       .table_pfn = t->pfn,
                       .level = t->level,
                       .index = index,
                       .va = va,
                       .expected = t->slot[index],
                       .found = old,
                   });
    t->slot[index] = new;
}

static void write_range(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_pte_range *f = e->fields;
    struct replay_table *t = table_for(r, e, f->table_pfn, f->level, f->va);
    bool pairs = e->id == TRACE_EV_pte_range;
    unsigned n = pairs ? e->count / 2 : e->count;

    for (unsigned i = 0; t != NULL && i < n; i++) {
        uint64_t old = pairs                             ? trace_word(e, 2 * i)
                       : e->id == TRACE_EV_pte_range_old ? trace_word(e, i)
                                                         : 0;
        uint64_t new = pairs                             ? trace_word(e, 2 * i + 1)
                       : e->id == TRACE_EV_pte_range_new ? trace_word(e, i)
                                                         : 0;
        write_slot(r, e, t, f->first + i, slot_va(f->va, f->level, i), old, new);
    }
}

static int alloc_table(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    struct replay_table *t = find(r, f->table_pfn);

    if (t != NULL) {
        violate(r, (struct replay_violation){
                       .fault = REPLAY_TABLE_TWICE,
                       .event = e,
                       .mm = e->mm,
                       .table_pfn = t->pfn,
                       .level = f->level,
                       .va = f->va,
                   });
        remove_table(r, t->pfn);
    }
    if (2 * (r->live + 1) > r->capacity && grow(r) != 0)
        return -ENOMEM;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return -ENOMEM;
    t->pfn = f->table_pfn;
    t->mm = e->mm;
    t->level = f->level;
    t->va = f->va;
    r->table[place_of(r, t->pfn)] = t;
    r->live++;
    return 0;
}

static struct mm_root *find_root(struct replay *r, uint32_t mm)
{
    for (size_t i = 0; i < r->roots; i++)
        if (r->root[i].mm == mm)
            return &r->root[i];
    return NULL;
}

static int create_mm(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_mm_create *f = e->fields;
    struct mm_root *root = find_root(r, e->mm);

    if (root != NULL) {
        violate(r, (struct replay_violation){
                       .fault = REPLAY_MM_TWICE,
                       .event = e,
                       .mm = e->mm,
                       .table_pfn = f->root_pfn,
                   });
    } else {
        if (r->roots == r->root_capacity) {
            size_t n = r->root_capacity != 0 ? 2 * r->root_capacity : 32;
            void *more = realloc(r->root, n * sizeof(r->root[0]));
            if (more == NULL)
                return -ENOMEM;
            r->root = more;
            r->root_capacity = n;
        }
        root = &r->root[r->roots++];
    }
    *root = (struct mm_root){ e->mm, f->root_pfn };
    return 0;
}

static void free_mm(struct replay *r, const struct trace_event *e)
{
    struct mm_root *root = find_root(r, e->mm);
    if (root != NULL)
        *root = r->root[--r->roots];
    else
        violate(r, (struct replay_violation){ .fault = REPLAY_NO_MM, .event = e, .mm = e->mm });
}

int replay_event(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_table_free *f = e->fields;
    struct replay_table *t;

    switch (e->id) {
    case TRACE_EV_pte_write:
        t = table_for(r, e, w->table_pfn, w->level, w->va);
        if (t != NULL)
            write_slot(r, e, t, w->index, w->va, w->old, w->new);
        break;
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old: write_range(r, e); break;
    case TRACE_EV_table_alloc: return alloc_table(r, e);
    case TRACE_EV_table_free:
        t = table_for(r, e, f->table_pfn, f->level, f->va);
        if (t != NULL)
            remove_table(r, t->pfn);
        break;
    case TRACE_EV_mm_create: return create_mm(r, e);
    case TRACE_EV_mm_free: free_mm(r, e); break;
    }
    return 0;
}

/* --- the comparison at the end --------------------------------------------------------- */

static void compare_table(struct replay *r, const struct replay_table *t, const uint8_t *memory)
{
    struct replay_violation v = { .mm = t->mm, .table_pfn = t->pfn, .level = t->level };
    if (memory == NULL) {
        v.fault = REPLAY_NOT_RAM;
        v.va = t->va;
        violate(r, v);
        return;
    }
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        uint64_t found;
        memcpy(&found, memory + 8 * i, sizeof(found));
        v.index = i;
        v.va = slot_va(t->va, t->level, i);
        v.expected = t->slot[i];
        v.found = found;
        if ((found ^ t->slot[i]) & ~PTE_AD) {
            v.fault = REPLAY_MEMORY_DIFFERS;
            violate(r, v);
        }
        if (t->level == PT_LEVEL_PTE || !(found & PTE_PRESENT) ||
            (t->level != PT_LEVEL_PGD && (found & PTE_PS)))
            continue;
        const struct replay_table *child = find(r, (uint32_t)PTE_PFN(found));
        if (PTE_PFN(found) > UINT32_MAX || child == NULL || child->level != t->level - 1) {
            v.fault = REPLAY_LOST_CHILD;
            violate(r, v);
        }
    }
}

void replay_compare(struct replay *r, const void *(*page)(void *arg, uint32_t pfn), void *arg)
{
    for (size_t i = 0; i < r->roots; i++) {
        const struct replay_table *t = find(r, r->root[i].root_pfn);
        if (t == NULL || t->level != PT_LEVEL_PGD)
            violate(r, (struct replay_violation){
                           .fault = REPLAY_NO_ROOT,
                           .mm = r->root[i].mm,
                           .table_pfn = r->root[i].root_pfn,
                           .level = PT_LEVEL_PGD,
                       });
    }
    for (size_t i = 0; i < r->capacity; i++)
        if (r->table[i] != NULL)
            compare_table(r, r->table[i], page(arg, r->table[i]->pfn));
}

uint64_t replay_violations(const struct replay *r) { return r->violations; }

unsigned replay_live_tables(const struct replay *r) { return (unsigned)r->live; }

const struct replay_table *replay_table(const struct replay *r, uint32_t pfn)
{
    return find(r, pfn);
}
