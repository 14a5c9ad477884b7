/* states.c - what events about tasks say of themselves: X3's fields, and T7's address spaces where an
 * event is not about memory.
 *
 * A field that says nothing is 0, so what it may say follows from the kind of change: who woke a task,
 * only where one is woken, and then it is who runs; on whom it waits and why, only where it sleeps.
 * The address space is the one that the task in question uses, from its clone or exec on until it
 * leaves it on its way out, some time before it is a zombie. */
#include "vmm/trace/lint/families.h"

#include <asm/unistd_64.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

/* Of all changes of state, the ones that there are: a bit for each next one. */
static const uint8_t may_become[TASK_STATE_MAX] = {
    [TASK_new] = 1 << TASK_runnable,
    [TASK_runnable] = 1 << TASK_running,
    [TASK_running] = 1 << TASK_runnable | 1 << TASK_blocked | 1 << TASK_stopped | 1 << TASK_zombie,
    [TASK_blocked] = 1 << TASK_runnable,
    [TASK_stopped] = 1 << TASK_runnable,
    [TASK_zombie] = 1 << TASK_dead,
};

static bool sleeps(unsigned state) { return state == TASK_blocked || state == TASK_stopped; }

static const char *state_name(unsigned state) { return trace_value_name("task_state", state); }

/* Perhaps on its way out, where it has left its memory already. */
static bool may_leave(struct lint *l, const struct lint_task *t)
{
    const struct lint_task *p = lint_process(l, t->pid);
    bool ends = t->in_call && (t->call == __NR_exit || t->call == __NR_exit_group);
    return ends || t->has_ended || p->may_be_going || p->may_be_execing || l->has_early;
}

/* An event about task t, by whoever runs, has address space mm in its context. */
static void check_mm(struct lint *l, const struct lint_task *t, uint32_t mm)
{
    if (mm == t->mm || t->mm == 0 || !t->live || (mm == 0 && may_leave(l, t)))
        return;
    lint_found(l, LINT_T7, "a %s of task %u in address space %u, but that one uses %u",
               trace_class_of(l->event->id)->name, t->pid, mm, t->mm);
}

static void check_none(struct lint *l)
{
    if (l->event->mm != 0)
        lint_found(l, LINT_T7, "a %s of address space %u: it is about none",
                   trace_class_of(l->event->id)->name, l->event->mm);
}

/* --- task_state ------------------------------------------------------------------------------ */

static const char *wrong_field(struct lint *l, const struct trace_ev_task_state *f)
{
    bool is_woken = f->next == TASK_runnable && (f->prev == TASK_new || sleeps(f->prev));
    bool is_own = f->prev == TASK_running;
    if (!(may_become[f->prev] >> f->next & 1))
        return "no task does that";
    if (f->by_pid != (is_woken ? l->event->pid : 0))
        return is_woken ? "another task runs" : "nobody is woken";
    if (is_own && f->task != l->event->pid)
        return "another task runs";
    if (f->on_pid != 0 && !sleeps(f->next))
        return "it waits for nobody";
    if (f->reason != BLOCK_none && !sleeps(f->next) && !sleeps(f->prev))
        return "it does not sleep";
    if (f->next == TASK_blocked && f->reason == BLOCK_none)
        return "it sleeps for no reason";
    if ((f->next == TASK_stopped) != (f->reason == BLOCK_stop && sleeps(f->next)))
        return "stopping is a state of its own";
    return NULL;
}

/* Whom wait4 was asked to wait for; and it does not, if asked not to. */
static void check_wait(struct lint *l, const struct lint_task *t,
                       const struct trace_ev_task_state *f)
{
    if (f->next != TASK_blocked || f->reason != BLOCK_wait || !t->in_call ||
        t->call != __NR_wait4 || t->is_amid)
        return;
    int32_t whom = (int32_t)t->call_a0;
    if (f->on_pid != (whom > 0 ? (uint32_t)whom : 0))
        lint_found(l, LINT_X3, "task %u waits for %u (0: any), and asked wait4 for %d", f->task,
                   f->on_pid, whom);
    if (t->call_a2 & WNOHANG)
        lint_found(l, LINT_X3, "task %u sleeps in a wait4 that was not to", f->task);
}

static void state_changes(struct lint *l, const struct trace_ev_task_state *f)
{
    const struct lint_task *t = lint_task(l, f->task);
    bool is_end = f->next == TASK_zombie || f->next == TASK_dead;
    if (f->prev >= TASK_STATE_MAX || f->next >= TASK_STATE_MAX)
        return; /* not a state: the next one will not follow from it */
    const char *wrong = wrong_field(l, f);
    if (wrong != NULL)
        lint_found(l, LINT_X3,
                   "task %u goes from %s to %s, reason %s, on task %u, by task %u (0: nobody): %s",
                   f->task, state_name(f->prev), state_name(f->next),
                   trace_value_name("block_reason", f->reason), f->on_pid, f->by_pid, wrong);
    check_wait(l, t, f);
    if (is_end)
        check_none(l);
    else
        check_mm(l, t, l->event->mm);
}

/* --- others ------------------------------------------------------------------------------------ */

static void switched(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_switch *f = e->fields;
    const struct lint_task *next = f->next_pid != 0 ? lint_task(l, f->next_pid) : NULL;
    if (e->pid != f->next_pid || e->mm != f->next_mm)
        lint_found(l, LINT_T7,
                   "a switch to task %u in address space %u, in the name of task %u in %u",
                   f->next_pid, f->next_mm, e->pid, e->mm);
    if (next == NULL && f->next_mm != 0)
        lint_found(l, LINT_T7, "nobody runs, in address space %u", f->next_mm);
    if (next != NULL && f->next_mm == 0)
        check_mm(l, next, 0); /* another one than its own: trace.c */
}

/* A process's signal goes by its first thread. */
static void signalled(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_signal *f = e->fields;
    const struct lint_task *t = lint_task(l, f->to);
    if (!t->has_ended && lint_mm(l, e->mm)->maker != f->to) /* its exec, on another CPU */
        check_mm(l, t, e->mm);
}

static void released(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_vfork_release *f = e->fields;
    const struct lint_task *child = lint_task(l, f->child);
    if (child->vfork.active && child->vfork.mm != 0 && child->vfork.mm != e->mm)
        lint_found(
            l, LINT_T7,
            "a vfork_release of task %u in address space %u, but it shared %u with its child",
            f->parent, e->mm, child->vfork.mm);
}

/* A process ends with the last of its threads; where that is traced, and another than the first, when its
 * tracer has waited for it. */
static void exits(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_exit *f = e->fields;
    check_none(l);
    bool may_be_tracer =
        lint_process(l, f->tgid)->was_traced && lint_process(l, e->pid)->has_traced;
    if (e->pid != 0 && f->tgid != lint_process(l, e->pid)->pid && !may_be_tracer)
        lint_found(l, LINT_X2, "process %u ends in the name of task %u, one of process %u", f->tgid,
                   e->pid, lint_process(l, e->pid)->pid);
}

void lint_states_before(struct lint *l, const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_task_state: state_changes(l, e->fields); break;
    case TRACE_EV_switch: switched(l, e); break;
    case TRACE_EV_signal: signalled(l, e); break;
    case TRACE_EV_vfork_release: released(l, e); break;
    case TRACE_EV_exit: exits(l, e); break;
    case TRACE_EV_reparent:
    case TRACE_EV_boot_stage:
    case TRACE_EV_checkpoint: check_none(l); break;
    }
}
