/* print.c - vmm-trace print: the events as lines, or as JSON objects. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/cmd/moment.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/format.h"

struct options {
    const char *dir;
    bool by_pid, by_mm, by_call, by_va, json, full, wall;
    uint32_t pid, mm;
    uint64_t call, va, va_end;
    uint64_t classes;            /* a bit for each id; 0: all */
    int pt_reason, block_reason; /* -1: all */
    struct moment from, to;
    uint64_t head;
};

static const struct argp_option option_list[] = {
    { "pid", 'p', "N", 0, "Events while task N runs, or that name it", 0 },
    { "mm", 'm', "N", 0, "Events about address space N (0: the kernel's)", 0 },
    { "event", 'e', "NAME", 0, "Events of this kind; may be given several times", 0 },
    { "call", 'c', "N", 0, "Events of call N", 0 },
    { "va", 'v', "FROM[-TO]", 0, "Events about these addresses", 0 },
    { "from", 'f', "T", 0, "From T on: " MOMENT_HELP, 0 },
    { "to", 't', "T", 0, "Up to T", 0 },
    { "reason", 'r', "R", 0, "Page-table writes for reason R, or tasks blocked for it", 0 },
    { "full", 'F', NULL, 0, "All entries of ranges, not only the first groups", 0 },
    { "wall", 'w', NULL, 0, "Times since 1970, as babeltrace2 --clock-seconds has them", 0 },
    { "json", 'j', NULL, 0, "An object a line", 0 },
    { "head", 'n', "N", 0, "Only the first N of them", 0 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

static void choose_reason(struct options *o, struct argp_state *state, const char *name)
{
    o->pt_reason = trace_value_named("pt_reason", name);
    o->block_reason = trace_value_named("block_reason", name);
    if (o->pt_reason >= 0 || o->block_reason >= 0)
        return;
    fputs("reasons of page-table writes:", stderr);
    for (unsigned v = 0; v < PT_REASON_MAX; v++)
        fprintf(stderr, " %s", trace_value_name("pt_reason", v));
    fputs("\nreasons to block:", stderr);
    for (unsigned v = 0; v < BLOCK_REASON_MAX; v++)
        fprintf(stderr, " %s", trace_value_name("block_reason", v));
    fputc('\n', stderr);
    argp_error(state, "no reason '%s'", name);
}

static void choose_event(struct options *o, struct argp_state *state, const char *name)
{
    const struct trace_class *class = trace_class_named(name);
    if (class == NULL)
        argp_error(state, "no event '%s'", name);
    else
        o->classes |= 1ull << class->id;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'p':
        o->by_pid = true;
        o->pid = (uint32_t)number_option(state, arg, UINT32_MAX);
        return 0;
    case 'm':
        o->by_mm = true;
        o->mm = (uint32_t)number_option(state, arg, UINT32_MAX);
        return 0;
    case 'e': choose_event(o, state, arg); return 0;
    case 'c':
        o->by_call = true;
        o->call = number_option(state, arg, UINT64_MAX);
        return 0;
    case 'v':
        o->by_va = true;
        range_option(state, arg, &o->va, &o->va_end);
        return 0;
    case 'f': o->from = moment_option(state, arg); return 0;
    case 't': o->to = moment_option(state, arg); return 0;
    case 'F': o->full = true; return 0;
    case 'w': o->wall = true; return 0;
    case 'r': choose_reason(o, state, arg); return 0;
    case 'j': o->json = true; return 0;
    case 'n': o->head = number_option(state, arg, UINT64_MAX); return 0;
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->dir; return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static bool names_task(const struct trace_event *e, uint32_t pid)
{
    static const char *const fields[] = {
        "task", "child", "to", "parent", "prev_pid", "next_pid", "on_pid", "by_pid", "tgid",
    };
    uint64_t v;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (field_value(e, fields[i], &v) && v == pid)
            return true;
    return false;
}

static bool has_reason(const struct options *o, const struct trace_event *e)
{
    uint64_t v;
    if (!field_value(e, "reason", &v))
        return false;
    return (int)v == (e->id == TRACE_EV_task_state ? o->block_reason : o->pt_reason);
}

/* Addresses that an event is about: first and last; false: about none. */
static bool addresses(const struct trace_event *e, uint64_t *first, uint64_t *last)
{
    const struct trace_ev_tlb_flush *flush = e->fields;
    const struct trace_ev_table_alloc *table = e->fields;
    const struct trace_ev_vma_special *special = e->fields;
    const struct trace_ev_contents *pages = e->fields;
    struct entries x = entries_of(e);
    if (x.n > 0) {
        *first = x.va;
        *last = x.va + x.n * entry_span(x.level) - 1;
    } else if (e->id == TRACE_EV_tlb_flush) {
        *first = flush->start;
        *last = flush->end == 0 ? UINT64_MAX : flush->end - 1;
    } else if (e->id == TRACE_EV_table_alloc || e->id == TRACE_EV_table_free) {
        *first = table->va;
        *last = table->va + (entry_span(table->level) << 9) - 1;
    } else if (e->id == TRACE_EV_vma_special) {
        *first = special->start;
        *last = special->end - 1;
    } else if (e->id == TRACE_EV_contents) {
        *first = pages->va;
        *last = pages->va + ((uint64_t)pages->pages << 12) - 1;
    } else if (e->id == TRACE_EV_page_fault) {
        *first = *last = ((const struct trace_ev_page_fault *)e->fields)->va;
    } else {
        return false;
    }
    return true;
}

static bool touches(const struct options *o, const struct trace_event *e)
{
    uint64_t first, last;
    return addresses(e, &first, &last) && first <= o->va_end && last >= o->va;
}

static bool wanted(const struct options *o, const struct follow *f, const struct trace_event *e)
{
    return (o->classes == 0 || (o->classes >> e->id & 1)) && (!o->by_mm || e->mm == o->mm) &&
           (!o->by_call || (o->call != 0 && f->actor->call.number == o->call)) &&
           (!o->by_pid || e->pid == o->pid || names_task(e, o->pid)) &&
           (!o->by_va || touches(o, e)) &&
           ((o->pt_reason < 0 && o->block_reason < 0) || has_reason(o, e));
}

/* "461  1.098772014 cpu0 sleep[5]     mm 5   call 14 pte_write ..." */
static void print_line(const struct options *o, const struct follow *f, const struct trace_event *e,
                       uint64_t ns)
{
    char who[WHO_BYTES] = "[0]", when[MOMENT_BYTES], call[32] = "";
    if (e->pid != 0)
        who_text(who, f->actor);
    if (f->actor->call.number != 0)
        snprintf(call, sizeof(call), "call %" PRIu64 " ", f->actor->call.number);
    printf("%8" PRIu64 " %14s cpu%u %-12s mm %-3u %s", f->event, format_seconds(when, ns), e->cpu,
           who, e->mm, call);
    (o->full ? format_event_full : format_event)(stdout, e);
    putchar('\n');
}

/* A field of the event may have a name of those in front: then it is the same. */
static void print_json(const struct options *o, const struct follow *f, const struct trace_event *e,
                       uint64_t ns)
{
    (void)o;
    printf("{\"number\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"tsc\":\"%" PRIu64
           "\",\"cpu\":%u,\"pid\":%u,",
           f->event, ns, e->tsc, e->cpu, e->pid);
    if (!has_field(e, "comm"))
        printf("\"comm\":\"%s\",", f->actor->head.comm);
    printf("\"mm\":%u,", e->mm);
    if (f->actor->call.number != 0)
        printf("\"call\":%" PRIu64 ",", f->actor->call.number);
    printf("\"event\":\"%s\"", trace_class_of(e->id)->name);
    format_event_json(stdout, e);
    fputs("}\n", stdout);
}

static int run(const struct options *o)
{
    struct trace *t = open_trace(o->dir);
    struct follow f;
    const struct trace_event *e;
    if (t == NULL)
        return STATUS_TROUBLE;
    follow_init(&f, sizeof(struct actor));
    bool started = o->from.kind == MOMENT_NONE;
    uint64_t printed = 0;
    while (printed < o->head && (e = trace_next(t)) != NULL) {
        follow_event(&f, e);
        if (moment_passed(&o->to, t, f.first_tsc, f.event, e->tsc))
            break;
        started = started || moment_reached(&o->from, t, f.first_tsc, f.event, e->tsc);
        if (!started || !wanted(o, &f, e))
            continue;
        uint64_t ns = o->wall ? moment_1970(trace_meta(t), e->tsc)
                              : trace_ns(trace_meta(t), e->tsc - f.first_tsc);
        (o->json ? print_json : print_line)(o, &f, e, ns);
        printed++;
    }
    if (printed == 0 && o->head > 0)
        fputs("vmm-trace: no such event\n", stderr);
    follow_free(&f);
    return close_trace(t);
}

int command_print(int argc, char **argv)
{
    static const struct argp directory = { .parser = parse_directory };
    static const struct argp_child children[] = { { &directory, 0, NULL, 0 },
                                                  { NULL, 0, NULL, 0 } };
    static const struct argp argp = {
        option_list,
        parse,
        "DIR",
        "Prints events: number, seconds since the first one, CPU, task, address space (mm) that "
        "the "
        "event is about, call, kind, fields.  Neighbouring entries of a range that differ only by "
        "their frames, in order, are one: 255 x ... pfn=0x166-0x264.",
        children,
        NULL,
        NULL,
    };
    struct options o = { .pt_reason = -1, .block_reason = -1, .head = UINT64_MAX };
    argp_parse(&argp, argc, argv, 0, NULL, &o);

    return run(&o);
}
