/* diff.c - vmm-trace diff: two calls, two moments or address spaces, two traces. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/cmd/machine.h"
#include "vmm/trace/lib/calls.h"
#include "vmm/trace/lib/format.h"

/* What is given twice is for one side each; what is given once, for both. */
struct options {
    const char *dir[2];
    uint64_t call[2];
    struct moment at[2];
    uint32_t pid[2], mm[2];
    unsigned dirs, calls, ats, pids, mms;
    bool json;
};

/* --- rows of two numbers ----------------------------------------------------------------- */

struct table {
    struct json *json; /* NULL: text */
    unsigned rows;
};

static void table_row(struct table *t, const char *group, const char *what, uint64_t a, uint64_t b)
{
    if (a == 0 && b == 0)
        return;
    t->rows++;
    if (t->json != NULL) {
        json_row(t->json);
        json_text(t->json, "of", group);
        json_text(t->json, "what", what);
        json_count(t->json, "first", a);
        json_count(t->json, "second", b);
        json_object_end(t->json);
        return;
    }
    printf("%-12s %-18s %12" PRIu64 " %12" PRIu64, group, what, a, b);
    if (a == b)
        puts("            =");
    else
        printf(" %+12" PRId64 "\n", (int64_t)(b - a));
}

static void table_head(struct table *t, const char *first, const char *second)
{
    if (t->json != NULL)
        json_array(t->json, "rows");
    else
        printf("%-12s %-18s %12s %12s %12s\n", "", "", first, second, "");
}

static void table_end(struct table *t)
{
    if (t->json != NULL)
        json_array_end(t->json);
}

/* --- two calls --------------------------------------------------------------------------- */

struct one_call {
    uint64_t number, from, to, blocked;
    struct actor *who;
    unsigned nr;
    struct entry_sums sums;
};

static void feed_call(struct one_call *c, const struct follow *f, const struct trace_event *e)
{
    if (f->actor->call.number != c->number)
        return;
    if (c->who == NULL) {
        c->who = f->actor;
        c->nr = f->actor->call.nr;
        c->from = e->tsc;
    }
    c->to = e->tsc;
    sums_event(&c->sums, e);
}

static void call_rows(struct table *t, const struct one_call c[2], const struct trace_meta *m)
{
    table_row(t, "time", "ns", trace_ns(m, c[0].to - c[0].from), trace_ns(m, c[1].to - c[1].from));
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        table_row(t, "entries", reason_name(r), c[0].sums.writes[r], c[1].sums.writes[r]);
    table_row(t, "tables", "made", c[0].sums.allocated, c[1].sums.allocated);
    table_row(t, "tables", "freed", c[0].sums.freed, c[1].sums.freed);
    table_row(t, "", "page faults", c[0].sums.faults, c[1].sums.faults);
    table_row(t, "", "TLB flushes", c[0].sums.flushes, c[1].sums.flushes);
}

static int diff_calls(const struct options *o, struct trace *t, struct json *json)
{
    struct one_call c[2] = { { .number = o->call[0] }, { .number = o->call[1] } };
    const struct trace_event *e;
    struct follow f;
    follow_init(&f, sizeof(struct actor));
    while ((e = trace_next(t)) != NULL) {
        follow_event(&f, e);
        feed_call(&c[0], &f, e);
        feed_call(&c[1], &f, e);
    }
    int status = STATUS_OK;
    for (unsigned i = 0; i < 2 && status == STATUS_OK; i++)
        if (c[i].who == NULL) {
            fprintf(stderr, "vmm-trace: no call %" PRIu64 "; the last one is %" PRIu64 "\n",
                    c[i].number, f.calls);
            status = STATUS_TROUBLE;
        }
    if (status == STATUS_OK) {
        char head[2][40];
        for (unsigned i = 0; i < 2; i++)
            snprintf(head[i], sizeof(head[i]), "%" PRIu64 " %s", c[i].number, call_name(c[i].nr));
        struct table table = { json, 0 };
        table_head(&table, head[0], head[1]);
        call_rows(&table, c, trace_meta(t));
        table_end(&table);
    }
    follow_free(&f);
    return status;
}

/* --- two moments, or two address spaces -------------------------------------------------- */

struct differences {
    struct json *json;
    uint64_t n;
    /* The row under way: neighbours that changed in the same way. */
    struct leaf before, after;
    uint64_t row;
};

static uint64_t rights(uint64_t entry) { return entry & ~(PTE_AD | PTE_ADDR); }

static void end_row(struct differences *d)
{
    char before[RIGHTS_BYTES] = "-", after[RIGHTS_BYTES] = "-";
    const struct leaf *x = d->before.entry != 0 ? &d->before : &d->after;
    if (d->row == 0)
        return;
    if (d->before.entry != 0)
        rights_text(before, d->before.entry);
    if (d->after.entry != 0)
        rights_text(after, d->after.entry);
    bool moved = d->before.entry != 0 && d->after.entry != 0 &&
                 pte_frame(d->before.entry) != pte_frame(d->after.entry);
    uint64_t end = x->va + d->row * entry_span(x->level);
    if (d->json != NULL) {
        json_row(d->json);
        json_hex(d->json, "va", x->va);
        json_hex(d->json, "end", end);
        json_text(d->json, "level", trace_value_name("pt_level", x->level));
        json_hex(d->json, "first", d->before.entry);
        json_hex(d->json, "second", d->after.entry);
        json_object_end(d->json);
    } else {
        printf("%#14" PRIx64 "-%#-14" PRIx64 " %7" PRIu64 "  %-20s %-20s %s\n", x->va, end, d->row,
               before, after, moved ? "another frame" : "");
    }
    d->row = 0;
}

static bool same_row(const struct differences *d, const struct leaf *a, const struct leaf *b)
{
    const struct leaf *x = a->entry != 0 ? a : b,
                      *r = d->before.entry != 0 ? &d->before : &d->after;
    bool moves = a->entry != 0 && b->entry != 0 && pte_frame(a->entry) != pte_frame(b->entry);
    bool moved = d->before.entry != 0 && d->after.entry != 0 &&
                 pte_frame(d->before.entry) != pte_frame(d->after.entry);
    return d->row > 0 && x->level == r->level && x->va == r->va + d->row * entry_span(r->level) &&
           (a->entry == 0) == (d->before.entry == 0) && (b->entry == 0) == (d->after.entry == 0) &&
           rights(a->entry) == rights(d->before.entry) &&
           rights(b->entry) == rights(d->after.entry) && moves == moved;
}

static void differ(struct differences *d, const struct leaf *a, const struct leaf *b)
{
    static const struct leaf none;
    a = a != NULL ? a : &none;
    b = b != NULL ? b : &none;
    d->n++;
    if (!same_row(d, a, b)) {
        end_row(d);
        d->before = *a;
        d->after = *b;
    }
    d->row++;
}

/* Both are in the order of addresses. */
static void compare(struct differences *d, const struct leaves *a, const struct leaves *b)
{
    size_t i = 0, k = 0;
    while (i < a->n || k < b->n) {
        const struct leaf *x = i < a->n ? &a->at[i] : NULL, *y = k < b->n ? &b->at[k] : NULL;
        if (y == NULL || (x != NULL && x->va < y->va)) {
            differ(d, x, NULL);
            i++;
        } else if (x == NULL || y->va < x->va) {
            differ(d, NULL, y);
            k++;
        } else {
            if (((x->entry ^ y->entry) & ~PTE_AD) != 0 || x->level != y->level)
                differ(d, x, y);
            i++;
            k++;
        }
    }
    end_row(d);
}

static bool leaves_then(const struct options *o, struct machine *m, unsigned side, struct leaves *l)
{
    uint32_t mm = o->mms > 0 ? o->mm[side] : machine_mm_of(m, o->pid[side]);
    if (!(mm == 0 && o->mms == 0) && machine_leaves(m, mm, l))
        return true;
    fprintf(stderr, "vmm-trace: no such address space after event %" PRIu64 "\n", m->event);
    return false;
}

static int diff_moments(const struct options *o, struct trace *t, struct json *json)
{
    struct machine m;
    struct leaves l[2] = { { .n = 0 }, { .n = 0 } };
    uint64_t event[2];
    int status = STATUS_TROUBLE;
    machine_start(&m, t);
    for (unsigned i = 0; i < 2; i++) {
        if (!machine_go(&m, &o->at[i]))
            goto out;
        event[i] = m.event;
        if (i > 0 && moment_passed(&o->at[1], t, m.first_tsc, m.event, m.tsc)) {
            fputs("vmm-trace: the second --at is before the first\n", stderr);
            goto out;
        }
        if (!leaves_then(o, &m, i, &l[i]))
            goto out;
    }
    struct differences d = { .json = json };
    if (json != NULL)
        json_array(json, "entries");
    else
        printf("after events %" PRIu64 " and %" PRIu64 "; %" PRIu64 " and %" PRIu64
               " pages, %" PRIu64 " and %" PRIu64 " tables\n",
               event[0], event[1], l[0].pages, l[1].pages, l[0].tables, l[1].tables);
    compare(&d, &l[0], &l[1]);
    if (json != NULL) {
        json_array_end(json);
        json_count(json, "different", d.n);
    } else {
        printf("%" PRIu64 " entries differ\n", d.n);
    }
    status = STATUS_OK;
out:
    leaves_free(&l[0]);
    leaves_free(&l[1]);
    machine_free(&m);
    return status;
}

/* --- two traces -------------------------------------------------------------------------- */

static void sum_up(struct trace *t, struct calls *c)
{
    const struct trace_event *e;
    calls_init(c);
    while ((e = trace_next(t)) != NULL)
        calls_event(c, e);
    calls_end(c);
}

static uint64_t all_sides(const struct cost *c, unsigned r)
{
    return c->writes[SIDE_CALLER][r] + c->writes[SIDE_OTHER][r] + c->writes[SIDE_KERNEL][r];
}

static void kind_rows(struct table *t, const char *name, const struct call_row *a,
                      const struct call_row *b)
{
    table_row(t, name, "calls", a->calls, b->calls);
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        table_row(t, name, reason_name(r), all_sides(&a->cost, r), all_sides(&b->cost, r));
    table_row(t, name, "tables made", a->cost.allocated, b->cost.allocated);
    table_row(t, name, "tables freed", a->cost.freed, b->cost.freed);
    table_row(t, name, "page faults", a->cost.faults, b->cost.faults);
    table_row(t, name, "TLB flushes", a->cost.tlb_flushes, b->cost.tlb_flushes);
}

static int diff_traces(struct trace *t[2], struct json *json)
{
    struct calls c[2];
    struct table table = { json, 0 };
    sum_up(t[0], &c[0]);
    sum_up(t[1], &c[1]);
    table_head(&table, "first", "second");
    table_row(&table, "all", "events", c[0].follow.event, c[1].follow.event);
    for (unsigned k = 0; k < CALL_KINDS; k++)
        kind_rows(&table, call_kind_names[k], &c[0].row[k], &c[1].row[k]);
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        table_row(&table, "all", reason_name(r), all_sides(&c[0].all, r), all_sides(&c[1].all, r));
    table_end(&table);
    calls_free(&c[0]);
    calls_free(&c[1]);
    return STATUS_OK;
}

/* --- the command ------------------------------------------------------------------------- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    unsigned *n = key == 'c' ? &o->calls : key == 't' ? &o->ats : key == 'p' ? &o->pids : &o->mms;
    if ((key == 'c' || key == 't' || key == 'p' || key == 'm') && *n == 2)
        argp_error(state, "a diff has two sides");
    switch (key) {
    case 'c': o->call[o->calls++] = number_option(state, arg, UINT64_MAX); return 0;
    case 't': o->at[o->ats++] = moment_option(state, arg); return 0;
    case 'p': o->pid[o->pids++] = (uint32_t)number_option(state, arg, UINT32_MAX); return 0;
    case 'm': o->mm[o->mms++] = (uint32_t)number_option(state, arg, UINT32_MAX); return 0;
    case 'j': o->json = true; return 0;
    case ARGP_KEY_ARG:
        if (o->dirs == 2)
            argp_error(state, "two DIRs at most");
        o->dir[o->dirs++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->dirs == 0)
            argp_error(state, "which DIR?");
        if (o->dirs == 1 && o->calls != 2 &&
            (o->pids + o->mms == 0 || o->ats + o->pids + o->mms < 3))
            argp_error(state, "one DIR needs two --call; or two --at, or two of --pid or --mm, and "
                              "one of the other");
        if (o->pids > 0 && o->mms > 0)
            argp_error(state, "--pid or --mm");
        if ((o->dirs == 2 && o->calls + o->ats + o->pids + o->mms > 0) ||
            (o->calls > 0 && o->ats + o->pids + o->mms > 0))
            argp_error(state,
                       "two traces, or two calls, or address spaces at moments: one of them");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int run(struct options *o)
{
    struct trace *t[2] = { NULL, NULL };
    struct json json, *j = o->json ? &json : NULL;
    if (!open_traces(o->dir, o->dirs, t))
        return STATUS_TROUBLE;
    if (o->ats < 2)
        o->at[1] = o->at[0];
    if (o->pids < 2)
        o->pid[1] = o->pid[0];
    if (o->mms < 2)
        o->mm[1] = o->mm[0];
    if (j != NULL)
        json_begin(j, stdout);
    int status = o->dirs == 2    ? diff_traces(t, j)
                 : o->calls == 2 ? diff_calls(o, t[0], j)
                                 : diff_moments(o, t[0], j);
    if (j != NULL)
        json_end(j);
    for (unsigned i = 0; i < o->dirs; i++) {
        int closed = close_trace(t[i]);
        status = status != STATUS_OK ? status : closed;
    }
    return status;
}

int command_diff(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "call", 'c', "N", 0, "Two of them: what the calls cost", 0 },
        { "at", 't', "T", 0, "Two of them, in order: what changed in between (" MOMENT_HELP ")",
          0 },
        { "pid", 'p', "N", 0, "The address space of task N; two: one against the other", 0 },
        { "mm", 'm', "N", 0, "Address space N; two: one against the other", 0 },
        { "json", 'j', NULL, 0, "As JSON", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR [DIR2]",
        .doc =
            "Compares two traces by what their calls cost; or two calls of one; or an address "
            "space at two moments; or two address spaces, as a parent's and its child's, at one.",
    };
    struct options o = { .dirs = 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
