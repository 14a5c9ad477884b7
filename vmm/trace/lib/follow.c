/* follow.c - see follow.h. */
#include "vmm/trace/lib/follow.h"

#include <asm/unistd_64.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "vmm/trace/lib/status.h"
#include "vmm/trace/lib/syscalls.h"
#include "vmm/trace/lib/words.h"

#define NO_CALL 0xffffu

struct actor *follow_actor(struct follow *f, uint32_t pid)
{
    struct actor *a = need(idmap_get(f->actors, pid));
    if (a->tgid == 0)
        a->tgid = pid;
    return a;
}

/* --- what an event says about entries ---------------------------------------------------- */

/* Both sides are in steps, so they meet nowhere, in one entry, or in all. */
static uint64_t stepped_writes(const struct trace_ev_pte_range_step *s)
{
    int64_t apart = (int64_t)(s->new - s->old), nearer = (int64_t)s->old_step - s->new_step;
    if (nearer == 0)
        return apart != 0 ? s->n : 0;
    bool meet = apart % nearer == 0 && apart / nearer >= 0 && apart / nearer < s->n;
    return s->n - meet;
}

/* An entry that did not change is not a write. */
uint64_t event_writes(const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_pte_write: return 1;
    case TRACE_EV_pte_range: return pairs_that_differ(e->seq, e->count / 2);
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old: return words_set(e->seq, e->count);
    case TRACE_EV_pte_range_step: return stepped_writes(e->fields);
    }
    return 0;
}

int event_reason(const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_pte_range *r = e->fields;
    const struct trace_ev_table_alloc *t = e->fields;
    switch (e->id) {
    case TRACE_EV_pte_write: return w->reason;
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step: return r->reason;
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free: return t->reason;
    }
    return -1;
}

/* --- calls ------------------------------------------------------------------------------- */

static void begin_call(struct follow *f, const struct trace_event *e, unsigned nr, bool implied)
{
    f->actor->call = (struct call){
        .number = ++f->calls,
        .event = f->event,
        .tsc = e->tsc,
        .pid = e->pid,
        .mm = e->mm,
        .nr = (uint16_t)nr,
        .implied = implied,
    };
    f->actor->fault.event = 0;
}

static void end_call(struct actor *a) { a->call.number = 0; }

static void on_enter(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_syscall_enter *s = e->fields;
    begin_call(f, e, s->nr, false);
    f->actor->call.arg[0] = s->a0;
    f->actor->call.arg[1] = s->a1;
    f->actor->call.arg[2] = s->a2;
}

static bool is_exit(unsigned nr) { return nr == __NR_exit || nr == __NR_exit_group; }

static bool tears_down(unsigned nr)
{
    return is_exit(nr) || nr == __NR_execve || nr == __NR_execveat || nr == __NR_clone ||
           nr == __NR_clone3 || nr == __NR_fork || nr == __NR_vfork;
}

/* Which call a reason speaks of, if none that was recorded explains it. */
static unsigned implied_call(const struct actor *a, unsigned reason)
{
    bool in_call = a->call.number != 0 && !a->call.implied;
    if (reason == PT_exit_teardown)
        return in_call && tears_down(a->call.nr) ? NO_CALL : __NR_exit_group;
    if (in_call)
        return NO_CALL;
    switch (reason) {
    case PT_mmap: return __NR_mmap;
    case PT_munmap: return __NR_munmap;
    case PT_mprotect: return __NR_mprotect;
    case PT_brk: return __NR_brk;
    }
    return NO_CALL;
}

void follow_call_of(struct follow *f, const struct trace_event *e, unsigned reason)
{
    struct actor *a = f->actor;
    if (e->pid == 0)
        return;
    unsigned nr = implied_call(a, reason);
    if (nr != NO_CALL && (a->call.number == 0 || a->call.nr != nr))
        begin_call(f, e, nr, true);
    else if (a->call.implied && serves_fault(reason))
        end_call(a);
    if (!serves_fault(reason) && reason != PT_table_link && reason != PT_kernel_stack)
        a->fault.event = 0;
}

/* --- families ---------------------------------------------------------------------------- */

static void leave_parent(struct actor *a)
{
    if (a->link != NULL && (*a->link = a->next) != NULL)
        a->next->link = a->link;
    a->link = NULL;
    a->next = a->parent = NULL;
}

static void join_parent(struct actor *a, struct actor *parent)
{
    leave_parent(a);
    a->parent = parent;
    a->next = parent->children;
    a->link = &parent->children;
    if (a->next != NULL)
        a->next->link = &a->next;
    parent->children = a;
}

static void on_clone(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_clone *c = e->fields;
    struct actor *child = follow_actor(f, c->child), *leader = follow_actor(f, f->actor->tgid);
    child->ended = child->process_ended = child->reaped =
        false; /* perhaps the number had an owner before */
    memset(&child->call, 0, sizeof(child->call));
    memset(&child->wait, 0, sizeof(child->wait));
    child->fault.event = 0;
    child->tgid = c->child_tgid;
    child->mm = c->child_mm;
    if ((c->flags & CLONE_PARENT) && leader->parent != NULL)
        leader = leader->parent;
    if (!(c->flags & CLONE_THREAD))
        join_parent(child, leader);
}

static void on_zombie(struct follow *f, const struct trace_event *e, struct actor *a)
{
    a->ended = true;
    if (a == f->actor && !(a->call.number != 0 && is_exit(a->call.nr)))
        begin_call(f, e, __NR_exit_group, true);
}

static void on_reparent(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_reparent *r = e->fields;
    if (r->child != r->parent)
        join_parent(follow_actor(f, r->child), follow_actor(f, r->parent));
}

/* The last thread of a process says so.  Its children have got another parent; in traces from before there was an
 * event for that they are taken for init's. */
static void on_exit(struct follow *f, const struct trace_event *e)
{
    struct actor *a = follow_actor(f, ((const struct trace_ev_exit *)e->fields)->tgid);
    struct actor *init = follow_actor(f, 1);
    a->process_ended = true;
    while (a != init && a->children != NULL)
        join_parent(a->children, init);
}

/* A thread that execs takes its leader's number, which the leader's end has left; with this event no task has
 * the thread's own any more.  It is still in its call. */
static void on_exec(struct follow *f, const struct trace_event *e)
{
    struct actor *a = f->actor, *thread = follow_exec_of(f, e);
    a->mm = e->mm;
    if (thread == NULL)
        return;
    a->call = thread->call;
    a->fault.event = 0;
    a->wait.under_way = false;
    a->state = TASK_running;
    a->ended = a->reaped = false;
    thread->call.number = 0;
    thread->ended = thread->reaped = true;
    f->runs[e->cpu] = e->pid;
}

struct actor *follow_exec_of(struct follow *f, const struct trace_event *e)
{
    uint32_t ran = e->cpu < TRACE_CPUS_MAX ? f->runs[e->cpu] : 0;
    struct actor *thread = ran != 0 && ran != e->pid ? idmap_find(f->actors, ran) : NULL;
    return thread != NULL && thread->tgid == e->pid ? thread : NULL;
}

/* --- waits ------------------------------------------------------------------------------- */

/* Of the calls that are inferred only the end of a task wakes or waits for more than a lock. */
static bool call_may_explain(const struct call *c, unsigned reason)
{
    return !c->implied || c->nr == __NR_exit_group || reason == BLOCK_mutex;
}

uint64_t wait_end_call(const struct wait *w, const struct actor *by)
{
    return call_may_explain(&by->call, w->reason) ? by->call.number : 0;
}

/* Who sent it wakes, too; a signal that is ignored or blocked wakes nobody. */
uint32_t wait_end_signal(const struct wait *w, const struct actor *by)
{
    return w->signaled_by == by->head.pid ? w->signo : 0;
}

bool is_waiting(unsigned state) { return state == TASK_blocked || state == TASK_stopped; }

static void on_state(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_task_state *s = e->fields;
    struct actor *a = follow_actor(f, s->task);
    a->state = s->next;
    if (is_waiting(s->next)) {
        if (!call_may_explain(&a->call, s->reason))
            end_call(a);
        a->wait = (struct wait){
            .under_way = true,
            .reason = s->next == TASK_stopped        ? BLOCK_stop
                      : s->reason < BLOCK_REASON_MAX ? s->reason
                                                     : BLOCK_none,
            .on_pid = s->on_pid,
            .tsc = e->tsc,
            .event = f->event,
            .call = a->call.number,
            .nr = a->call.nr,
        };
    } else {
        a->wait.under_way = false;
    }
    if (s->next == TASK_zombie)
        on_zombie(f, e, a);
    if (s->next == TASK_dead) {
        a->reaped = true;
        leave_parent(a);
    }
}

static void on_switch(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_switch *s = e->fields;
    if (e->cpu < TRACE_CPUS_MAX)
        f->runs[e->cpu] = s->next_pid;
    if (s->next_pid != 0 && s->next_mm != 0) /* 0: it is past using one */
        follow_actor(f, s->next_pid)->mm = s->next_mm;
}

static void on_signal(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_signal *s = e->fields;
    struct actor *to = follow_actor(f, s->to);
    if (!to->wait.under_way)
        return;
    to->wait.signo = s->signo;
    to->wait.signaled_by = e->pid;
}

static void on_release(struct follow *f, const struct trace_event *e)
{
    const struct trace_ev_vfork_release *r = e->fields;
    follow_actor(f, r->parent)->wait.released = r->cause <= RELEASE_killed ? r->cause : 0;
}

/* --- events ------------------------------------------------------------------------------ */

void follow_change(struct follow *f, const struct trace_event *e)
{
    if (f->event == 1)
        f->first_tsc = e->tsc;
    if (f->leaving != NULL)
        end_call(f->leaving);
    f->leaving = NULL;
    if (f->actor == NULL || f->actor->head.pid != e->pid)
        f->actor = follow_actor(f, e->pid);
    f->quiet = e->pid;
}

void follow_other(struct follow *f, const struct trace_event *e)
{
    struct actor *a = f->actor;
    switch (e->id) {
    case TRACE_EV_syscall_enter: on_enter(f, e); break;
    case TRACE_EV_syscall_exit:
        a->fault.event = 0;
        if (a->call.number != 0 &&
            a->call.nr == ((const struct trace_ev_syscall_exit *)e->fields)->nr) {
            f->leaving = a;
            f->quiet = FOLLOW_NOBODY;
        }
        break;
    case TRACE_EV_task_state: on_state(f, e); break;
    case TRACE_EV_switch: on_switch(f, e); break;
    case TRACE_EV_exec:
        on_exec(f, e);
        comm_follow(f->actors, e);
        break;
    case TRACE_EV_exit: on_exit(f, e); break;
    case TRACE_EV_reparent: on_reparent(f, e); break;
    case TRACE_EV_exec_args: comm_follow(f->actors, e); break;
    case TRACE_EV_signal: on_signal(f, e); break;
    case TRACE_EV_vfork_release: on_release(f, e); break;
    case TRACE_EV_clone:
        on_clone(f, e);
        comm_follow(f->actors, e);
        break;
    }
}

void follow_event(struct follow *f, const struct trace_event *e)
{
    int reason = event_reason(e);
    follow_begin(f, e);
    if (reason >= 0)
        follow_entries(f, e, (unsigned)reason);
    else if (e->id == TRACE_EV_page_fault)
        follow_fault(f, e);
    else
        follow_other(f, e);
}

void follow_init(struct follow *f, size_t record_size)
{
    memset(f, 0, sizeof(*f));
    f->quiet = FOLLOW_NOBODY;
    f->actors = need(idmap_new(record_size));
}

void follow_free(struct follow *f) { idmap_free(f->actors); }

char *who_text(char buf[WHO_BYTES], const struct actor *a)
{
    if (a->head.pid == 0)
        snprintf(buf, WHO_BYTES, "a timer or device");
    else
        snprintf(buf, WHO_BYTES, "%s[%u]", a->head.comm, a->head.pid);
    return buf;
}

const char *call_name(unsigned nr)
{
    static char number[16];
    const char *name = syscall_name(nr);
    if (name != NULL)
        return name;
    snprintf(number, sizeof(number), "call %u", nr);
    return number;
}
