/* csv.c - events as RFC 4180 has comma-separated values: a heading, CRLF line ends, texts in
 * quotes.
 *
 * A column for each name that a field has in any kind of event, so that a program can take the
 * file without knowing the kinds.  A range of page-table entries is a line for each that
 * changed, with the columns of a single write; the event's number says what belongs together. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/export/export.h"
#include "vmm/trace/export/lives.h"
#include "vmm/trace/export/text.h"
#include "vmm/trace/lib/changes.h"
#include "vmm/trace/lib/status.h"

#define COLUMNS_MAX 128

struct cell {
    const struct trace_field *field; /* NULL: this kind of event has none of that name */
    unsigned at;                     /* bytes before it */
};

struct csv {
    struct export *x;
    struct lives lives;
    const char *column[COLUMNS_MAX];
    unsigned columns;
    struct cell cell[TRACE_ID_LIMIT][COLUMNS_MAX];
};

/* Its number; made if need be. */
static unsigned column_named(struct csv *c, const char *name)
{
    unsigned k = 0;
    while (k < c->columns && strcmp(c->column[k], name) != 0)
        k++;
    if (k == c->columns && k + 1 < COLUMNS_MAX)
        c->column[c->columns++] = name;
    return k;
}

/* A range has those of pte_write. */
static void find_columns(struct csv *c)
{
    for (unsigned i = 0; i < trace_class_count; i++) {
        const struct trace_class *class = &trace_classes[i];
        unsigned at = 0;
        for (const struct trace_field *f = class->fields;
             !is_pte_range(class->id) && f->name != NULL; f++) {
            c->cell[class->id][column_named(c, f->name)] = (struct cell){ f, at };
            at += f->size;
        }
    }
}

static void text(FILE *out, const char *s, size_t n) { text_csv(out, s, strnlen(s, n)); }

static void field(FILE *out, const struct trace_field *f, const uint8_t *at)
{
    uint64_t v = 0;
    if (f->kind == FIELD_CHARS) {
        text(out, (const char *)at, f->size);
        return;
    }
    memcpy(&v, at, f->size);
    switch (f->kind) {
    case FIELD_ENUM: fputs(trace_value_name(f->type, (unsigned)v), out); break;
    case FIELD_HEX: fprintf(out, "%#" PRIx64, v); break;
    case FIELD_SINT: fprintf(out, "%" PRId64, f->size == 4 ? (int32_t)v : (int64_t)v); break;
    default: fprintf(out, "%" PRIu64, v); break;
    }
}

/* What all lines begin with. */
static void front(struct csv *c, const struct trace_event *e, const char *kind)
{
    const struct follow *f = &c->lives.follow;
    const struct task *t = lives_actor(&c->lives);
    FILE *out = c->x->out;
    fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",", f->event,
            export_ns(c->x, e->tsc), e->cpu, e->pid);
    text(out, t != NULL ? t->life.name : "", LIFE_NAME);
    fprintf(out, ",%" PRIu32 ",", e->mm);
    if (f->actor->call.number != 0)
        fprintf(out, "%" PRIu64 ",%s", f->actor->call.number, call_name(f->actor->call.nr));
    else
        putc(',', out);
    fprintf(out, ",%s", kind);
}

static void plain_line(struct csv *c, const struct trace_event *e)
{
    FILE *out = c->x->out;
    front(c, e, trace_class_of(e->id)->name);
    for (unsigned k = 0; k < c->columns; k++) {
        const struct cell *cell = &c->cell[e->id][k];
        putc(',', out);
        if (cell->field != NULL)
            field(out, cell->field, (const uint8_t *)e->fields + cell->at);
    }
    fputs("\r\n", out);
}

/* As if it were a pte_write. */
static void entry_line(struct csv *c, const struct trace_event *e, const struct entries *x,
                       uint32_t i)
{
    struct trace_change change = entries_change(e, i);
    struct trace_ev_pte_write w = { .va = x->va + i * entry_span(x->level),
                                    .table_pfn = x->table_pfn,
                                    .index = (uint16_t)(x->first + i),
                                    .level = (uint8_t)x->level,
                                    .reason = (uint8_t)x->reason,
                                    .old = change.old,
                                    .new = change.new };
    struct trace_event one = *e;
    if (change.old == change.new && x->n > 1)
        return;
    one.id = TRACE_EV_pte_write;
    one.fields = &w;
    plain_line(c, &one);
}

static void take_event(struct csv *c, const struct trace_event *e)
{
    lives_event(&c->lives, e);
    struct entries x = entries_of(e);
    for (uint32_t i = 0; i < x.n; i++)
        entry_line(c, e, &x, i);
    if (x.n == 0)
        plain_line(c, e);
}

bool export_csv(struct export *x)
{
    static const struct lives_listener listener = { 0 };
    struct csv *c = need(calloc(1, sizeof(*c)));
    const struct trace_event *e;
    c->x = x;
    lives_init(&c->lives, sizeof(struct task), &listener, c);
    find_columns(c);
    fputs("number,ns,cpu,pid,comm,mm,call,call_name,event", x->out);
    for (unsigned k = 0; k < c->columns; k++)
        fprintf(x->out, ",%s%s", strcmp(c->column[k], "comm") == 0 ? "new_" : "", c->column[k]);
    fputs("\r\n", x->out);
    while ((e = export_next(x)) != NULL)
        take_event(c, e);
    lives_free(&c->lives);
    free(c);
    return true;
}
