/* at.c - vmm-trace at: what an address space looked like at a moment. */
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/machine.h"
#include "vmm/trace/cmd/space_option.h"

struct options {
    const char *dir;
    struct moment at;
    bool json;
    struct space_option space;
    uint64_t va, end;
};

/* --- all of them, a line each ------------------------------------------------------------ */

struct spaces {
    struct machine *m;
    struct json *json; /* NULL: text */
    uint32_t *mm;
    size_t n;
};

static void who_has(void *arg, void *record)
{
    const struct actor *a = record;
    struct spaces *s = arg;
    char who[WHO_BYTES];
    if (a->mm != s->mm[s->n] || a->ended || a->reaped || a->head.pid == 0)
        return;
    if (s->json != NULL)
        json_count(s->json, NULL, a->head.pid);
    else
        printf(" %s", who_text(who, a));
}

static void one_space(struct spaces *s)
{
    struct leaves l;
    uint32_t mm = s->mm[s->n];
    machine_leaves(s->m, mm, &l);
    if (s->json != NULL) {
        json_row(s->json);
        json_count(s->json, "mm", mm);
        json_count(s->json, "tables", l.tables);
        json_count(s->json, "pages", l.pages);
        json_array(s->json, "tasks");
    } else {
        printf("%6u %8" PRIu64 " %10" PRIu64 " ", mm, l.tables, l.pages);
    }
    idmap_each(s->m->follow.actors, who_has, s);
    if (s->json != NULL) {
        json_array_end(s->json);
        json_object_end(s->json);
    } else {
        putchar('\n');
    }
    leaves_free(&l);
}

static int all_spaces(struct machine *m, struct json *json)
{
    struct spaces s = { .m = m, .json = json };
    size_t n = replay_roots(m->replay, &s.mm);
    if (s.mm == NULL)
        out_of_memory();
    if (json == NULL)
        printf("%6s %8s %10s  %s\n", "mm", "tables", "4K pages", "tasks");
    else
        json_array(json, "spaces");
    for (; s.n < n; s.n++)
        one_space(&s);
    if (json != NULL)
        json_array_end(json);
    free(s.mm);
    return STATUS_OK;
}

/* --- one --------------------------------------------------------------------------------- */

static int one_by_name(struct machine *m, const struct options *o, struct json *json)
{
    struct leaves l;
    uint32_t mm = o->space.by_pid ? machine_mm_of(m, o->space.pid) : o->space.mm;
    if ((o->space.by_pid && mm == 0) || !machine_leaves(m, mm, &l)) {
        fflush(stdout);
        fprintf(stderr,
                o->space.by_pid ? "vmm-trace: task %u has no address space then\n"
                                : "vmm-trace: there is no address space %u then\n",
                o->space.by_pid ? o->space.pid : o->space.mm);
        return STATUS_TROUBLE;
    }
    if (json != NULL) {
        json_count(json, "mm", mm);
        json_count(json, "tables", l.tables);
        json_count(json, "pages", l.pages);
        leaves_json(&l, json, o->va, o->end);
    } else {
        printf("address space %u: %" PRIu64 " tables, %" PRIu64 " pages of 4 KiB\n", mm, l.tables,
               l.pages);
        leaves_print(&l, o->va, o->end);
    }
    leaves_free(&l);
    return STATUS_OK;
}

/* --- the command ------------------------------------------------------------------------- */

static int run(const struct options *o)
{
    struct machine m;
    struct json json;
    char when[MOMENT_BYTES];
    struct trace *t = open_trace(o->dir);
    if (t == NULL)
        return STATUS_TROUBLE;
    machine_start(&m, t);
    if (!machine_go(&m, &o->at)) {
        machine_free(&m);
        close_trace(t);
        return STATUS_TROUBLE;
    }
    if (o->json) {
        json_begin(&json, stdout);
        json_count(&json, "event", m.event);
        json_count(&json, "ns", trace_ns(trace_meta(t), m.tsc - m.first_tsc));
    } else {
        printf("after event %" PRIu64 ", at %s\n", m.event,
               moment_text(when, t, m.first_tsc, m.tsc));
    }
    struct json *j = o->json ? &json : NULL;
    int status = o->space.by_mm || o->space.by_pid ? one_by_name(&m, o, j) : all_spaces(&m, j);
    if (o->json)
        json_end(&json);
    machine_free(&m);
    int closed = close_trace(t);
    return status != STATUS_OK ? status : closed;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'v': range_option(state, arg, &o->va, &o->end); return 0;
    case 'j': o->json = true; return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            o->dir = arg;
        else if (state->arg_num == 1)
            o->at = moment_option(state, arg);
        else
            argp_error(state, "DIR and T, please");
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which DIR?"); return 0;
    }
    return parse_space_option(key, arg, state, &o->space);
}

int command_at(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "pid", 'p', "N", 0, "The address space that task N has then", 0 },
        { "mm", 'm', "N", 0, "Address space N (0: the kernel's half)", 0 },
        { "va", 'v', "FROM[-TO]", 0, "Only what touches these addresses", 0 },
        { "json", 'j', NULL, 0, "As JSON, each entry by itself", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR [T]",
        .doc = "Shows the address spaces as they were at T (" MOMENT_HELP "), or at the end: "
               "without options who has which, else the pages of one, neighbours of equal rights "
               "in a row.",
    };
    struct options o = { .end = UINT64_MAX };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
