/* calls.c - see calls.h for the rule by which events belong to calls.
 *
 * What happens in a call counts in its kind's row at once.  Only the kind of a call that makes a
 * task is certain no sooner than the clone event has shown the flags, so its costs gather in a
 * place of its own until it ends.
 *
 * A task that is reaped is forgotten when no CPU runs it any more: no event is in its name then. */
#include "vmm/trace/lib/calls.h"

#include <asm/unistd_64.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/status.h"

#define NO_CALL 0xffffu

const char *const call_kind_names[CALL_KINDS] = {
    "fork", "vfork", "posix_spawn", "thread",   "clone", "exec",  "exit",
    "wait", "mmap",  "munmap",      "mprotect", "brk",   "fault",
};

enum in { IN_NOTHING, IN_RECORDED, IN_INFERRED, IN_FAULT };

struct task {
    struct actor actor;
    uint64_t number; /* of the call, if it was inferred; or 0 */
    enum call_kind kind;
    unsigned nr;       /* of the system call; exit by a signal: __NR_exit_group */
    bool own_stack;    /* clone was given one */
    uint32_t mm;       /* as the call began */
    enum in in;        /* what sort of call */
    struct cost *cost; /* where the call's costs go */
    bool owns;         /* a place of its own, while the kind is not certain */
    uint64_t blocked_since;
    uint8_t block_reason;
    bool blocked;
    bool gone;  /* a zombie */
    bool fresh; /* made by born, and neither exec nor exit yet */
    enum call_kind born;
    uint32_t parent;
    uint32_t fresh_children; /* that share no memory, of kind fresh_kind */
    enum call_kind fresh_kind;
};

static struct task *task_of(struct calls *c, uint32_t pid)
{
    return (struct task *)follow_actor(&c->follow, pid);
}

static void add_sample(struct samples *s, uint64_t ticks)
{
    if (s->n == s->capacity) {
        size_t n = s->capacity != 0 ? 2 * s->capacity : 64;
        s->at = need(realloc(s->at, n * sizeof(*s->at)));
        s->capacity = n;
    }
    s->at[s->n++] = ticks;
}

/* --- calls begin and end ---------------------------------------------------------------- */

enum call_kind clone_kind(uint64_t flags, bool own_stack)
{
    if (flags & CLONE_THREAD)
        return CALL_thread;
    if (!(flags & CLONE_VM))
        return flags & CLONE_VFORK ? CALL_clone : CALL_fork;
    if (flags & CLONE_VFORK)
        return own_stack ? CALL_posix_spawn : CALL_vfork;
    return CALL_clone;
}

enum call_kind entry_kind(unsigned nr, uint64_t a0, bool own_stack)
{
    switch (nr) {
    case __NR_fork: return CALL_fork;
    case __NR_vfork: return CALL_vfork;
    case __NR_clone: return clone_kind(a0, own_stack);
    case __NR_clone3: return CALL_clone; /* until the clone event has shown the flags */
    case __NR_execve:
    case __NR_execveat: return CALL_exec;
    case __NR_exit:
    case __NR_exit_group: return CALL_exit;
    case __NR_wait4:
    case __NR_waitid: return CALL_wait;
    case __NR_mmap:
    case __NR_mremap: return CALL_mmap;
    case __NR_munmap:
    case __NR_madvise: return CALL_munmap;
    case __NR_mprotect: return CALL_mprotect;
    case __NR_brk: return CALL_brk;
    }
    return CALL_KINDS;
}

struct own_cost {
    struct cost cost;
    struct own_cost *next;
};

static struct cost *take_cost(struct calls *c)
{
    struct own_cost *own = c->spare;
    if (own == NULL)
        return &((struct own_cost *)need(calloc(1, sizeof(*own))))->cost;
    c->spare = own->next;
    memset(own, 0, sizeof(*own));
    return &own->cost;
}

static void give_cost(struct calls *c, struct cost *cost)
{
    struct own_cost *own = (struct own_cost *)cost;
    own->next = c->spare;
    c->spare = own;
}

static bool in_call(const struct task *t) { return t->in != IN_NOTHING; }

static void begin_call(struct calls *c, struct task *t, enum call_kind kind, unsigned nr,
                       uint32_t mm)
{
    t->in = kind == CALL_fault ? IN_FAULT : IN_RECORDED;
    t->owns = kind < CALL_exec;
    t->cost = t->owns ? take_cost(c) : &c->row[kind].cost;
    t->kind = kind;
    t->nr = nr;
    t->mm = mm;
    t->number = 0;
}

static void add_cost(struct cost *to, const struct cost *c)
{
    for (unsigned side = 0; side < SIDES; side++)
        for (unsigned r = 0; r <= PT_REASON_MAX; r++)
            to->writes[side][r] += c->writes[side][r];
    to->allocated += c->allocated;
    to->freed += c->freed;
    to->faults += c->faults;
    to->tlb_flushes += c->tlb_flushes;
}

static void end_call(struct calls *c, struct task *t, bool failed)
{
    if (!in_call(t))
        return;
    c->row[t->kind].calls++;
    c->row[t->kind].failed += failed;
    if (t->owns) {
        add_cost(&c->row[t->kind].cost, t->cost);
        give_cost(c, t->cost);
    }
    t->in = IN_NOTHING;
}

/* Whatever it was in counts for nobody. */
static void drop_call(struct calls *c, struct task *t)
{
    if (in_call(t) && t->owns)
        give_cost(c, t->cost);
    t->in = IN_NOTHING;
}

bool call_gives_stack(const struct trace_event *enter)
{
    const struct trace_ev_syscall_enter *f = enter->fields;
    return f->nr == __NR_clone3 || (f->nr == __NR_clone && f->a1 != 0);
}

static void on_enter(struct calls *c, struct task *t, const struct trace_event *e)
{
    const struct trace_ev_syscall_enter *f = e->fields;
    bool own_stack = call_gives_stack(e);
    enum call_kind kind = entry_kind(f->nr, f->a0, own_stack);
    if (kind == CALL_KINDS)
        return;
    end_call(c, t, false);
    t->own_stack = own_stack;
    begin_call(c, t, kind, f->nr, e->mm);
}

static void on_exit_syscall(struct calls *c, struct task *t, const struct trace_event *e)
{
    const struct trace_ev_syscall_exit *f = e->fields;
    if (in_call(t) && f->nr == t->nr)
        end_call(c, t, f->ret < 0);
}

/* A task that a signal kills calls nothing: its exit begins with the first sign of
 * it, in the midst of a wait perhaps. */
static void exit_begins(struct calls *c, struct task *t, uint32_t mm)
{
    if (t->gone || (in_call(t) && t->kind == CALL_exit))
        return;
    end_call(c, t, true);
    begin_call(c, t, CALL_exit, __NR_exit_group, mm);
}

/* Calls that were not recorded, and page faults outside of calls: follow.h says how long
 * each lasts.  A fault's row lasts until the task is seen to do something else. */
static void infer_anew(struct calls *c, struct task *t, const struct trace_event *e)
{
    const struct call *now = &t->actor.call;
    if (t->in == IN_INFERRED && t->number != now->number)
        end_call(c, t, false);
    if (now->number != 0 && now->implied && now->number != t->number &&
        now->nr != __NR_exit_group) {
        end_call(c, t, false);
        begin_call(c, t, entry_kind(now->nr, 0, false), now->nr, e->mm);
        t->in = IN_INFERRED;
        t->number = now->number;
    } else if (t->in == IN_FAULT && t->actor.fault.event == 0) {
        end_call(c, t, false);
    }
}

/* Mostly nothing: a recorded call goes on, or a fault is served. */
static inline void infer(struct calls *c, struct task *t, const struct trace_event *e)
{
    if (t->in == IN_RECORDED ||
        (t->in == IN_FAULT && t->actor.call.number == 0 && t->actor.fault.event != 0))
        return;
    infer_anew(c, t, e);
}

/* A fault ends what was inferred before. */
static inline void infer_fault(struct calls *c, struct task *t, const struct trace_event *e)
{
    if (t->in == IN_RECORDED)
        return;
    if (e->pid == 0) {
        infer_anew(c, t, e);
    } else if (t->in == IN_FAULT) {
        c->row[CALL_fault].calls++;
        t->mm = e->mm;
    } else {
        end_call(c, t, false);
        begin_call(c, t, CALL_fault, NO_CALL, e->mm);
    }
}

/* --- children, until they exec or exit --------------------------------------------------- */

static void on_clone(struct calls *c, struct task *t, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    if (in_call(t) && t->kind < CALL_exec) {
        uint64_t stackless = t->nr == __NR_fork || t->nr == __NR_vfork;
        t->kind = clone_kind(f->flags, t->own_stack && !stackless);
    }
    struct task *child = task_of(c, f->child);
    child->gone = false; /* perhaps the pid had an owner before */
    drop_call(c, child);
    child->fresh = true;
    child->born = clone_kind(f->flags, t->own_stack);
    child->parent = e->pid;
    if (!(f->flags & CLONE_VM)) {
        t->fresh_children++;
        t->fresh_kind = child->born;
    }
}

/* t has its own image now, or is gone. */
static void grown_up(struct calls *c, struct task *t)
{
    if (!t->fresh)
        return;
    t->fresh = false;
    if (t->born != CALL_fork && t->born != CALL_clone)
        return;
    struct task *parent = idmap_find(c->follow.actors, t->parent);
    if (parent != NULL && parent->fresh_children > 0)
        parent->fresh_children--;
}

static void count_after(struct calls *c, const struct task *t, uint64_t faults, uint64_t cow)
{
    if (t->fresh) {
        c->row[t->born].child_faults += faults;
        c->row[t->born].child_cow += cow;
    } else if (t->fresh_children > 0) {
        c->row[t->fresh_kind].parent_faults += faults;
        c->row[t->fresh_kind].parent_cow += cow;
    }
}

/* --- page tables ------------------------------------------------------------------------- */

static enum side side_of(const struct trace_event *e, const struct task *t)
{
    return e->mm == 0 ? SIDE_KERNEL : e->mm == t->mm ? SIDE_CALLER : SIDE_OTHER;
}

/* A call that fails half-way tears down, too; only what no such call explains is
 * an exit. */
static void sees_teardown(struct calls *c, struct task *t, const struct trace_event *e,
                          unsigned reason)
{
    if (reason == PT_exit_teardown && (!in_call(t) || t->kind >= CALL_wait))
        exit_begins(c, t, e->mm);
}

/* n entries change. */
static void on_write(struct calls *c, struct task *t, const struct trace_event *e, unsigned reason,
                     uint64_t n)
{
    if (reason == PT_checkpoint) {
        c->checkpoint_entries += n;
        return;
    }
    if (reason > PT_REASON_MAX)
        reason = PT_REASON_MAX;
    c->all.writes[e->mm == 0 ? SIDE_KERNEL : SIDE_OTHER][reason] += n;
    c->write_events[reason]++;
    c->bytes[reason] += trace_event_bytes(e);
    sees_teardown(c, t, e, reason);
    if (in_call(t))
        t->cost->writes[side_of(e, t)][reason] += n;
    if (reason == PT_cow_break)
        count_after(c, t, 0, n);
}

static void on_table(struct calls *c, struct task *t, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    bool alloc = e->id == TRACE_EV_table_alloc;
    if (f->reason == PT_checkpoint) {
        c->checkpoint_tables++;
        return;
    }
    if (e->mm == 0)
        return;
    sees_teardown(c, t, e, f->reason);
    *(alloc ? &c->all.allocated : &c->all.freed) += 1;
    if (in_call(t))
        *(alloc ? &t->cost->allocated : &t->cost->freed) += 1;
}

/* --- states ------------------------------------------------------------------------------ */

static void on_zombie(struct calls *c, struct task *t, uint32_t mm)
{
    exit_begins(c, t, mm);
    end_call(c, t, false);
    grown_up(c, t);
    t->gone = true;
}

static void forget(struct calls *c, uint32_t pid);

static void on_state(struct calls *c, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    struct task *t = task_of(c, f->task);

    if (f->prev == TASK_blocked && t->blocked) {
        uint64_t ticks = e->tsc - t->blocked_since;
        t->blocked = false;
        add_sample(&c->blocked[t->block_reason], ticks);
        if (t->block_reason == BLOCK_vfork && in_call(t))
            add_sample(&c->row[t->kind].blocked, ticks);
    }
    if (f->next == TASK_blocked) {
        t->blocked = true;
        t->blocked_since = e->tsc;
        t->block_reason = f->reason < BLOCK_REASON_MAX ? f->reason : BLOCK_none;
    }
    if (f->next == TASK_zombie)
        on_zombie(c, t, e->mm);
    if (f->next == TASK_dead)
        forget(c, f->task);
}

static void on_release(struct calls *c, const struct trace_event *e)
{
    const struct trace_ev_vfork_release *f = e->fields;
    struct task *parent = task_of(c, f->parent);
    if (in_call(parent) && f->cause <= RELEASE_killed)
        c->row[parent->kind].ended_by[f->cause]++;
}

/* A thread that is about to take its leader's number goes on there, in the same call. */
static void takes_over(struct calls *c, struct task *t, struct task *thread)
{
    drop_call(c, t);
    t->number = thread->number;
    t->kind = thread->kind;
    t->nr = thread->nr;
    t->own_stack = thread->own_stack;
    t->mm = thread->mm;
    t->in = thread->in;
    t->cost = thread->cost;
    t->owns = thread->owns;
    t->gone = t->blocked = false;
    thread->in = IN_NOTHING;
    thread->gone = true;
}

static void on_exec(struct calls *c, struct task *t)
{
    grown_up(c, t);
    if (!in_call(t)) /* the kernel itself starts init */
        c->row[CALL_exec].calls++;
}

/* --- who is gone -------------------------------------------------------------------------- */

static void forget(struct calls *c, uint32_t pid)
{
    struct task *t = idmap_find(c->follow.actors, pid);
    if (t == NULL || !t->actor.reaped || t->actor.children != NULL || &t->actor == c->follow.actor)
        return;
    for (unsigned cpu = 0; cpu <= c->last_cpu; cpu++)
        if (c->runs[cpu] == pid)
            return;
    end_call(c, t, false);
    if (c->follow.leaving == &t->actor)
        c->follow.leaving = NULL;
    idmap_remove(c->follow.actors, pid);
}

/* Perhaps another task than at the last event of this CPU. */
static void runs_now(struct calls *c, const struct trace_event *e)
{
    c->cpu = e->cpu;
    if (e->cpu >= TRACE_CPUS_MAX || c->runs[e->cpu] == e->pid)
        return;
    uint32_t before = c->runs[e->cpu];
    c->last_cpu = e->cpu > c->last_cpu ? e->cpu : c->last_cpu;
    c->runs[e->cpu] = e->pid;
    forget(c, before);
}

/* What stood when the trace began. */
static void on_told(struct calls *c, struct task *t, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    const struct trace_ev_table_alloc *a = e->fields;
    int reason = event_reason(e);
    if (e->id == TRACE_EV_syscall_enter)
        on_enter(c, t, e);
    else if (e->id == TRACE_EV_task_state && f->next == TASK_zombie)
        task_of(c, f->task)->gone = true;
    else if (e->id == TRACE_EV_task_state)
        on_state(c, e);
    else if (e->id == TRACE_EV_table_alloc && a->reason == PT_checkpoint)
        c->checkpoint_tables++;
    else if (reason == PT_checkpoint)
        c->checkpoint_entries += event_writes(e);
}

/* --- events ------------------------------------------------------------------------------ */

/* What came before it was about another task, or of another CPU. */
static __attribute__((noinline)) void changes(struct calls *c, const struct trace_event *e)
{
    follow_change(&c->follow, e);
    runs_now(c, e);
}

static struct task *actor(const struct calls *c) { return (struct task *)c->follow.actor; }

static void entries_change(struct calls *c, const struct trace_event *e, unsigned reason,
                           uint64_t n)
{
    struct task *t = actor(c);
    follow_entries(&c->follow, e, reason);
    if (c->is_told) {
        on_told(c, t, e);
        return;
    }
    infer(c, t, e);
    on_write(c, t, e, reason, n);
}

static void on_fault(struct calls *c, const struct trace_event *e)
{
    struct task *t = actor(c);
    follow_fault(&c->follow, e);
    if (c->is_told)
        return;
    infer_fault(c, t, e);
    c->all.faults++;
    if (in_call(t))
        t->cost->faults++;
    count_after(c, t, 1, 0);
}

static void on_flush(struct calls *c, const struct trace_event *e)
{
    struct task *t = actor(c);
    if (c->is_told)
        return;
    infer(c, t, e);
    c->all.tlb_flushes++;
    if (in_call(t))
        t->cost->tlb_flushes++;
}

static void on_other(struct calls *c, const struct trace_event *e)
{
    struct task *t = actor(c), *thread = NULL;
    if (e->id == TRACE_EV_exec && (thread = (struct task *)follow_exec_of(&c->follow, e)) != NULL)
        takes_over(c, t, thread);
    if (e->id == TRACE_EV_table_alloc || e->id == TRACE_EV_table_free)
        follow_entries(&c->follow, e, ((const struct trace_ev_table_alloc *)e->fields)->reason);
    else
        follow_other(&c->follow, e);
    if (thread != NULL)
        forget(c, thread->actor.head.pid);
    if (e->id == TRACE_EV_checkpoint)
        c->is_told =
            ((const struct trace_ev_checkpoint *)e->fields)->begin >= TRACE_CHECKPOINT_RUNNING;
    if (c->is_told) {
        on_told(c, t, e);
        return;
    }
    infer(c, t, e);
    switch (e->id) {
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free: on_table(c, t, e); break;
    case TRACE_EV_task_state: on_state(c, e); break;
    case TRACE_EV_clone: on_clone(c, t, e); break;
    case TRACE_EV_vfork_release: on_release(c, e); break;
    case TRACE_EV_exec: on_exec(c, t); break;
    case TRACE_EV_exit: exit_begins(c, t, e->mm); break;
    case TRACE_EV_syscall_enter: on_enter(c, t, e); break;
    case TRACE_EV_syscall_exit: on_exit_syscall(c, t, e); break;
    }
}

void calls_event(struct calls *c, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_pte_range *r = e->fields;
    c->follow.event++;
    c->follow.last_tsc = e->tsc;
    if (e->pid != c->follow.quiet || e->cpu != c->cpu)
        changes(c, e);
    switch (e->id) {
    case TRACE_EV_pte_write: entries_change(c, e, w->reason, 1); break;
    case TRACE_EV_page_fault: on_fault(c, e); break;
    case TRACE_EV_tlb_flush: on_flush(c, e); break;
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step: entries_change(c, e, r->reason, event_writes(e)); break;
    default: on_other(c, e);
    }
}

void calls_init(struct calls *c)
{
    memset(c, 0, sizeof(*c));
    follow_init(&c->follow, sizeof(struct task));
}

static void end_one(void *arg, void *record) { end_call(arg, record, false); }

void calls_end(struct calls *c) { idmap_each(c->follow.actors, end_one, c); }

void calls_free(struct calls *c)
{
    for (unsigned k = 0; k < CALL_KINDS; k++)
        free(c->row[k].blocked.at);
    for (unsigned r = 0; r < BLOCK_REASON_MAX; r++)
        free(c->blocked[r].at);
    for (struct own_cost *own = c->spare, *next; own != NULL; own = next) {
        next = own->next;
        free(own);
    }
    follow_free(&c->follow);
}

uint64_t cost_writes(const struct cost *c, enum side side)
{
    uint64_t n = 0;
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        n += c->writes[side][r];
    return n;
}

uint64_t cost_cow(const struct cost *c)
{
    uint64_t n = 0;
    for (unsigned side = 0; side < SIDES; side++)
        n += c->writes[side][PT_cow_break];
    return n;
}
