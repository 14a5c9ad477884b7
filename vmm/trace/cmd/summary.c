/* summary.c - vmm-trace summary: the tables of numbers about calls. */
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/cmd/json_option.h"
#include "vmm/trace/cmd/verdicts.h"
#include "vmm/trace/lib/cursor.h"
#include "vmm/trace/lib/format.h"

static void print_calls(const struct calls *c)
{
    printf("\n%-12s %6s %6s | PTE writes in tables of    | tables        |\n", "", "", "");
    printf("%-12s %6s %6s | %8s %8s %8s | %6s %6s | %6s %6s %7s\n", "call", "calls", "failed",
           "caller", "other", "kernel", "alloc", "freed", "faults", "COW", "flushes");
    for (unsigned k = 0; k < CALL_KINDS; k++) {
        const struct call_row *r = &c->row[k];
        if (r->calls == 0)
            continue;
        printf("%-12s %6" PRIu64 " %6" PRIu64 " | %8" PRIu64 " %8" PRIu64 " %8" PRIu64
               " | %6" PRIu64 " %6" PRIu64 " | %6" PRIu64 " %6" PRIu64 " %7" PRIu64 "\n",
               call_kind_names[k], r->calls, r->failed, cost_writes(&r->cost, SIDE_CALLER),
               cost_writes(&r->cost, SIDE_OTHER), cost_writes(&r->cost, SIDE_KERNEL),
               r->cost.allocated, r->cost.freed, r->cost.faults, cost_cow(&r->cost),
               r->cost.tlb_flushes);
    }
    puts("From mmap on: those that wrote entries, unless trace.syscalls=1 recorded all; faults:\n"
         "those outside of recorded calls.\n"
         "caller: the address space of the caller as the call began (fork: the parent's;\n"
         "exec: the old one).  other: the child's, or the new image's.  kernel: its stacks.");
}

static void print_call_reasons(const struct calls *c)
{
    printf("\n%-12s %-14s %8s %8s %8s %10s\n", "call", "PTE writes for", "caller", "other",
           "kernel", "per call");
    for (unsigned k = 0; k < CALL_KINDS; k++) {
        const struct call_row *row = &c->row[k];
        for (unsigned r = 0; r <= PT_REASON_MAX; r++) {
            uint64_t caller = row->cost.writes[SIDE_CALLER][r];
            uint64_t other = row->cost.writes[SIDE_OTHER][r];
            uint64_t kernel = row->cost.writes[SIDE_KERNEL][r];
            if (caller + other + kernel == 0)
                continue;
            printf("%-12s %-14s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10.1f\n",
                   call_kind_names[k], reason_name(r), caller, other, kernel,
                   (double)(caller + other + kernel) / (double)row->calls);
        }
    }
}

static void print_after(const struct calls *c)
{
    bool any = false;
    for (unsigned k = CALL_fork; k <= CALL_clone; k++) {
        const struct call_row *r = &c->row[k];
        if (r->calls == 0 || k == CALL_thread)
            continue;
        if (!any)
            printf("\n%-12s | then, until the child's exec or exit\n%-12s | %13s %9s %14s %10s\n",
                   "", "call", "child: faults", "COW", "parent: faults", "COW");
        any = true;
        printf("%-12s | %13" PRIu64 " %9" PRIu64 " %14" PRIu64 " %10" PRIu64 "\n",
               call_kind_names[k], r->child_faults, r->child_cow, r->parent_faults, r->parent_cow);
    }
}

static int compare_ticks(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* "n min median max"; sorts the samples. */
static void print_durations(const struct trace_meta *m, const char *name, const struct samples *s)
{
    char min[24], median[24], max[24];
    qsort(s->at, s->n, sizeof(s->at[0]), compare_ticks);
    printf("%-12s %6zu %10s %10s %10s", name, s->n, format_ns(min, trace_ns(m, s->at[0])),
           format_ns(median, trace_ns(m, s->at[(s->n - 1) / 2])),
           format_ns(max, trace_ns(m, s->at[s->n - 1])));
}

static void print_vfork_waits(const struct calls *c, const struct trace_meta *m)
{
    bool any = false;
    for (unsigned k = 0; k < CALL_KINDS; k++) {
        const struct call_row *r = &c->row[k];
        if (r->blocked.n == 0)
            continue;
        if (!any)
            printf("\n%-12s %6s %10s %10s %10s   %s\n", "parent waits", "n", "min", "median", "max",
                   "ended by");
        any = true;
        print_durations(m, call_kind_names[k], &r->blocked);
        const char *comma = "   ";
        for (unsigned cause = RELEASE_exec; cause <= RELEASE_killed; cause++) {
            if (r->ended_by[cause] > 0) {
                printf("%s%s %" PRIu64, comma, trace_value_name("release_cause", cause),
                       r->ended_by[cause]);
                comma = ", ";
            }
        }
        putchar('\n');
    }
}

static void print_blocked(const struct calls *c, const struct trace_meta *m)
{
    bool any = false;
    for (unsigned r = 0; r < BLOCK_REASON_MAX; r++) {
        if (c->blocked[r].n == 0)
            continue;
        if (!any)
            printf("\n%-12s %6s %10s %10s %10s\n", "blocked for", "n", "min", "median", "max");
        any = true;
        print_durations(m, trace_value_name("block_reason", r), &c->blocked[r]);
        putchar('\n');
    }
}

static void print_totals(const struct calls *c)
{
    uint64_t total = cost_writes(&c->all, SIDE_OTHER) + cost_writes(&c->all, SIDE_KERNEL);
    printf("\n%-14s %10s %10s %10s %12s\n", "all PTE writes", "user", "kernel", "events", "bytes");
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        if (c->write_events[r] > 0)
            printf("%-14s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n",
                   reason_name(r), c->all.writes[SIDE_OTHER][r], c->all.writes[SIDE_KERNEL][r],
                   c->write_events[r], c->bytes[r]);
    printf("%" PRIu64 " writes; user tables: %" PRIu64 " allocated, %" PRIu64 " freed; %" PRIu64
           " page faults, %" PRIu64 " COW breaks, %" PRIu64 " TLB flushes\n",
           total, c->all.allocated, c->all.freed, c->all.faults, cost_cow(&c->all),
           c->all.tlb_flushes);
    printf("checkpoint at the start: %" PRIu64 " tables with %" PRIu64 " entries\n",
           c->checkpoint_tables, c->checkpoint_entries);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void json_writes(struct json *j, const char *key, const uint64_t *writes)
{
    json_object(j, key);
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        if (writes[r] > 0)
            json_count(j, reason_name(r), writes[r]);
    json_object_end(j);
}

static void json_samples(struct json *j, const struct trace_meta *m, const struct samples *s)
{
    qsort(s->at, s->n, sizeof(s->at[0]), compare_ticks);
    json_count(j, "n", s->n);
    if (s->n == 0)
        return;
    json_count(j, "min_ns", trace_ns(m, s->at[0]));
    json_count(j, "median_ns", trace_ns(m, s->at[(s->n - 1) / 2]));
    json_count(j, "max_ns", trace_ns(m, s->at[s->n - 1]));
}

static void json_cost(struct json *j, const struct cost *c)
{
    json_object(j, "writes");
    json_writes(j, "caller", c->writes[SIDE_CALLER]);
    json_writes(j, "other", c->writes[SIDE_OTHER]);
    json_writes(j, "kernel", c->writes[SIDE_KERNEL]);
    json_object_end(j);
    json_count(j, "tables_made", c->allocated);
    json_count(j, "tables_freed", c->freed);
    json_count(j, "faults", c->faults);
    json_count(j, "cow_breaks", cost_cow(c));
    json_count(j, "tlb_flushes", c->tlb_flushes);
}

static void json_row_of(struct json *j, const struct trace_meta *m, unsigned kind,
                        const struct call_row *r)
{
    json_row(j);
    json_text(j, "call", call_kind_names[kind]);
    json_count(j, "calls", r->calls);
    json_count(j, "failed", r->failed);
    json_cost(j, &r->cost);
    if (kind <= CALL_clone && kind != CALL_thread) {
        json_object(j, "until_child_execs_or_exits");
        json_count(j, "child_faults", r->child_faults);
        json_count(j, "child_cow_breaks", r->child_cow);
        json_count(j, "parent_faults", r->parent_faults);
        json_count(j, "parent_cow_breaks", r->parent_cow);
        json_object_end(j);
    }
    if (r->blocked.n > 0) {
        json_object(j, "parent_waits");
        json_samples(j, m, &r->blocked);
        for (unsigned cause = RELEASE_exec; cause <= RELEASE_killed; cause++)
            json_count(j, trace_value_name("release_cause", cause), r->ended_by[cause]);
        json_object_end(j);
    }
    json_object_end(j);
}

void summary_json(struct json *j, struct calls *c, const struct trace *t)
{
    const struct trace_meta *m = trace_meta(t);
    json_count(j, "events", c->follow.event);
    json_count(j, "ns", trace_ns(m, c->follow.last_tsc - c->follow.first_tsc));
    json_count(j, "ncpus", m->ncpus);
    json_bool(j, "complete", !trace_has_gap(t));
    json_text(j, "audit", m->verdict);
    json_array(j, "calls");
    for (unsigned k = 0; k < CALL_KINDS; k++)
        if (c->row[k].calls > 0)
            json_row_of(j, m, k, &c->row[k]);
    json_array_end(j);
    json_array(j, "blocked");
    for (unsigned r = 0; r < BLOCK_REASON_MAX; r++) {
        if (c->blocked[r].n == 0)
            continue;
        json_row(j);
        json_text(j, "reason", trace_value_name("block_reason", r));
        json_samples(j, m, &c->blocked[r]);
        json_object_end(j);
    }
    json_array_end(j);
    json_object(j, "all");
    json_writes(j, "user", c->all.writes[SIDE_OTHER]);
    json_writes(j, "kernel", c->all.writes[SIDE_KERNEL]);
    json_count(j, "tables_made", c->all.allocated);
    json_count(j, "tables_freed", c->all.freed);
    json_count(j, "faults", c->all.faults);
    json_count(j, "cow_breaks", cost_cow(&c->all));
    json_count(j, "tlb_flushes", c->all.tlb_flushes);
    json_object_end(j);
}

int command_summary(int argc, char **argv)
{
    static const char doc[] =
        "Shows, for each kind of call that makes, changes, ends or awaits a process, what "
        "it cost in page-table writes by reason, tables, faults, COW breaks, TLB flushes "
        "and waiting.";
    struct json_option o;
    struct trace *t = open_trace_or_json(argc, argv, doc, &o);
    if (t == NULL)
        return STATUS_TROUBLE;

    const struct trace_event *e;
    struct calls c;
    char span[24];
    calls_init(&c);
    while ((e = trace_next_inline(t)) != NULL)
        calls_event(&c, e);
    calls_end(&c);

    const struct trace_meta *m = trace_meta(t);
    if (o.json) {
        struct json j;
        json_begin(&j, stdout);
        summary_json(&j, &c, t);
        json_end(&j);
        calls_free(&c);
        return close_trace(t);
    }
    printf("%s: %" PRIu64 " events in %s on %" PRIu64 " vCPU%s, ", o.dir, c.follow.event,
           format_ns(span, trace_ns(m, c.follow.last_tsc - c.follow.first_tsc)), m->ncpus,
           m->ncpus == 1 ? "" : "s");
    print_losses(stdout, t);
    putchar('\n');
    if (m->verdict[0] != '\0')
        printf("audit: %s\n", m->verdict);
    print_calls(&c);
    print_call_reasons(&c);
    print_after(&c);
    print_vfork_waits(&c, m);
    print_blocked(&c, m);
    print_totals(&c);
    calls_free(&c);
    return close_trace(t);
}
