/* machine.c - see machine.h.
 *
 * To come to a moment, all events before it are replayed: 30 ns each, so a third of a
 * second for ten million (measured, 400 MB).  Checkpoints in the trace would cost every run; an
 * index written by the tool would have to be trusted. */
#include "vmm/trace/cmd/machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/status.h"

void machine_start(struct machine *m, struct trace *t)
{
    memset(m, 0, sizeof(*m));
    m->trace = t;
    m->replay = need(replay_new(NULL, NULL));
    follow_init(&m->follow, sizeof(struct actor));
}

void machine_free(struct machine *m)
{
    replay_free(m->replay);
    follow_free(&m->follow);
}

/* Only what tells which task has which address space, and which are gone. */
static bool is_about_tasks(uint32_t id)
{
    return id == TRACE_EV_switch || id == TRACE_EV_exec || id == TRACE_EV_exec_args ||
           id == TRACE_EV_clone || id == TRACE_EV_task_state;
}

bool machine_go(struct machine *m, const struct moment *to)
{
    for (;;) {
        const struct trace_event *e = m->pending != NULL ? m->pending : trace_next(m->trace);
        m->pending = NULL;
        if (e == NULL)
            break;
        if (m->event == 0)
            m->first_tsc = e->tsc;
        if (to->kind != MOMENT_NONE &&
            moment_passed(to, m->trace, m->first_tsc, m->event + 1, e->tsc)) {
            m->pending = e;
            break;
        }
        m->event++;
        m->tsc = e->tsc;
        if (is_about_tasks(e->id))
            follow_event(&m->follow, e);
        else if (replay_event(m->replay, e) != 0)
            out_of_memory();
    }
    if (m->event == 0)
        fprintf(stderr, "vmm-trace: %s\n",
                m->pending != NULL ? "that was before the first event" : "there are no events");
    return m->event != 0;
}

uint32_t machine_mm_of(struct machine *m, uint32_t pid)
{
    const struct actor *a = idmap_find(m->follow.actors, pid);
    return a != NULL ? a->mm : 0;
}

/* --- walking ----------------------------------------------------------------------------- */

static void add_leaf(struct leaves *l, uint64_t va, uint32_t level, uint64_t entry)
{
    if (l->n == l->capacity) {
        l->capacity = l->capacity != 0 ? 2 * l->capacity : 1024;
        l->at = need(realloc(l->at, l->capacity * sizeof(l->at[0])));
    }
    l->at[l->n++] = (struct leaf){ va, entry, level };
    if (entry & PTE_P)
        l->pages += 1ull << (9 * (level - 1));
}

static uint64_t canonical(uint64_t va) { return va & (1ull << 47) ? va | ~0ull << 47 : va; }

/* A lower table has a lower level, so this goes no deeper than four, whatever the entries say. */
static void walk(const struct machine *m, uint32_t pfn, unsigned level, uint64_t va, unsigned from,
                 unsigned to, struct leaves *l)
{
    const struct replay_table *t = replay_table(m->replay, pfn);
    if (t == NULL || t->level != level)
        return;
    l->tables++;
    for (unsigned i = from; i < to; i++) {
        uint64_t entry = t->slot[i];
        uint64_t at = canonical(va + ((uint64_t)i << (12 + 9 * (level - 1))));
        bool is_leaf = level == PT_LEVEL_PTE || (entry & PTE_PS) || !(entry & PTE_P);
        if (entry == 0)
            continue;
        if (is_leaf)
            add_leaf(l, at, level, entry);
        else if (pte_frame(entry) <= UINT32_MAX)
            walk(m, (uint32_t)pte_frame(entry), level - 1, at, 0, PT_SLOTS, l);
    }
}

bool machine_leaves(struct machine *m, uint32_t mm, struct leaves *out)
{
    uint32_t root;
    memset(out, 0, sizeof(*out));
    if (!replay_root(m->replay, mm, &root))
        return false;
    walk(m, root, PT_LEVEL_PGD, 0, mm == 0 ? PT_SLOTS / 2 : 0, mm == 0 ? PT_SLOTS : PT_SLOTS / 2,
         out);
    return true;
}

void leaves_free(struct leaves *l)
{
    free(l->at);
    memset(l, 0, sizeof(*l));
}

/* --- rows -------------------------------------------------------------------------------- */

static const char *const size_names[] = { "", "4K", "2M", "1G", "512G" };

static uint64_t span(uint32_t level) { return 1ull << (12 + 9 * (level - 1)); }

char *rights_text(char buf[RIGHTS_BYTES], uint64_t e)
{
    snprintf(buf, RIGHTS_BYTES, "%c%c%c %s%s%s", e & PTE_P ? 'r' : '-', e & PTE_W ? 'w' : '-',
             e & PTE_P && !(e & PTE_NX) ? 'x' : '-', e & PTE_U ? "user" : "kernel",
             e & PTE_COW  ? " COW"
             : e & PTE_WP ? " WP"
                          : "",
             e & PTE_P ? "" : " not present");
    return buf;
}

static uint64_t flags(uint64_t entry) { return entry & ~(PTE_AD | PTE_ADDR); }

/* The row that begins at i: how many leaves, and whether their frames are neighbours, too. */
static size_t row_length(const struct leaves *l, size_t i, bool *in_order)
{
    const struct leaf *a = &l->at[i];
    size_t n = 1;
    *in_order = true;
    for (; i + n < l->n; n++) {
        const struct leaf *b = &l->at[i + n];
        if (b->level != a->level || b->va != a->va + n * span(a->level) ||
            flags(b->entry) != flags(a->entry))
            break;
        *in_order &= pte_frame(b->entry) == pte_frame(a->entry) + (n << (9 * (a->level - 1)));
    }
    return n;
}

void leaves_print(const struct leaves *l, uint64_t va, uint64_t end)
{
    char rights[RIGHTS_BYTES];
    size_t n;
    bool in_order;
    for (size_t i = 0; i < l->n; i += n) {
        const struct leaf *a = &l->at[i];
        n = row_length(l, i, &in_order);
        uint64_t last = a->va + n * span(a->level) - 1;
        if (last < va || a->va > end)
            continue;
        printf("%#14" PRIx64 "-%#-14" PRIx64 " %7zu x %-4s %-20s pfn %#" PRIx64 "%s\n", a->va,
               last + 1, n, size_names[a->level], rights_text(rights, a->entry),
               pte_frame(a->entry),
               n == 1     ? ""
               : in_order ? " and on"
                          : ", ...");
    }
}

void leaves_json(const struct leaves *l, struct json *j, uint64_t va, uint64_t end)
{
    json_array(j, "entries");
    for (size_t i = 0; i < l->n; i++) {
        const struct leaf *a = &l->at[i];
        if (a->va + span(a->level) - 1 < va || a->va > end)
            continue;
        json_row(j);
        json_hex(j, "va", a->va);
        json_text(j, "level", trace_value_name("pt_level", a->level));
        json_hex(j, "entry", a->entry);
        json_object_end(j);
    }
    json_array_end(j);
}
