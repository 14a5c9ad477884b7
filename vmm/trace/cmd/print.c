/* print.c - vmm-trace print: the events as lines, or as JSON objects. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/lib/comm.h"
#include "vmm/trace/lib/format.h"

struct options {
    const char *dir;
    bool by_pid, by_mm, json;
    uint32_t pid, mm;
    const struct trace_class *class; /* NULL: all */
    int pt_reason, block_reason;     /* -1: all */
    uint64_t head;
};

static const struct argp_option option_list[] = {
    { "pid", 'p', "N", 0, "Events while task N runs, or that name it", 0 },
    { "mm", 'm', "N", 0, "Events about address space N (0: the kernel's)", 0 },
    { "event", 'e', "NAME", 0, "Events of this kind", 0 },
    { "reason", 'r', "R", 0, "Page-table writes for reason R, or tasks blocked for it", 0 },
    { "json", 'j', NULL, 0, "An object a line", 0 },
    { "head", 'n', "N", 0, "Only the first N of them", 0 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

static uint64_t number(struct argp_state *state, const char *arg, uint64_t max)
{
    char *end;
    errno = 0;
    uint64_t v = strtoull(arg, &end, 0);
    if (errno != 0 || end == arg || *end != '\0' || *arg == '-' || v > max)
        argp_error(state, "'%s' is not a number that can be meant", arg);
    return v;
}

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

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'p':
        o->by_pid = true;
        o->pid = (uint32_t)number(state, arg, UINT32_MAX);
        return 0;
    case 'm':
        o->by_mm = true;
        o->mm = (uint32_t)number(state, arg, UINT32_MAX);
        return 0;
    case 'e':
        o->class = trace_class_named(arg);
        if (o->class == NULL)
            argp_error(state, "no event '%s'", arg);
        return 0;
    case 'r': choose_reason(o, state, arg); return 0;
    case 'j': o->json = true; return 0;
    case 'n': o->head = number(state, arg, UINT64_MAX); return 0;
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->dir; return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static bool names_task(const struct trace_event *e, uint32_t pid)
{
    static const char *const fields[] = {
        "task", "child", "to", "parent", "prev_pid", "next_pid", "on_pid", "by_pid",
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

static bool wanted(const struct options *o, const struct trace_event *e)
{
    return (o->class == NULL || e->class == o->class) && (!o->by_mm || e->mm == o->mm) &&
           (!o->by_pid || e->pid == o->pid || names_task(e, o->pid)) &&
           ((o->pt_reason < 0 && o->block_reason < 0) || has_reason(o, e));
}

static void print_line(const struct trace_event *e, uint64_t ns, const struct task_head *task)
{
    char who[48];
    if (task->comm[0] != '\0')
        snprintf(who, sizeof(who), "%s[%u]", task->comm, e->pid);
    else
        snprintf(who, sizeof(who), "[%u]", e->pid);
    printf("%9" PRIu64 ".%03" PRIu64 "us cpu%u %-12s mm %-3u ", ns / 1000, ns % 1000, e->cpu, who,
           e->mm);
    format_event(stdout, e);
    putchar('\n');
}

static void print_json(const struct trace_event *e, uint64_t ns, const struct task_head *task)
{
    printf("{\"ns\":%" PRIu64 ",\"tsc\":\"%" PRIu64 "\",\"cpu\":%u,\"pid\":%u,\"comm\":\"%s\","
           "\"mm\":%u,\"event\":\"%s\"",
           ns, e->tsc, e->cpu, e->pid, task->comm, e->mm, e->class->name);
    format_event_json(stdout, e);
    fputs("}\n", stdout);
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
        "Prints events: time since the first one, CPU, task, address space (mm) that the event "
        "is about, kind, fields.",
        children,
        NULL,
        NULL,
    };
    struct options o = { .pt_reason = -1, .block_reason = -1, .head = UINT64_MAX };
    argp_parse(&argp, argc, argv, 0, NULL, &o);

    struct trace *t = open_trace(o.dir);
    struct idmap *tasks = need(idmap_new(sizeof(struct task_head)));
    if (t == NULL)
        return STATUS_TROUBLE;

    const struct trace_event *e;
    uint64_t start = 0, printed = 0;
    for (bool first = true; printed < o.head && (e = trace_next(t)) != NULL; first = false) {
        if (first)
            start = e->tsc;
        comm_follow(tasks, e);
        if (!wanted(&o, e))
            continue;
        uint64_t ns = trace_ns(trace_meta(t), e->tsc - start);
        (o.json ? print_json : print_line)(e, ns, need(idmap_get(tasks, e->pid)));
        printed++;
    }
    idmap_free(tasks);
    return close_trace(t);
}
