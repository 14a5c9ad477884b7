/* entries.c - see entries.h. */
#include "vmm/trace/cmd/entries.h"

#include <inttypes.h>
#include <stdlib.h>

#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/status.h"

const char *reason_name(unsigned reason)
{
    return reason < PT_REASON_MAX ? trace_value_name("pt_reason", reason) : "(unknown)";
}

/* --- sums -------------------------------------------------------------------------------- */

void sums_event(struct entry_sums *s, const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_table_alloc: s->allocated++; return;
    case TRACE_EV_table_free: s->freed++; return;
    case TRACE_EV_page_fault: s->faults++; return;
    case TRACE_EV_tlb_flush: s->flushes++; return;
    }
    uint64_t n = event_writes(e);
    if (n == 0)
        return;
    unsigned reason = (unsigned)event_reason(e);
    s->writes[reason < PT_REASON_MAX ? reason : PT_REASON_MAX] += n;
}

static uint64_t total(const struct entry_sums *s)
{
    uint64_t n = 0;
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        n += s->writes[r];
    return n;
}

void sums_print(const struct entry_sums *s)
{
    const char *comma = ":";
    printf("entries %" PRIu64 " written", total(s));
    for (unsigned r = 0; r <= PT_REASON_MAX; r++) {
        if (s->writes[r] > 0) {
            printf("%s %" PRIu64 " %s", comma, s->writes[r], reason_name(r));
            comma = ",";
        }
    }
    printf("\ntables  %" PRIu64 " made, %" PRIu64 " freed; %" PRIu64 " page faults, %" PRIu64
           " TLB flushes\n",
           s->allocated, s->freed, s->faults, s->flushes);
}

void sums_json(const struct entry_sums *s, struct json *j)
{
    json_object(j, "writes");
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        if (s->writes[r] > 0)
            json_count(j, reason_name(r), s->writes[r]);
    json_object_end(j);
    json_count(j, "tables_made", s->allocated);
    json_count(j, "tables_freed", s->freed);
    json_count(j, "faults", s->faults);
    json_count(j, "tlb_flushes", s->flushes);
}

/* --- rows -------------------------------------------------------------------------------- */

static bool continues(const struct run *r, const struct trace_event *e, const struct entries *x)
{
    return r->mm == e->mm && r->pid == e->pid && r->level == x->level && r->reason == x->reason &&
           r->va + r->n * entry_span(r->level) == x->va;
}

static struct run *new_run(struct runs *r)
{
    if (r->n == r->capacity) {
        r->capacity = r->capacity != 0 ? 2 * r->capacity : 64;
        r->at = need(realloc(r->at, r->capacity * sizeof(r->at[0])));
    }
    return &r->at[r->n++];
}

void runs_event(struct runs *r, const struct follow *f, const struct trace_event *e)
{
    struct entries x = entries_of(e);
    if (x.n == 0)
        return;
    struct run *last = r->n > 0 ? &r->at[r->n - 1] : NULL;
    if (last == NULL || !continues(last, e, &x)) {
        last = new_run(r);
        *last = (struct run){ .va = x.va,
                              .event = f->event,
                              .first = entries_change(e, 0),
                              .mm = e->mm,
                              .pid = e->pid,
                              .level = (uint8_t)x.level,
                              .reason = (uint8_t)x.reason };
    }
    last->n += x.n;
    last->changed += event_writes(e);
}

void runs_print(const struct runs *r, size_t most)
{
    if (r->n > 0)
        printf("\n%9s  %5s %-6s %-18s %8s  %-14s %s\n", "event", "mm", "level", "from address",
               "changed", "reason", "first change");
    for (size_t i = 0; i < r->n && i < most; i++) {
        const struct run *x = &r->at[i];
        printf("%9" PRIu64 "  %5u %-6s %#-18" PRIx64 " %8" PRIu64 "  %-14s ", x->event, x->mm,
               trace_value_name("pt_level", x->level), x->va, x->changed, reason_name(x->reason));
        format_pte(stdout, x->first.old);
        fputs(" -> ", stdout);
        format_pte(stdout, x->first.new);
        putchar('\n');
    }
    if (r->n > most)
        printf("%9s  %zu more rows: --all\n", "...", r->n - most);
}

void runs_json(const struct runs *r, struct json *j)
{
    json_array(j, "entries");
    for (size_t i = 0; i < r->n; i++) {
        const struct run *x = &r->at[i];
        json_row(j);
        json_count(j, "event", x->event);
        json_count(j, "mm", x->mm);
        json_text(j, "level", trace_value_name("pt_level", x->level));
        json_hex(j, "va", x->va);
        json_count(j, "entries", x->n);
        json_count(j, "changed", x->changed);
        json_text(j, "reason", reason_name(x->reason));
        json_hex(j, "first_old", x->first.old);
        json_hex(j, "first_new", x->first.new);
        json_object_end(j);
    }
    json_array_end(j);
}

void runs_free(struct runs *r) { free(r->at); }
