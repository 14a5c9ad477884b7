/* bulk.c - see bulk.h.  Loops without branches over plain arrays, for the compiler to make vector
 * instructions of.  Most ranges lead to frames in a row, and then all arrays do. */
#include "vmm/trace/lint/bulk.h"

#include <asm/unistd_64.h>
#include <string.h>

#include "vmm/trace/lib/words.h"
#include "vmm/trace/lint/families.h"
#include "vmm/trace/lint/reuse.h"

typedef trace_word_at word;

/* What was found out about the entries of a range. */
struct summary {
    uint64_t wrong;  /* not 0: something needs a closer look */
    uint64_t apart;  /* not 0: the frames are not in a row */
    uint64_t any;    /* bits that some entry has, or all, see there */
    uint64_t anon;   /* entries with that mark */
    uint64_t zeroes; /* entries that are 0 */
    uint64_t last;   /* the highest frame */
};

/* Entries that fork writes: the slots were 0, the parent has the same, none has W. */
FOR_EACH_CPU static struct summary look_at_copies(const word *new, const uint64_t *slot,
                                                  const word *parent, uint64_t n)
{
    uint64_t wrong = 0, apart = 0, any = 0, anon = 0, last = 0, frame = new[0] & PTE_ADDR;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = new[i];
        wrong |= slot[i] | ((parent[i] ^ e) & ~PTE_AD) | (parent[i] & ~e & PTE_AD) |
                 (e & (~USUAL_BITS | PTE_W)) | (~e & PTE_P);
        apart |= (e & PTE_ADDR) ^ (frame + (i << 12));
        last = (e & PTE_ADDR) > last ? e & PTE_ADDR : last;
        any |= e;
        anon += (e & PTE_ANON) != 0;
    }
    return (struct summary){ wrong, apart, any, anon, 0, last >> 12 };
}

/* Entries for fresh memory: the slots were 0, each is the program's own and not to be executed. */
FOR_EACH_CPU static struct summary look_at_fresh(const word *new, const uint64_t *slot, uint64_t n)
{
    const uint64_t must = PTE_P | PTE_U | PTE_A | PTE_ANON | PTE_NX;
    uint64_t wrong = 0, apart = 0, last = 0, frame = new[0] & PTE_ADDR;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = new[i];
        wrong |= slot[i] | (e & ~(USUAL_BITS & ~PTE_COW)) | (~e & must) | ((e & PTE_W) << 5 & ~e);
        apart |= (e & PTE_ADDR) ^ (frame + (i << 12));
        last = (e & PTE_ADDR) > last ? e & PTE_ADDR : last;
    }
    return (struct summary){ wrong, apart, must, n, 0, last >> 12 };
}

/* Entries for pages of a file: the slots were 0, none is the program's own, none has W. */
FOR_EACH_CPU static struct summary look_at_file(const word *new, const uint64_t *slot, uint64_t n)
{
    uint64_t wrong = 0, apart = 0, any = 0, last = 0, frame = new[0] & PTE_ADDR;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = new[i];
        wrong |= slot[i] | (e & (~USUAL_BITS | PTE_W | PTE_D | PTE_ANON)) |
                 (~e & (PTE_P | PTE_U | PTE_A));
        apart |= (e & PTE_ADDR) ^ (frame + (i << 12));
        last = (e & PTE_ADDR) > last ? e & PTE_ADDR : last;
        any |= e;
    }
    return (struct summary){ wrong, apart, any, 0, 0, last >> 12 };
}

/* Entries from which fork takes W, and nothing else. */
FOR_EACH_CPU static struct summary look_at_protected(const word *old, const word *new,
                                                     const uint64_t *slot, uint64_t n)
{
    uint64_t wrong = 0, apart = 0, last = 0, frame = new[0] & PTE_ADDR;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = new[i];
        wrong |=
            ((slot[i] ^ old[i]) & ~PTE_AD) | (slot[i] & ~old[i]) | lint_not_set(slot[i], old[i]);
        wrong |= ((old[i] ^ e) & ~(PTE_W | PTE_COW | PTE_AD)) | (~old[i] & (PTE_P | PTE_W));
        wrong |= e & (~USUAL_BITS | PTE_W);
        apart |= (e & PTE_ADDR) ^ (frame + (i << 12));
        last = (e & PTE_ADDR) > last ? e & PTE_ADDR : last;
    }
    return (struct summary){ wrong, apart, 0, 0, 0, last >> 12 };
}

/* Entries that a teardown clears.  (any: bits that all have.) */
FOR_EACH_CPU static struct summary look_at_cleared(const word *old, const uint64_t *slot,
                                                   uint64_t n)
{
    uint64_t wrong = 0, apart = 0, all = ~0ull, anon = 0, zeroes = 0, last = 0;
    uint64_t frame = old[0] & PTE_ADDR;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = old[i];
        all &= e;
        wrong |= ((slot[i] ^ e) & ~PTE_AD) | (slot[i] & ~e) | lint_not_set(slot[i], e);
        apart |= (e & PTE_ADDR) ^ (frame + (i << 12));
        last = (e & PTE_ADDR) > last ? e & PTE_ADDR : last;
        anon += (e & PTE_ANON) != 0;
        zeroes += e == 0;
    }
    return (struct summary){ wrong, apart, all, anon, zeroes, last >> 12 };
}

/* --- frames in a row ---------------------------------------------------------------------- */

/* May another address space map them?  Each is mapped, by no entry with W, and is memory. */
FOR_EACH_CPU static uint64_t look_at_uses(const uint64_t *use, uint64_t n)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < n; i++)
        wrong |= (use[i] & (FRAME_WS | FRAME_TABLE | FRAME_TEXT)) | !(use[i] & FRAME_MAPS);
    return wrong;
}

/* always: FRAME_SHARED, or 0 for only those that another address space has. */
FOR_EACH_CPU static void map_row(uint64_t *use, const uint32_t *owner, uint32_t mm, uint64_t always,
                                 uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        use[i] = (use[i] + FRAME_MAP) | (owner[i] != mm ? FRAME_SHARED : always);
}

/* Nobody has them: no entry leads there, no flush is owed. */
FOR_EACH_CPU static uint64_t look_at_free(const uint64_t *use, struct duty *const *duties,
                                          uint64_t n)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < n; i++)
        wrong |=
            (use[i] & (FRAME_MAPS | FRAME_WS | FRAME_TABLE | FRAME_TEXT)) | (uintptr_t)duties[i];
    return wrong;
}

/* Neither a table nor the kernel's text? */
FOR_EACH_CPU static uint64_t look_at_kinds(const uint64_t *use, uint64_t n)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < n; i++)
        wrong |= use[i] & (FRAME_TABLE | FRAME_TEXT);
    return wrong;
}

/* frame_map() for each, without W. */
FOR_EACH_CPU static void map_file_row(uint64_t *use, uint32_t *owner, uint32_t mm, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t u = use[i];
        bool has = (u & FRAME_MAPS) != 0;
        uint32_t who = has ? owner[i] : mm;
        owner[i] = who;
        use[i] = (u + FRAME_MAP) | (who != mm ? FRAME_SHARED : 0);
    }
}

/* W goes from the one entry that each was told of. */
FOR_EACH_CPU static void protect_row(uint64_t *use, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        use[i] -= (use[i] & FRAME_WS) ? FRAME_W : 0;
}

/* frame_unmap() for each. */
FOR_EACH_CPU static void unmap_row(uint64_t *use, const word *old, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t u = use[i];
        u -= (u & FRAME_WS) ? (old[i] & PTE_W) * (FRAME_W / PTE_W) : 0;
        u -= (u & FRAME_MAPS) ? FRAME_MAP : 0;
        use[i] = (u & FRAME_MAPS) ? u : u & ~FRAME_SHARED;
    }
}

/* --- events ---------------------------------------------------------------------------------- */

/* The frames get one more entry each, if they can be what these entries say.  always: as above. */
static bool map_copies(struct lint *l, const struct summary *s, const word *new, uint64_t always,
                       uint64_t n)
{
    struct frames *f = &l->frames;
    uint64_t first = pte_frame(new[0]);
    if (s->wrong != 0 || s->last >= l->plain_end)
        return false;
    if (s->apart == 0) {
        if (look_at_uses(f->use + first, n) != 0)
            return false;
        map_row(f->use + first, f->owner + first, l->mm->id, always, n);
    } else {
        uint64_t wrong = 0;
        for (uint64_t i = 0; i < n; i++)
            wrong |= look_at_uses(f->use + pte_frame(new[i]), 1);
        if (wrong != 0)
            return false;
        for (uint64_t i = 0; i < n; i++) {
            frame_map(f, pte_frame(new[i]), l->mm->id, false);
            f->use[pte_frame(new[i])] |= always;
        }
    }
    l->has_nx |= (s->any & PTE_NX) != 0;
    return true;
}

static void fill(struct replay_table *t, unsigned first, const word *new, uint64_t n)
{
    memcpy(t->slot + first, new, 8 * n);
    t->used = (uint16_t)(t->used + n);
}

static bool is_users(const struct trace_ev_pte_range *r, uint64_t n)
{
    return r->va >= USER_LOWEST && r->va + (n << 12) <= USER_END;
}

/* To a table that nobody leads to yet.  When somebody does, S2 compares it with the shared one. */
static bool unshared(struct lint *l, const struct trace_ev_pte_range *r, const word *new,
                     uint64_t n)
{
    struct summary s = look_at_copies(new, l->table->slot + r->first, new, n);
    if (!is_users(r, n) || !map_copies(l, &s, new, FRAME_SHARED, n))
        return false;
    fill(l->table, r->first, new, n);
    lint_bulk_count(l, n);
    return true;
}

static bool copied(struct lint *l, const struct trace_ev_pte_range *r, const word *new, uint64_t n)
{
    if (l->copied_from == NULL || !is_users(r, n))
        return false;
    struct summary s =
        look_at_copies(new, l->table->slot + r->first, l->copied_from->slot + r->first, n);
    if (!map_copies(l, &s, new, 0, n))
        return false;
    fill(l->table, r->first, new, n);
    l->mm->leaves += (unsigned)n;
    l->mm->anon += (unsigned)s.anon;
    l->mm->anon_changes += s.anon;
    lint_bulk_count(l, n);
    return true;
}

/* What one fault brings.  Whether it may is asked for each page. */
static bool appeared(struct lint *l, const struct trace_ev_pte_range *r, const word *new,
                     uint64_t n)
{
    struct frames *f = &l->frames;
    struct lint_mm *mm = l->mm;
    if (!is_users(r, n))
        return false;
    struct summary s = look_at_fresh(new, l->table->slot + r->first, n);
    uint64_t first = pte_frame(new[0]);
    if (s.wrong != 0 || s.apart != 0 || s.last >= l->plain_end ||
        look_at_free(f->use + first, f->duties + first, n) != 0)
        return false;
    if (!lint_faults_range(l, r->reason, r->va, n))
        return false;
    for (uint64_t i = 0; i < n; i++)
        frame_map(f, first + i, mm->id, new[i] & PTE_W);
    fill(l->table, r->first, new, n);
    l->has_nx = true;
    mm->leaves += (unsigned)n;
    mm->anon += (unsigned)n;
    mm->anon_changes += n;
    lint_bulk_count(l, n);
    return true;
}

/* The pages of a file around the one that faulted. */
static bool file_appeared(struct lint *l, const struct trace_ev_pte_range *r, const word *new,
                          uint64_t n)
{
    struct frames *f = &l->frames;
    if (!is_users(r, n))
        return false;
    struct summary s = look_at_file(new, l->table->slot + r->first, n);
    uint64_t first = pte_frame(new[0]), wrong = 0;
    if (s.wrong != 0 || s.last >= l->plain_end)
        return false;
    if (s.apart == 0)
        wrong = look_at_kinds(f->use + first, n);
    for (uint64_t i = 0; s.apart != 0 && i < n; i++)
        wrong |= f->use[pte_frame(new[i])] & (FRAME_TABLE | FRAME_TEXT);
    if (wrong != 0 || !lint_faults_range(l, r->reason, r->va, n))
        return false;
    if (s.apart == 0)
        map_file_row(f->use + first, f->owner + first, l->mm->id, n);
    for (uint64_t i = 0; s.apart != 0 && i < n; i++)
        frame_map(f, pte_frame(new[i]), l->mm->id, false);
    fill(l->table, r->first, new, n);
    l->has_nx |= (s.any & PTE_NX) != 0;
    l->mm->leaves += (unsigned)n;
    lint_bulk_count(l, n);
    return true;
}

/* What fork leaves to both. */
static bool protected(struct lint *l, const struct trace_ev_pte_range *r, const word *old,
                      const word *new, uint64_t n)
{
    struct frames *f = &l->frames;
    uint64_t *slot = l->table->slot + r->first, first = pte_frame(new[0]);
    struct summary s = look_at_protected(old, new, slot, n);
    if (s.wrong != 0 || s.last >= l->plain_end)
        return false;
    if (s.apart == 0)
        protect_row(f->use + first, n);
    for (uint64_t i = 0; s.apart != 0 && i < n; i++)
        protect_row(f->use + pte_frame(new[i]), 1);
    memcpy(slot, new, 8 * n);
    lint_reuse_protected(l, r->va, first, n);
    lint_bulk_count(l, n);
    return true;
}

/* By a munmap that is recorded?  Then it has to be in its range. */
static bool may_be_cleared(const struct lint *l, const struct trace_ev_pte_range *r, uint64_t n)
{
    const struct lint_task *t = l->task;
    return r->reason != PT_munmap || t == NULL || !t->in_call || t->call != __NR_munmap ||
           (r->va - t->call_a0 < t->call_a1 && r->va + ((n - 1) << 12) - t->call_a0 < t->call_a1);
}

static bool cleared(struct lint *l, const struct trace_ev_pte_range *r, const word *old, uint64_t n)
{
    struct frames *f = &l->frames;
    struct lint_mm *mm = l->mm;
    uint64_t *slot = l->table->slot + r->first;
    struct summary s = look_at_cleared(old, slot, n);
    if (mm->cpus != 0 && !(s.any & PTE_P)) /* flushes are owed, for some */
        return false;
    if (!may_be_cleared(l, r, n) || s.wrong != 0 || s.zeroes != 0 || s.last >= l->plain_end ||
        mm->leaves < n || mm->anon < s.anon)
        return false;
    if (s.apart == 0)
        unmap_row(f->use + pte_frame(old[0]), old, n);
    else
        for (uint64_t i = 0; i < n; i++)
            frame_unmap(f, pte_frame(old[i]), old[i] & PTE_W);
    lint_reuse_cleared(l, r->va, old, n);
    memset(slot, 0, 8 * n);
    l->table->used = (uint16_t)(l->table->used - n);
    mm->leaves -= (unsigned)n;
    mm->anon -= (unsigned)s.anon;
    mm->anon_changes += s.anon;
    lint_bulk_count(l, n);
    return true;
}

/* What a range in steps stands for. */
FOR_EACH_CPU static void spread(uint64_t *entries, uint64_t first, uint64_t step, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        entries[i] = first + i * step;
}

/* Both sides of a range in whose slots there was something before, and is afterwards. */
static bool changed(struct lint *l, const struct trace_event *e, uint32_t n)
{
    const struct trace_ev_pte_range *r = e->fields;
    const struct trace_ev_pte_range_step *s = e->fields;
    uint64_t old[PT_SLOTS], new[PT_SLOTS];
    if (r->reason != PT_fork_wrprotect)
        return false;
    if (e->id == TRACE_EV_pte_range_step) {
        spread(old, s->old, s->old_step, n);
        spread(new, s->new, s->new_step, n);
    }
    for (uint32_t i = 0; e->id != TRACE_EV_pte_range_step && i < n; i++) {
        old[i] = trace_word(e, 2 * i);
        new[i] = trace_word(e, 2 * i + 1);
    }
    return protected(l, r, old, new, n);
}

bool lint_bulk(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_range *r = e->fields;
    const struct replay_table *t = l->table;
    const struct trace_ev_pte_range_step *s = e->fields;
    const word *entries = (const word *)e->seq;
    uint64_t stepped[PT_SLOTS];
    uint32_t n = trace_changes(e), kind = e->id;
    if (t == NULL || t->level != PT_LEVEL_PTE || r->level != PT_LEVEL_PTE || e->mm == 0 || n == 0 ||
        t->va + ((uint64_t)r->first << 12) != r->va)
        return false;
    if (kind == TRACE_EV_pte_range_step) {
        kind = s->old == 0 && s->old_step == 0   ? TRACE_EV_pte_range_new
               : s->new == 0 && s->new_step == 0 ? TRACE_EV_pte_range_old
                                                 : TRACE_EV_pte_range;
        bool is_new = kind == TRACE_EV_pte_range_new;
        if (kind != TRACE_EV_pte_range)
            spread(stepped, is_new ? s->new : s->old, is_new ? s->new_step : s->old_step, n);
        entries = stepped;
    }
    if (!l->is_linked)
        return kind == TRACE_EV_pte_range_new && r->reason == PT_table_unshare &&
               unshared(l, r, entries, n);
    if (kind == TRACE_EV_pte_range_new && !l->has_contents)
        return r->reason == PT_fork_copy     ? copied(l, r, entries, n)
               : r->reason == PT_demand_zero ? appeared(l, r, entries, n)
               : r->reason == PT_demand_file ? file_appeared(l, r, entries, n)
                                             : false;
    if (kind == TRACE_EV_pte_range_old)
        return (r->reason == PT_exit_teardown || r->reason == PT_exec_teardown ||
                r->reason == PT_munmap) &&
               cleared(l, r, entries, n);
    return kind == TRACE_EV_pte_range && changed(l, e, n);
}
