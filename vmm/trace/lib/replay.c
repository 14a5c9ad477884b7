/* replay.c - a mirror of the guest's page tables, by frame number.  A table's slot array
 * is 4 KiB like the table itself, so the mirror of N tables takes what the tables take.
 * A table that was freed empty is all zero, as the next one has to be, and is kept for it. */
#include "vmm/trace/lib/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/idmap.h"

struct mm_root {
    uint32_t mm, root_pfn;
};

#define BLOCK (1u << REPLAY_BLOCK_BITS)

struct replay {
    struct replay_index index;
    unsigned live;
    struct replay_table *spare; /* in a list through the first slot, which is not 0 then */
    replay_report *report;
    void *arg;
    struct idmap *roots; /* struct mm_root, of those address spaces that exist */
    uint64_t violations;
};

struct replay *replay_new(replay_report *report, void *arg)
{
    struct replay *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->report = report;
    r->arg = arg;
    r->roots = idmap_new(sizeof(struct mm_root));
    if (r->roots == NULL) {
        replay_free(r);
        return NULL;
    }
    return r;
}

static struct replay_table *next_spare(const struct replay_table *t)
{
    return (struct replay_table *)(uintptr_t)t->slot[0];
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    for (uint32_t n = 0; n < r->index.blocks; n++) {
        for (uint32_t i = 0; r->index.block[n] != NULL && i < BLOCK; i++)
            free(r->index.block[n][i]);
        free(r->index.block[n]);
    }
    free(r->index.block);
    for (struct replay_table *t = r->spare, *next; t != NULL; t = next) {
        next = next_spare(t);
        free(t);
    }
    idmap_free(r->roots);
    free(r);
}

/* --- the index ------------------------------------------------------------------------- */

/* Where the table of that frame stands or would stand; NULL: no memory. */
static struct replay_table **place_of(struct replay *r, uint32_t pfn)
{
    struct replay_index *x = &r->index;
    uint32_t n = pfn >> REPLAY_BLOCK_BITS;
    if (n >= x->blocks) {
        struct replay_table ***more = realloc(x->block, (n + 1) * sizeof(x->block[0]));
        if (more == NULL)
            return NULL;
        memset(more + x->blocks, 0, (n + 1 - x->blocks) * sizeof(x->block[0]));
        x->block = more;
        x->blocks = n + 1;
    }
    if (x->block[n] == NULL && (x->block[n] = calloc(BLOCK, sizeof(x->block[n][0]))) == NULL)
        return NULL;
    return &x->block[n][pfn % BLOCK];
}

static struct replay_table *add_table(struct replay *r, uint32_t pfn)
{
    struct replay_table **place = place_of(r, pfn), *t = r->spare;
    if (place == NULL)
        return NULL;
    if (t != NULL) {
        r->spare = next_spare(t);
        t->slot[0] = 0;
    } else if ((t = calloc(1, sizeof(*t))) == NULL) {
        return NULL;
    }
    t->pfn = pfn;
    r->live++;
    return *place = t;
}

static void remove_table(struct replay *r, struct replay_table *t)
{
    *place_of(r, t->pfn) = NULL;
    r->live--;
    if (t->used > 0) {
        free(t);
        return;
    }
    t->slot[0] = (uintptr_t)r->spare;
    r->spare = t;
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
    struct replay_table *t = replay_table(r, pfn);
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
    t->used = (uint16_t)(t->used + (new != 0) - (t->slot[index] != 0));
    t->slot[index] = new;
}

static void write_range(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_pte_range *f = e->fields;
    struct replay_table *t = table_for(r, e, f->table_pfn, f->level, f->va);
    for (uint32_t i = 0; t != NULL && i < trace_changes(e); i++) {
        struct trace_change c = trace_change(e, i);
        write_slot(r, e, t, f->first + i, slot_va(f->va, f->level, i), c.old, c.new);
    }
}

static int alloc_table(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    struct replay_table *t = replay_table(r, f->table_pfn);

    if (t != NULL) {
        violate(r, (struct replay_violation){
                       .fault = REPLAY_TABLE_TWICE,
                       .event = e,
                       .mm = e->mm,
                       .table_pfn = t->pfn,
                       .level = f->level,
                       .va = f->va,
                   });
        remove_table(r, t);
    }
    t = add_table(r, f->table_pfn);
    if (t == NULL)
        return -ENOMEM;
    t->mm = e->mm;
    t->level = f->level;
    t->va = f->va;
    return 0;
}

static int create_mm(struct replay *r, const struct trace_event *e)
{
    const struct trace_ev_mm_create *f = e->fields;
    if (idmap_find(r->roots, e->mm) != NULL)
        violate(r, (struct replay_violation){
                       .fault = REPLAY_MM_TWICE,
                       .event = e,
                       .mm = e->mm,
                       .table_pfn = f->root_pfn,
                   });
    struct mm_root *root = idmap_get(r->roots, e->mm);
    if (root == NULL)
        return -ENOMEM;
    root->root_pfn = f->root_pfn;
    return 0;
}

static void free_mm(struct replay *r, const struct trace_event *e)
{
    if (idmap_find(r->roots, e->mm) == NULL)
        violate(r, (struct replay_violation){ .fault = REPLAY_NO_MM, .event = e, .mm = e->mm });
    idmap_remove(r->roots, e->mm);
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
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step: write_range(r, e); break;
    case TRACE_EV_table_alloc: return alloc_table(r, e);
    case TRACE_EV_table_free:
        t = table_for(r, e, f->table_pfn, f->level, f->va);
        if (t != NULL)
            remove_table(r, t);
        break;
    case TRACE_EV_mm_create: return create_mm(r, e);
    case TRACE_EV_mm_free: free_mm(r, e); break;
    }
    return 0;
}

/* --- the comparison at the end --------------------------------------------------------- */

bool replay_compare_table(struct replay *r, const struct replay_table *t, const void *memory,
                          replay_excuse *excused, void *arg)
{
    bool settled = true;
    struct replay_violation v = { .mm = t->mm, .table_pfn = t->pfn, .level = t->level };
    if (memory == NULL) {
        v.fault = REPLAY_NOT_RAM;
        v.va = t->va;
        violate(r, v);
        return true;
    }
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        uint64_t found;
        memcpy(&found, (const uint8_t *)memory + 8 * i, sizeof(found));
        v.index = i;
        v.va = slot_va(t->va, t->level, i);
        v.expected = t->slot[i];
        v.found = found;
        if ((found ^ t->slot[i]) & ~PTE_AD) {
            if (excused != NULL && excused(arg, t->pfn, i, found)) {
                settled = false;
                continue;
            }
            v.fault = REPLAY_MEMORY_DIFFERS;
            violate(r, v);
        }
        if (t->level == PT_LEVEL_PTE || !(found & PTE_P) ||
            (t->level != PT_LEVEL_PGD && (found & PTE_PS)))
            continue;
        const struct replay_table *child = replay_table(r, (uint32_t)pte_frame(found));
        if (pte_frame(found) > UINT32_MAX || child == NULL || child->level != t->level - 1) {
            v.fault = REPLAY_LOST_CHILD;
            violate(r, v);
        }
    }
    return settled;
}

static void check_root(void *arg, void *record)
{
    struct replay *r = arg;
    const struct mm_root *root = record;
    const struct replay_table *t = replay_table(r, root->root_pfn);
    if (t == NULL || t->level != PT_LEVEL_PGD)
        violate(r, (struct replay_violation){
                       .fault = REPLAY_NO_ROOT,
                       .mm = root->mm,
                       .table_pfn = root->root_pfn,
                       .level = PT_LEVEL_PGD,
                   });
}

void replay_compare(struct replay *r, const void *(*page)(void *arg, uint32_t pfn),
                    replay_excuse *excused, void *arg)
{
    idmap_each(r->roots, check_root, r);
    for (uint32_t n = 0; n < r->index.blocks; n++)
        for (uint32_t i = 0; r->index.block[n] != NULL && i < BLOCK; i++)
            if (r->index.block[n][i] != NULL)
                replay_compare_table(r, r->index.block[n][i], page(arg, n * BLOCK + i), excused,
                                     arg);
}

void replay_each(const struct replay *r, void (*visit)(void *arg, const struct replay_table *t),
                 void *arg)
{
    for (uint32_t n = 0; n < r->index.blocks; n++)
        for (uint32_t i = 0; r->index.block[n] != NULL && i < BLOCK; i++)
            if (r->index.block[n][i] != NULL)
                visit(arg, r->index.block[n][i]);
}

uint64_t replay_violations(const struct replay *r) { return r->violations; }

unsigned replay_live_tables(const struct replay *r) { return r->live; }

/* --- who asks ---------------------------------------------------------------------------- */

struct root_list {
    uint32_t *mm;
    size_t n;
};

static void list_root(void *arg, void *record)
{
    struct root_list *l = arg;
    l->mm[l->n++] = ((const struct mm_root *)record)->mm;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

size_t replay_roots(const struct replay *r, uint32_t **mm)
{
    struct root_list l = { calloc(idmap_count(r->roots) + 1, sizeof(uint32_t)), 0 };
    *mm = l.mm;
    if (l.mm == NULL)
        return 0;
    idmap_each(r->roots, list_root, &l);
    qsort(l.mm, l.n, sizeof(l.mm[0]), by_number);
    return l.n;
}

static void any_root(void *arg, void *record) { *(const struct mm_root **)arg = record; }

bool replay_root(const struct replay *r, uint32_t mm, uint32_t *root_pfn)
{
    const struct mm_root *root = idmap_find(r->roots, mm);
    if (root == NULL && mm == 0)
        idmap_each(r->roots, any_root, (void *)&root);
    if (root == NULL)
        return false;
    *root_pfn = root->root_pfn;
    return true;
}
