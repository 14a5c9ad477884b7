/* summary.c - vmm-trace summary: the tables of numbers about calls. */
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/trace/lib/calls.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/lib/format.h"

static const char *reason_name(unsigned reason)
{
    return reason < PT_REASON_MAX ? trace_value_name("pt_reason", reason) : "(unknown)";
}

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
    puts("caller: the address space of the caller as the call began (fork: the parent's;\n"
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

int command_summary(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse_directory,
        .args_doc = "DIR",
        .doc = "Shows, for each kind of call that makes, changes, ends or awaits a process, what "
               "it cost in page-table writes by reason, tables, faults, COW breaks, TLB flushes "
               "and waiting.",
    };
    const char *dir;
    argp_parse(&argp, argc, argv, 0, NULL, &dir);
    struct trace *t = open_trace(dir);
    if (t == NULL)
        return STATUS_TROUBLE;

    const struct trace_event *e;
    struct calls c;
    char span[24];
    calls_init(&c);
    while ((e = trace_next(t)) != NULL)
        calls_event(&c, e);
    calls_end(&c);

    const struct trace_meta *m = trace_meta(t);
    printf("%s: %" PRIu64 " events in %s on %" PRIu64 " vCPU%s, ", dir, c.events,
           format_ns(span, trace_ns(m, c.last_tsc - c.first_tsc)), m->ncpus,
           m->ncpus == 1 ? "" : "s");
    print_losses(stdout, t);
    putchar('\n');
    print_calls(&c);
    print_call_reasons(&c);
    print_after(&c);
    print_vfork_waits(&c, m);
    print_blocked(&c, m);
    print_totals(&c);
    calls_free(&c);
    return close_trace(t);
}
