/* replay.c - a mirror of the guest's page tables, by frame number.  A table's slot array
 * is 4 KiB like the table itself, so the mirror of N tables takes what the tables take. */
#include "vmm/trace/lib/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/idmap.h"

struct mm_root {
    uint32_t mm, root_pfn;
};

struct replay {
    replay_report *report;
    void *arg;
    struct idmap *tables; /* struct replay_table, those that are live */
    struct idmap *roots;  /* struct mm_root, of those address spaces that exist */
    uint64_t violations;
};

struct replay *replay_new(replay_report *report, void *arg)
{
    struct replay *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->report = report;
    r->arg = arg;
    r->tables = idmap_new(sizeof(struct replay_table));
    r->roots = idmap_new(sizeof(struct mm_root));
    if (r->tables == NULL || r->roots == NULL) {
        replay_free(r);
        return NULL;
    }
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    idmap_free(r->tables);
    idmap_free(r->roots);
    free(r);
}

static struct replay_table *find(const struct replay *r, uint32_t pfn)
{
    return idmap_find(r->tables, pfn);
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
    for (uint32_t i = 0; t != NULL && i < trace_changes(e); i++) {
        struct trace_change c = trace_change(e, i);
        write_slot(r, e, t, f->first + i, slot_va(f->va, f->level, i), c.old, c.new);
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
        idmap_remove(r->tables, t->pfn);
    }
    t = idmap_get(r->tables, f->table_pfn);
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
    case TRACE_EV_pte_range_old: write_range(r, e); break;
    case TRACE_EV_table_alloc: return alloc_table(r, e);
    case TRACE_EV_table_free:
        t = table_for(r, e, f->table_pfn, f->level, f->va);
        if (t != NULL)
            idmap_remove(r->tables, t->pfn);
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
        if (t->level == PT_LEVEL_PTE || !(found & PTE_P) ||
            (t->level != PT_LEVEL_PGD && (found & PTE_PS)))
            continue;
        const struct replay_table *child = find(r, (uint32_t)pte_frame(found));
        if (pte_frame(found) > UINT32_MAX || child == NULL || child->level != t->level - 1) {
            v.fault = REPLAY_LOST_CHILD;
            violate(r, v);
        }
    }
}

static void check_root(void *arg, void *record)
{
    struct replay *r = arg;
    const struct mm_root *root = record;
    const struct replay_table *t = find(r, root->root_pfn);
    if (t == NULL || t->level != PT_LEVEL_PGD)
        violate(r, (struct replay_violation){
                       .fault = REPLAY_NO_ROOT,
                       .mm = root->mm,
                       .table_pfn = root->root_pfn,
                       .level = PT_LEVEL_PGD,
                   });
}

struct comparison {
    struct replay *r;
    const void *(*page)(void *arg, uint32_t pfn);
    void *arg;
};

static void compare_one(void *arg, void *record)
{
    const struct comparison *c = arg;
    const struct replay_table *t = record;
    compare_table(c->r, t, c->page(c->arg, t->pfn));
}

void replay_compare(struct replay *r, const void *(*page)(void *arg, uint32_t pfn), void *arg)
{
    struct comparison c = { r, page, arg };
    idmap_each(r->roots, check_root, r);
    idmap_each(r->tables, compare_one, &c);
}

uint64_t replay_violations(const struct replay *r) { return r->violations; }

unsigned replay_live_tables(const struct replay *r) { return (unsigned)idmap_count(r->tables); }

const struct replay_table *replay_table(const struct replay *r, uint32_t pfn)
{
    return find(r, pfn);
}

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
