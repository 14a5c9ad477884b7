/* feed.c - see feed.h. */
#include "vmm/trace/report/feed.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/lib/status.h"

/* The columns that all events have, then the three of entries. */
enum { C_ID, C_CPU, C_PID, C_MM, C_NS, C_CALL, C_N, C_OLD, C_NEW };
static const char common[] = "id:u cpu:u pid:u mm:u ns:t call:u n:u old:w new:w";

static bool is_page_table(uint32_t id)
{
    const struct trace_class *c = trace_class_of(id);
    for (const struct trace_field *f = c->fields; f->name != NULL; f++)
        if (strcmp(f->type, "pt_reason") == 0)
            return id != TRACE_EV_table_alloc && id != TRACE_EV_table_free;
    return false;
}

/* Has the field a column of its own, beside those of entries? */
static bool has_column(uint32_t id, const struct trace_field *f)
{
    if (!is_page_table(id))
        return f->kind != FIELD_SEQ;
    return f->kind != FIELD_SEQ && strcmp(f->name, "old") != 0 && strcmp(f->name, "new") != 0 &&
           strcmp(f->name, "len") != 0;
}

static char column_kind(const struct trace_field *f)
{
    return f->kind == FIELD_CHARS ? 's' : f->size == 8 ? 'w' : 'u';
}

void feed_init(struct feed *f, FILE *out, unsigned trace)
{
    pack_init(&f->pack, out, trace, "events", common);
    f->replay = need(replay_new(NULL, NULL));
    f->va = 0;
    for (unsigned i = 0; i < trace_class_count; i++) {
        const struct trace_class *c = &trace_classes[i];
        f->own[c->id] = f->pack.columns;
        for (const struct trace_field *x = c->fields; x->name != NULL; x++) {
            char *name;
            if (!has_column(c->id, x))
                continue;
            if (asprintf(&name, "%s.%s", c->name, x->name) < 0)
                out_of_memory();
            pack_column(&f->pack, name, column_kind(x));
            free(name);
        }
    }
}

static void put_fields(struct feed *f, const struct trace_event *e)
{
    unsigned column = f->own[e->id];
    const uint8_t *at = e->fields;
    for (const struct trace_field *x = trace_class_of(e->id)->fields; x->name != NULL;
         at += x->size, x++) {
        uint64_t v = 0;
        if (!has_column(e->id, x))
            continue;
        if (x->kind == FIELD_CHARS) {
            pack_s(&f->pack, column++, (const char *)at, x->size);
            continue;
        }
        memcpy(&v, at, x->size);
        if (strcmp(x->name, "va") == 0) {
            uint64_t va = v;
            v -= f->va;
            f->va = va;
        }
        if (x->size == 8)
            pack_w(&f->pack, column++, v);
        else
            pack_u(&f->pack, column++, (uint32_t)v);
    }
}

static void put_entries(struct feed *f, const struct trace_event *e, const struct entries *x)
{
    const struct replay_table *t = replay_table(f->replay, x->table_pfn);
    pack_u(&f->pack, C_N, x->n);
    for (uint32_t i = 0; i < x->n; i++) {
        struct trace_change c = entries_change(e, i);
        uint64_t held = t != NULL ? t->slot[(x->first + i) % PT_SLOTS] : 0;
        pack_w(&f->pack, C_OLD, c.old ^ held);
        pack_w(&f->pack, C_NEW, c.new);
    }
}

void feed_event(struct feed *f, const struct follow *now, const struct trace_event *e, uint64_t ns)
{
    struct entries x = entries_of(e);
    pack_u(&f->pack, C_ID, e->id);
    pack_u(&f->pack, C_CPU, e->cpu);
    pack_u(&f->pack, C_PID, e->pid);
    pack_u(&f->pack, C_MM, e->mm);
    pack_t(&f->pack, C_NS, ns);
    pack_u(&f->pack, C_CALL, (uint32_t)now->actor->call.number);
    put_fields(f, e);
    if (is_page_table(e->id))
        put_entries(f, e, &x);
    if (replay_event(f->replay, e) != 0)
        out_of_memory();
    pack_row(&f->pack);
    if (f->pack.rows == 0)
        f->va = 0;
}

void feed_end(struct feed *f)
{
    pack_flush(&f->pack);
    pack_free(&f->pack);
    replay_free(f->replay);
}
