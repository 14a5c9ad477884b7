/* who_wrote.c - vmm-trace who-wrote: the last change, or all changes, of the entries through
 * which an address is reached.
 *
 * An address has an entry at each level of each address space; a change inside a range
 * event counts like one of its own.
 *
 * A fork may leave a table to parent and child.  Then the child's entry was written in its parent's name, and
 * perhaps before there was a child.  So the last change is kept for each live table, too, and of an address
 * space that lives the tables are asked to which its root leads. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/pte.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/cmd/moment.h"
#include "vmm/trace/cmd/space_option.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/json.h"

struct options {
    const char *dir;
    uint64_t va;
    bool json, all;
    struct space_option space;
    struct moment at;
};

/* A change of one entry, with all that a row says. */
struct change {
    bool seen;
    uint8_t level, reason;
    uint16_t nr; /* of the call */
    uint64_t event, tsc, call, fault;
    uint32_t mm, pid, table_pfn, index;
    char comm[17];
    struct trace_change value;
};

struct space {
    uint32_t mm;
    bool lives;
    uint32_t root_pfn;
    struct change last[PT_LEVEL_PGD + 1]; /* by level, in tables that were its own */
};

/* A live table, and its entry for the address. */
struct table {
    uint32_t pfn;
    uint8_t level;
    uint64_t born; /* the event; 0: a number without a table */
    struct change last;
};

/* The tables through which an address space reaches the address, from the root down. */
struct path {
    const struct table *at[PT_LEVEL_PGD + 1]; /* by level; NULL: it is not reached */
};

struct view {
    const struct options *o;
    struct trace *trace;
    struct follow follow;
    struct idmap *spaces, *tables;
    struct change *all; /* with --all: every change */
    size_t n, capacity;
    struct json json;
    uint64_t shown;
};

/* --- rows -------------------------------------------------------------------------------- */

static void cause_text(char *buf, size_t size, const struct change *c)
{
    if (c->call != 0)
        snprintf(buf, size, "call %" PRIu64 " %s", c->call, call_name(c->nr));
    else if (c->fault != 0)
        snprintf(buf, size, "fault #%" PRIu64, c->fault);
    else
        snprintf(buf, size, "-");
}

/* In address space mm, if it is not that in whose name the entry was written. */
static void print_row(struct view *v, const struct change *c, uint32_t mm)
{
    char when[MOMENT_BYTES], who[WHO_BYTES], cause[48];
    if (v->shown == 0)
        printf("%14s %9s  %-18s %-20s %4s %-5s %-14s %s\n", "time", "event", "who", "in", "mm",
               "level", "reason", "change");
    snprintf(who, sizeof(who), "%s[%u]", c->comm, c->pid);
    cause_text(cause, sizeof(cause), c);
    printf("%14s %9" PRIu64 "  %-18s %-20s %4u %-5s %-14s ",
           moment_text(when, v->trace, v->follow.first_tsc, c->tsc), c->event, who, cause, mm,
           trace_value_name("pt_level", c->level), reason_name(c->reason));
    format_pte(stdout, c->value.old);
    fputs(" -> ", stdout);
    format_pte(stdout, c->value.new);
    if (c->mm != mm)
        printf(" (a table shared with mm %u)", c->mm);
    putchar('\n');
}

static void json_change(struct view *v, const struct change *c, uint32_t mm)
{
    struct json *j = &v->json;
    json_row(j);
    json_count(j, "event", c->event);
    json_count(j, "ns", trace_ns(trace_meta(v->trace), c->tsc - v->follow.first_tsc));
    json_count(j, "pid", c->pid);
    json_text(j, "comm", c->comm);
    if (c->call != 0) {
        json_count(j, "call", c->call);
        json_text(j, "call_name", call_name(c->nr));
    }
    if (c->fault != 0)
        json_count(j, "fault_event", c->fault);
    json_count(j, "mm", mm);
    if (c->mm != mm)
        json_count(j, "written_in_mm", c->mm);
    json_text(j, "level", trace_value_name("pt_level", c->level));
    json_hex(j, "table_pfn", c->table_pfn);
    json_count(j, "index", c->index);
    json_text(j, "reason", reason_name(c->reason));
    json_hex(j, "old", c->value.old);
    json_hex(j, "new", c->value.new);
    json_object_end(j);
}

static void show(struct view *v, const struct change *c, uint32_t mm)
{
    (v->o->json ? json_change : print_row)(v, c, mm);
    v->shown++;
}

/* --- tables ------------------------------------------------------------------------------ */

static void table_event(struct view *v, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *a = e->fields;
    const struct trace_ev_mm_create *m = e->fields;
    struct space *s;
    switch (e->id) {
    case TRACE_EV_table_alloc: {
        struct table *t = need(idmap_get(v->tables, a->table_pfn));
        t->level = a->level;
        t->born = v->follow.event;
        t->last.seen = false;
        break;
    }
    case TRACE_EV_table_free: idmap_remove(v->tables, a->table_pfn); break;
    case TRACE_EV_mm_create:
        s = need(idmap_get(v->spaces, e->mm));
        s->lives = true;
        s->root_pfn = m->root_pfn;
        break;
    case TRACE_EV_mm_free:
        if ((s = idmap_find(v->spaces, e->mm)) != NULL)
            s->lives = false;
        break;
    }
}

/* Kernel addresses have their tables in common, so of a program's there is the root's entry only. */
static struct path path_of(struct view *v, uint32_t mm)
{
    struct path p = { { NULL } };
    const struct space *s = idmap_find(v->spaces, mm);
    uint32_t pfn = s != NULL && s->lives ? s->root_pfn : 0;
    unsigned lowest = mm != 0 && v->o->va >> 47 != 0 ? PT_LEVEL_PGD : PT_LEVEL_PTE;
    for (unsigned level = PT_LEVEL_PGD; level >= lowest && pfn != 0; level--) {
        const struct table *t = idmap_find(v->tables, pfn);
        if (t == NULL || t->level != level || !t->last.seen)
            break;
        p.at[level] = t;
        uint64_t entry = t->last.value.new;
        bool leads_on = (entry & PTE_P) && !(entry & PTE_PS) && pte_frame(entry) <= UINT32_MAX;
        pfn = leads_on ? (uint32_t)pte_frame(entry) : 0;
    }
    return p;
}

/* --- finding them ------------------------------------------------------------------------ */

static bool wanted(struct view *v, uint32_t mm)
{
    if (v->o->space.by_mm)
        return mm == v->o->space.mm;
    return !v->o->space.by_pid || mm == follow_actor(&v->follow, v->o->space.pid)->mm;
}

/* Which of them are wanted is known at the end, as a task may have another address space then. */
static void keep(struct view *v, const struct change *c)
{
    if (v->n == v->capacity) {
        v->capacity = v->capacity != 0 ? 2 * v->capacity : 64;
        v->all = need(realloc(v->all, v->capacity * sizeof(v->all[0])));
    }
    v->all[v->n++] = *c;
}

static void take_event(struct view *v, const struct trace_event *e)
{
    struct entries x = entries_of(e);
    if (x.n == 0) {
        table_event(v, e);
        return;
    }
    uint64_t i = (v->o->va - x.va) / entry_span(x.level); /* huge if it lies before */
    if (i >= x.n)
        return;
    struct trace_change value = entries_change(e, (uint32_t)i);
    if (value.old == value.new)
        return;
    const struct actor *a = v->follow.actor;
    struct table *t = need(idmap_get(v->tables, x.table_pfn));
    struct change c = {
        .seen = true,
        .level = (uint8_t)x.level,
        .reason = (uint8_t)x.reason,
        .event = v->follow.event,
        .tsc = e->tsc,
        .call = a->call.number,
        .nr = a->call.nr,
        .fault = a->fault.event,
        .mm = e->mm,
        .pid = e->pid,
        .table_pfn = x.table_pfn,
        .index = x.first + (uint32_t)i,
        .value = value,
    };
    memcpy(c.comm, a->head.comm, sizeof(c.comm));
    t->level = c.level;
    t->last = c;
    if (v->o->all) {
        keep(v, &c);
        return;
    }
    struct space *s = need(idmap_get(v->spaces, e->mm));
    s->last[x.level] = c;
}

static int by_number(const void *a, const void *b)
{
    const struct space *x = *(struct space *const *)a, *y = *(struct space *const *)b;
    return x->mm < y->mm ? -1 : x->mm > y->mm;
}

struct list {
    struct space **at;
    size_t n;
};

static void collect(void *arg, void *record)
{
    struct list *l = arg;
    l->at[l->n++] = record;
}

static void show_space(struct view *v, const struct space *s)
{
    struct path p = path_of(v, s->mm);
    for (unsigned level = PT_LEVEL_PGD; level >= PT_LEVEL_PTE; level--) {
        const struct change *c = p.at[level] != NULL ? &p.at[level]->last : &s->last[level];
        if (c->seen)
            show(v, c, s->mm);
    }
}

static void show_last(struct view *v)
{
    struct list l = { need(calloc(idmap_count(v->spaces) + 1, sizeof(struct space *))), 0 };
    idmap_each(v->spaces, collect, &l);
    qsort(l.at, l.n, sizeof(l.at[0]), by_number);
    for (size_t i = 0; i < l.n; i++)
        if (wanted(v, l.at[i]->mm))
            show_space(v, l.at[i]);
    free(l.at);
}

/* Every change that is still there to be seen from a wanted address space, or was made in its name. */
static void show_all(struct view *v)
{
    uint32_t mm = v->o->space.by_mm ? v->o->space.mm : 0;
    if (v->o->space.by_pid)
        mm = follow_actor(&v->follow, v->o->space.pid)->mm;
    struct path p = { { NULL } };
    if (v->o->space.by_mm || v->o->space.by_pid)
        p = path_of(v, mm);
    for (size_t i = 0; i < v->n; i++) {
        const struct change *c = &v->all[i];
        const struct table *t = p.at[c->level];
        if (wanted(v, c->mm))
            show(v, c, c->mm);
        else if (t != NULL && t->pfn == c->table_pfn && c->event > t->born)
            show(v, c, mm);
    }
}

/* --- the command ------------------------------------------------------------------------- */

static int run(const struct options *o)
{
    const struct trace_event *e;
    struct view v = { .o = o, .trace = open_trace(o->dir) };
    if (v.trace == NULL)
        return STATUS_TROUBLE;
    follow_init(&v.follow, sizeof(struct actor));
    v.spaces = need(idmap_new(sizeof(struct space)));
    v.tables = need(idmap_new(sizeof(struct table)));
    if (o->json) {
        json_begin(&v.json, stdout);
        json_hex(&v.json, "va", o->va);
        json_array(&v.json, "changes");
    }
    uint64_t first = 0, n = 0;
    while ((e = trace_next(v.trace)) != NULL) {
        if (n++ == 0)
            first = e->tsc;
        if (moment_passed(&o->at, v.trace, first, n, e->tsc))
            break;
        follow_event(&v.follow, e);
        take_event(&v, e);
    }
    bool is_there = !o->space.by_pid || follow_actor(&v.follow, o->space.pid)->mm != 0;
    if (is_there)
        (o->all ? show_all : show_last)(&v);
    free(v.all);
    if (o->json) {
        json_array_end(&v.json);
        json_end(&v.json);
    } else if (v.shown == 0 && is_there) {
        printf("%#" PRIx64 ": no entry for it was written\n", o->va);
    }
    if (!is_there) {
        fflush(stdout);
        fprintf(stderr, "vmm-trace: task %u has no address space then\n", o->space.pid);
    }
    idmap_free(v.spaces);
    idmap_free(v.tables);
    follow_free(&v.follow);
    int closed = close_trace(v.trace);
    return is_there ? closed : STATUS_TROUBLE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 't': o->at = moment_option(state, arg); return 0;
    case 'a': o->all = true; return 0;
    case 'j': o->json = true; return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            o->dir = arg;
        else if (state->arg_num == 1)
            o->va = number_option(state, arg, UINT64_MAX);
        else
            argp_error(state, "DIR and VA, please");
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "DIR and VA, please");
        return 0;
    }
    return parse_space_option(key, arg, state, &o->space);
}

int command_who_wrote(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "mm", 'm', "N", 0, "Only in address space N (0: the kernel's)", 0 },
        { "pid", 'p', "N", 0, "Only in the address space that task N has at that time", 0 },
        { "at", 't', "T", 0, "Up to T instead of the end: " MOMENT_HELP, 0 },
        { "all", 'a', NULL, 0, "Every change, not only the last of each entry", 0 },
        { "json", 'j', NULL, 0, "As JSON", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR VA",
        .doc = "Shows who last changed the entries for an address, at each level, in each address "
               "space: when, in which call or for which page fault, why, from what to what.",
    };
    struct options o = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
