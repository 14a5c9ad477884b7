/* sqlite.c - a trace as a database.  docs/export-sqlite.md says what the tables and columns mean;
 * a test compares it with SCHEMA.
 *
 * SQLite's integers are signed: an entry with its highest bit set (NX) is a negative number there,
 * with the same 64 bits. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmm/trace/export/database.h"
#include "vmm/trace/export/export.h"
#include "vmm/trace/export/lives.h"
#include "vmm/trace/lib/changes.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/status.h"

static const char schema[] =
    "CREATE TABLE trace (key TEXT PRIMARY KEY, value);"
    "CREATE TABLE tasks (task INTEGER PRIMARY KEY, parent INTEGER, pid INTEGER, tgid INTEGER,"
    " made_by TEXT, name TEXT, names TEXT, born_ns INTEGER, ended_ns INTEGER, exit_code INTEGER,"
    " signal INTEGER, entries INTEGER, faults INTEGER);"
    "CREATE TABLE execs (event INTEGER PRIMARY KEY, task INTEGER, ns INTEGER, name TEXT, path TEXT,"
    " args TEXT);"
    "CREATE TABLE calls (call INTEGER PRIMARY KEY, task INTEGER, name TEXT, from_ns INTEGER,"
    " to_ns INTEGER, ret INTEGER, implied INTEGER, entries INTEGER, faults INTEGER,"
    " tables_made INTEGER, tables_freed INTEGER, flushes INTEGER, a0 INTEGER, a1 INTEGER,"
    " a2 INTEGER);"
    "CREATE TABLE waits (event INTEGER PRIMARY KEY, task INTEGER, call INTEGER, reason TEXT,"
    " on_pid INTEGER, from_ns INTEGER, to_ns INTEGER, by_task INTEGER, by_call INTEGER,"
    " released_by TEXT, signal INTEGER);"
    "CREATE TABLE tables (made_event INTEGER PRIMARY KEY, table_pfn INTEGER, mm INTEGER,"
    " level TEXT, va INTEGER, made_ns INTEGER, freed_event INTEGER, freed_ns INTEGER);"
    "CREATE TABLE events (event INTEGER PRIMARY KEY, ns INTEGER, cpu INTEGER, task INTEGER,"
    " mm INTEGER, call INTEGER, fault INTEGER, kind TEXT, fields TEXT);"
    "CREATE TABLE entries (event INTEGER, ns INTEGER, mm INTEGER, table_pfn INTEGER, slot INTEGER,"
    " level TEXT, va INTEGER, reason TEXT, old INTEGER, new INTEGER,"
    " PRIMARY KEY (event, slot)) WITHOUT ROWID;";

/* Made when the rows are there: that is quicker, and the rows of each are in order. */
static const char indexes[] = "CREATE INDEX entries_by_va ON entries (va);"
                              "CREATE INDEX events_by_call ON events (call);"
                              "CREATE INDEX events_by_kind ON events (kind);"
                              "CREATE INDEX calls_by_task ON calls (task);"
                              "CREATE INDEX waits_by_task ON waits (task);";

static const char views[] =
    "CREATE VIEW entries_shown AS SELECT event, ns, mm, level, reason, printf('0x%x', va) AS va,"
    " (old >> 12) & 0xffffffffff AS old_pfn, (new >> 12) & 0xffffffffff AS new_pfn,"
    " old & 1 AS was_present, new & 1 AS present, (new >> 1) & 1 AS writable,"
    " (new >> 2) & 1 AS user, new >= 0 AS executable FROM entries;";

struct page_table {
    uint32_t pfn, mm;
    uint64_t event, ns, va;
    uint8_t level;
};

struct writer {
    struct export *x;
    struct lives lives;
    struct database d;
    struct idmap *tables; /* live ones */
    sqlite3_stmt *fact, *task, *exec, *call, *wait, *table, *event, *entry;
    const struct trace_ev_exec_args *args; /* of this event; NULL: another kind */
    FILE *fields;                          /* a buffer for one event's */
    char *fields_text;
    size_t fields_size;
};

static uint64_t now(const struct writer *w) { return export_ns(w->x, w->lives.follow.last_tsc); }

/* --- lives ------------------------------------------------------------------------------- */

static void named(void *arg, struct task *t)
{
    struct writer *w = arg;
    char path[sizeof(w->args->path) + 1] = "", args[sizeof(w->args->args) + 1] = "";
    if (w->args != NULL) {
        memcpy(path, w->args->path, sizeof(w->args->path));
        memcpy(args, w->args->args, sizeof(w->args->args));
    }
    database_row(&w->d, w->exec, "uuuttt", w->lives.follow.event, t->life.number, now(w),
                 t->life.name, w->args != NULL ? path : NULL, w->args != NULL ? args : NULL);
}

static void call_ends(void *arg, struct task *t, const struct call *c, const int64_t *ret)
{
    struct writer *w = arg;
    const struct call_cost *cost = &t->cost;
    if (ret != NULL)
        sqlite3_bind_int64(w->call, 15, *ret);
    database_row(&w->d, w->call, "uutuuuuuuuuuuu", c->number, t->life.number, call_name(c->nr),
                 export_ns(w->x, c->tsc), now(w), (uint64_t)c->implied, cost->writes, cost->faults,
                 cost->made, cost->freed, cost->flushes, c->arg[0], c->arg[1], c->arg[2]);
}

static void wait_ends(void *arg, struct task *t, struct actor *by)
{
    struct writer *w = arg;
    const struct wait *x = &t->actor.wait;
    const struct task *waker = by != NULL ? lives_find(&w->lives, by->head.pid) : NULL;
    database_row(&w->d, w->wait, "uuntnunnntn", x->event, t->life.number, x->call,
                 trace_value_name("block_reason", x->reason), (uint64_t)x->on_pid,
                 export_ns(w->x, x->tsc), by != NULL ? now(w) : 0,
                 waker != NULL ? waker->life.number : 0, by != NULL ? wait_end_call(x, by) : 0,
                 x->released != RELEASE_none ? trace_value_name("release_cause", x->released)
                                             : NULL,
                 by != NULL ? (uint64_t)wait_end_signal(x, by) : 0);
}

static void death(void *arg, struct task *t)
{
    struct writer *w = arg;
    const struct life *l = &t->life;
    bool killed = l->ended && WIFSIGNALED(l->status);
    if (l->ended && !killed)
        sqlite3_bind_int(w->task, 13, WEXITSTATUS(l->status));
    database_row(&w->d, w->task, "unuutttunnuu", l->number, l->parent, (uint64_t)l->pid,
                 (uint64_t)l->tgid, l->born < CALL_KINDS ? call_kind_names[l->born] : "the kernel",
                 l->name, l->names, export_ns(w->x, l->from), l->ended ? export_ns(w->x, l->to) : 0,
                 killed ? (uint64_t)WTERMSIG(l->status) : 0, l->writes, l->faults);
}

/* --- tables ------------------------------------------------------------------------------ */

static void put_table(struct writer *w, const struct page_table *t, uint64_t event)
{
    database_row(&w->d, w->table, "uuutuunn", t->event, (uint64_t)t->pfn, (uint64_t)t->mm,
                 trace_value_name("pt_level", t->level), t->va, t->ns, event,
                 event != 0 ? now(w) : 0);
}

static void on_table(struct writer *w, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    struct page_table *t = need(idmap_get(w->tables, f->table_pfn));
    if (e->id == TRACE_EV_table_alloc) {
        if (t->event == 0)
            *t = (struct page_table){ .pfn = f->table_pfn,
                                      .mm = e->mm,
                                      .event = w->lives.follow.event,
                                      .ns = now(w),
                                      .va = f->va,
                                      .level = f->level };
        return;
    }
    if (t->event != 0)
        put_table(w, t, w->lives.follow.event);
    idmap_remove(w->tables, f->table_pfn);
}

static void still_live(void *arg, void *record) { put_table(arg, record, 0); }

/* --- events ------------------------------------------------------------------------------ */

/* As JSON, but for page-table writes, whose entries have a table. */
static const char *fields_of(struct writer *w, const struct trace_event *e)
{
    if (is_pte_event(e->id) || trace_class_of(e->id)->size == 0)
        return NULL;
    rewind(w->fields);
    format_event_json(w->fields, e);
    fputc('}', w->fields);
    fputc('\0', w->fields);
    if (fflush(w->fields) != 0)
        out_of_memory();
    w->fields_text[0] = '{'; /* in place of the comma */
    return w->fields_text;
}

static void put_entries(struct writer *w, const struct trace_event *e)
{
    struct entries x = entries_of(e);
    uint64_t ns = now(w);
    const char *level = trace_value_name("pt_level", x.level),
               *reason = trace_value_name("pt_reason", x.reason);
    for (uint32_t i = 0; i < x.n && !w->d.failed; i++) {
        struct trace_change c = entries_change(e, i);
        if (c.old == c.new &&x.n > 1)
            continue;
        sqlite3_bind_text(w->entry, 9, level, -1, SQLITE_STATIC);
        sqlite3_bind_text(w->entry, 10, reason, -1, SQLITE_STATIC);
        database_row(&w->d, w->entry, "uuuuuuuu", w->lives.follow.event, ns, (uint64_t)e->mm,
                     (uint64_t)x.table_pfn, (uint64_t)(x.first + i), x.va + i * entry_span(x.level),
                     c.old, c.new);
    }
}

static void take_event(struct writer *w, const struct trace_event *e)
{
    w->args = e->id == TRACE_EV_exec_args ? e->fields : NULL;
    lives_event(&w->lives, e);
    const struct task *t = lives_actor(&w->lives);
    const struct actor *a = w->lives.follow.actor;
    sqlite3_bind_text(w->event, 8, trace_class_of(e->id)->name, -1, SQLITE_STATIC);
    const char *fields = fields_of(w, e);
    if (fields != NULL)
        sqlite3_bind_text(w->event, 9, fields, -1, SQLITE_STATIC);
    database_row(&w->d, w->event, "uuununn", w->lives.follow.event, now(w), (uint64_t)e->cpu,
                 t != NULL ? t->life.number : 0, (uint64_t)e->mm, a->call.number, a->fault.event);
    if (is_pte_event(e->id))
        put_entries(w, e);
    else if (e->id == TRACE_EV_table_alloc || e->id == TRACE_EV_table_free)
        on_table(w, e);
}

/* --- the database ------------------------------------------------------------------------ */

/* Values that a statement's owner binds itself come last. */
static void prepare(struct writer *w)
{
    struct database *d = &w->d;
    database_do(d, schema);
    w->fact = database_statement(d, "INSERT OR REPLACE INTO trace VALUES (?,?)");
    w->task = database_statement(d, "INSERT INTO tasks VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?13,?10,"
                                    "?11,?12)");
    w->exec = database_statement(d, "INSERT INTO execs VALUES (?,?,?,?,?,?)");
    w->call = database_statement(d, "INSERT INTO calls VALUES (?1,?2,?3,?4,?5,?15,?6,?7,?8,?9,?10,"
                                    "?11,?12,?13,?14)");
    w->wait = database_statement(d, "INSERT OR REPLACE INTO waits VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    w->table = database_statement(d, "INSERT INTO tables VALUES (?,?,?,?,?,?,?,?)");
    w->event = database_statement(d, "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?)");
    w->entry = database_statement(d, "INSERT INTO entries VALUES (?1,?2,?3,?4,?5,?9,?6,?10,?7,?8)");
}

static void put_facts(struct writer *w)
{
    const struct trace_meta *m = trace_meta(w->x->trace);
    const struct follow *f = &w->lives.follow;
    uint64_t lost = 0;
    for (unsigned i = 0; i < trace_stream_count(w->x->trace); i++)
        lost +=
            trace_stream(w->x->trace, i)->lost_events + trace_stream(w->x->trace, i)->lost_packets;
    const struct {
        const char *key;
        uint64_t value;
    } facts[] = {
        { "schema", 1 },
        { "events", f->event },
        { "lost", lost },
        { "vcpus", m->ncpus },
        { "tsc_khz", m->tsc_khz },
        { "kernel_ring", m->kernel_ring },
        { "complete", trace_problem(w->x->trace) == NULL },
        { "end_ns", export_ns(w->x, m->stop_tsc > f->last_tsc ? m->stop_tsc : f->last_tsc) },
    };
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        database_row(&w->d, w->fact, "tu", facts[i].key, facts[i].value);
    database_row(&w->d, w->fact, "tt", "kernel", m->kernel);
    database_row(&w->d, w->fact, "tt", "made_by", m->git_id);
}

bool export_sqlite(struct export *x)
{
    static const struct lives_listener listener = {
        .named = named, .call_ends = call_ends, .wait_ends = wait_ends, .death = death
    };
    struct writer w = { .x = x, .tables = need(idmap_new(sizeof(struct page_table))) };
    const struct trace_event *e;
    w.fields = need(open_memstream(&w.fields_text, &w.fields_size));
    lives_init(&w.lives, sizeof(struct task), &listener, &w);
    if (database_open(&w.d))
        prepare(&w);
    while (!w.d.failed && (e = export_next(x)) != NULL)
        take_event(&w, e);
    if (!w.d.failed)
        put_facts(&w);
    lives_end(&w.lives, trace_meta(x->trace)->stop_tsc);
    idmap_each(w.tables, still_live, &w);
    database_do(&w.d, indexes);
    database_do(&w.d, views);
    lives_free(&w.lives);
    idmap_free(w.tables);
    fclose(w.fields);
    free(w.fields_text);
    return database_close(&w.d);
}
