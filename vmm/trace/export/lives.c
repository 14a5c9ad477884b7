/* lives.c - see lives.h.
 *
 * follow.h knows what each task does after an event; this compares it with what has been told
 * and tells the difference. */
#include "vmm/trace/export/lives.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/status.h"

#define ARGS_SHOWN 40

#define TELL(l, what, ...) \
    do { \
        if ((l)->tell->what != NULL) \
            (l)->tell->what((l)->arg, __VA_ARGS__); \
    } while (0)

static struct task *task_of(struct lives *l, uint32_t pid)
{
    return (struct task *)follow_actor(&l->follow, pid);
}

struct task *lives_actor(const struct lives *l)
{
    struct task *t = (struct task *)l->follow.actor;
    return t->life.number != 0 ? t : NULL;
}

struct task *lives_find(const struct lives *l, uint32_t pid)
{
    struct task *t = idmap_find(l->follow.actors, pid);
    return t != NULL && t->life.number != 0 ? t : NULL;
}

/* --- names ------------------------------------------------------------------------------- */

static void copy_name(char *to, size_t size, const char *from, size_t n)
{
    n = n < size ? n : size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

/* The last name of the chain becomes this. */
static void put_last(struct life *life, const char *text, size_t n)
{
    copy_name(life->names + life->last_name, sizeof(life->names) - life->last_name, text, n);
}

static void add_name(struct life *life, const char *name, size_t n)
{
    static const char arrow[] = " > ";
    size_t have = strlen(life->names);
    copy_name(life->name, sizeof(life->name), name, n);
    if (have > 0 && have + sizeof(arrow) < sizeof(life->names)) {
        memcpy(life->names + have, arrow, sizeof(arrow));
        have += sizeof(arrow) - 1;
    }
    life->last_name = have;
    put_last(life, name, n);
}

static void on_exec_args(struct life *life, const struct trace_ev_exec_args *f)
{
    size_t n, all = strnlen(f->args, sizeof(f->args));
    const char *name = applet_name(f, &n);
    if (name != NULL)
        copy_name(life->name, sizeof(life->name), name, n);
    if (all > ARGS_SHOWN) {
        char cut[ARGS_SHOWN + 4];
        memcpy(cut, f->args, ARGS_SHOWN);
        strcpy(cut + ARGS_SHOWN, "...");
        put_last(life, cut, ARGS_SHOWN + 3);
    } else if (all > 0) {
        put_last(life, f->args, all);
    }
}

/* After the arguments, which follow an exec in all traces but the oldest. */
static void tell_name(struct lives *l, struct task *t)
{
    t->renamed = false;
    TELL(l, named, t);
}

/* --- births and deaths ------------------------------------------------------------------- */

static void end_call(struct lives *l, struct task *t, const struct call *c, const int64_t *ret)
{
    t->call = 0;
    TELL(l, call_ends, t, c, ret);
}

static void die(struct lives *l, struct task *t)
{
    if (t->call != 0)
        end_call(l, t, &t->actor.call, NULL);
    if (!t->life.ended)
        t->life.to = l->follow.last_tsc;
    TELL(l, death, t);
    t->life.number = 0;
}

static void be_born(struct lives *l, struct task *t, struct task *parent, enum call_kind born)
{
    if (t->life.number != 0)
        die(l, t);
    t->life = (struct life){
        .number = ++l->births,
        .parent = parent != NULL ? parent->life.number : 0,
        .pid = t->actor.head.pid,
        .tgid = t->actor.tgid,
        .born = born,
        .from = l->follow.last_tsc,
    };
    t->call = 0;
    t->renamed = false;
    if (parent != NULL)
        add_name(&t->life, parent->life.name, strlen(parent->life.name));
    TELL(l, birth, t, parent);
}

/* Of PID 1, nobody was seen to be the parent. */
static struct task *living(struct lives *l, uint32_t pid)
{
    struct task *t = task_of(l, pid);
    if (pid != 0 && t->life.number == 0)
        be_born(l, t, NULL, CALL_KINDS);
    return t;
}

static void on_clone(struct lives *l, struct task *parent, const struct trace_ev_clone *f)
{
    if (f->child == 0 || f->child == parent->actor.head.pid)
        return; /* no kernel of ours says so */
    be_born(l, task_of(l, f->child), parent->life.number != 0 ? parent : NULL,
            clone_kind(f->flags, parent->own_stack));
}

/* The last thread of the process says so. */
static void note_exit(struct lives *l, struct task *t, const struct trace_ev_exit *f)
{
    struct task *leader = lives_find(l, f->tgid);
    if (leader != NULL)
        t = leader;
    t->life.ended = true;
    t->life.status = f->status;
    t->life.to = l->follow.last_tsc;
}

/* --- calls ------------------------------------------------------------------------------- */

static void begin_call(struct lives *l, struct task *t)
{
    t->call = t->actor.call.number;
    t->cost = (struct call_cost){ 0 };
    TELL(l, call_begins, t);
}

static void on_call(struct lives *l, struct task *t, const struct call *before)
{
    if (t->call != 0 && t->actor.call.number != t->call)
        end_call(l, t, before, NULL);
    if (t->actor.call.number != 0 && t->actor.call.number > before->number)
        begin_call(l, t);
}

/* After the exec by which a thread took its leader's number: its call goes on there. */
static void takes_over(struct lives *l, struct task *t, struct task *thread)
{
    if (t->call != 0)
        end_call(l, t, &t->actor.call, NULL);
    t->call = thread->call;
    t->cost = thread->cost;
    thread->call = 0;
    die(l, thread);
    TELL(l, state, t, TASK_running);
    if (t->call != 0)
        TELL(l, call_begins, t);
}

static void add_cost(struct task *t, const struct trace_event *e)
{
    uint64_t n = event_writes(e);
    t->life.writes += n;
    t->cost.writes += n;
    switch (e->id) {
    case TRACE_EV_page_fault:
        t->life.faults++;
        t->cost.faults++;
        break;
    case TRACE_EV_table_alloc: t->cost.made++; break;
    case TRACE_EV_table_free: t->cost.freed++; break;
    case TRACE_EV_tlb_flush: t->cost.flushes++; break;
    }
}

/* --- events ------------------------------------------------------------------------------ */

static void on_state(struct lives *l, struct task *t, unsigned next)
{
    if (t->life.number == 0)
        return;
    if (next == TASK_zombie && t->call != 0)
        end_call(l, t, &t->actor.call, NULL);
    TELL(l, state, t, next);
    if (is_waiting(next))
        TELL(l, wait_begins, t);
    if (next == TASK_dead)
        die(l, t);
}

static void after_event(struct lives *l, struct task *t, const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_clone: on_clone(l, t, e->fields); break;
    case TRACE_EV_syscall_enter: t->own_stack = call_gives_stack(e); break;
    case TRACE_EV_syscall_exit:
        if (t->call != 0 && l->follow.leaving == &t->actor) {
            int64_t ret = ((const struct trace_ev_syscall_exit *)e->fields)->ret;
            end_call(l, t, &t->actor.call, &ret);
        }
        break;
    }
    if (t->life.number == 0)
        return;
    if (e->id == TRACE_EV_exec) {
        const struct trace_ev_exec *f = e->fields;
        add_name(&t->life, f->comm, strnlen(f->comm, sizeof(f->comm)));
        t->renamed = true;
    } else if (e->id == TRACE_EV_exec_args) {
        on_exec_args(&t->life, e->fields);
        tell_name(l, t);
    } else if (e->id == TRACE_EV_exit) {
        note_exit(l, t, e->fields);
    }
    add_cost(t, e);
}

void lives_event(struct lives *l, const struct trace_event *e)
{
    struct task *t = task_of(l, e->pid), *of = NULL, *thread = NULL;
    const struct trace_ev_task_state *s = e->fields;
    struct call before = t->actor.call;
    bool waited = false;
    if (e->id == TRACE_EV_task_state) {
        of = task_of(l, s->task);
        waited = of->actor.wait.under_way && of->life.number != 0;
    }
    if (e->id == TRACE_EV_exec)
        thread = (struct task *)follow_exec_of(&l->follow, e);
    follow_event(&l->follow, e);
    if (e->id == TRACE_EV_checkpoint)
        l->checkpoint = ((const struct trace_ev_checkpoint *)e->fields)->begin != 0;
    if (!l->checkpoint) /* that names a task beside its address space, before it tells of the task */
        living(l, e->pid);
    if (t->renamed && e->id != TRACE_EV_exec_args)
        tell_name(l, t);
    if (thread != NULL && thread->life.number != 0 && t->life.number != 0)
        takes_over(l, t, thread);
    else if (t->life.number != 0)
        on_call(l, t, &before);
    if (waited)
        TELL(l, wait_ends, of, follow_actor(&l->follow, s->by_pid));
    after_event(l, t, e);
    if (of != NULL)
        on_state(l, s->next == TASK_dead ? of : living(l, s->task), s->next);
}

/* --- the end ----------------------------------------------------------------------------- */

static void still_there(void *arg, void *record)
{
    struct lives *l = arg;
    struct task *t = record;
    if (t->life.number == 0)
        return;
    if (t->actor.wait.under_way)
        TELL(l, wait_ends, t, NULL);
    die(l, t);
}

void lives_end(struct lives *l, uint64_t stop_tsc)
{
    if (stop_tsc > l->follow.last_tsc)
        l->follow.last_tsc = stop_tsc;
    idmap_each(l->follow.actors, still_there, l);
}

void lives_init(struct lives *l, size_t record_size, const struct lives_listener *tell, void *arg)
{
    memset(l, 0, sizeof(*l));
    follow_init(&l->follow, record_size);
    l->tell = tell;
    l->arg = arg;
}

void lives_free(struct lives *l) { follow_free(&l->follow); }
