/* standing.c - see standing.h: what is remembered of the events.  told.c says it again. */
#include "vmm/trace/lib/standing.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/standing_state.h"

/* --- tasks ------------------------------------------------------------------------------- */

static struct standing_task *task_of(struct standing *s, uint32_t pid)
{
    return pid != 0 ? idmap_find(s->tasks, pid) : NULL;
}

static int new_task(struct standing *s, uint32_t pid, struct standing_task **out)
{
    struct standing_task *t = idmap_get(s->tasks, pid);
    if (t == NULL)
        return -ENOMEM;
    free(t->args);
    *t = (struct standing_task){ .pid = pid, .tgid = pid, .born = ++s->births };
    *out = t;
    return 0;
}

static int on_clone(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    struct standing_task *maker = task_of(s, e->pid), *child;
    uint32_t process = maker != NULL ? maker->tgid : 0;
    const struct standing_task *leader = task_of(s, process);
    if (new_task(s, f->child, &child) != 0)
        return -ENOMEM;
    maker = task_of(s, e->pid);
    child->tgid = f->child_tgid;
    child->mm = f->child_mm;
    child->flags = f->flags & ~(uint64_t)CLONE_PARENT;
    child->exit_signal = f->exit_signal;
    child->parent = (f->flags & CLONE_PARENT) && leader != NULL ? leader->parent : process;
    child->waits_for_it = f->flags & CLONE_VFORK ? e->pid : 0;
    if (maker != NULL)
        memcpy(child->comm, maker->comm, sizeof(child->comm));
    struct standing_mm *mm = idmap_find(s->mms, f->child_mm);
    if (mm != NULL)
        mm->from = 0; /* it is whole */
    return 0;
}

static void remove_task(struct standing *s, uint32_t pid)
{
    struct standing_task *t = task_of(s, pid);
    if (t == NULL)
        return;
    free(t->args);
    idmap_remove(s->tasks, pid);
}

/* A thread that execs takes its leader's number. */
static int on_exec(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_exec *f = e->fields;
    struct standing_cpu *c = &s->cpu[e->cpu];
    struct standing_task *t = task_of(s, e->pid), *thread = task_of(s, c->pid);
    if (t == NULL && new_task(s, e->pid, &t) != 0)
        return -ENOMEM;
    if (c->pid != e->pid && thread != NULL) {
        t->in_call = thread->in_call;
        t->call = thread->call;
        t->call_mm = thread->call_mm;
        remove_task(s, c->pid);
        t->has_exited = false;
    }
    t->state = TASK_running;
    t->mm = e->mm;
    t->has_execed = true;
    t->execed_in_call = t->in_call;
    t->has_args = false;
    t->old_mm = f->old_mm;
    memcpy(t->comm, f->comm, sizeof(t->comm));
    c->pid = e->pid;
    return 0;
}

static int on_args(struct standing *s, const struct trace_event *e)
{
    struct standing_task *t = task_of(s, e->pid);
    if (t == NULL)
        return 0;
    if (t->args == NULL && (t->args = malloc(sizeof(*t->args))) == NULL)
        return -ENOMEM;
    memcpy(t->args, e->fields, sizeof(*t->args));
    t->has_args = true;
    return 0;
}

static int on_state(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    struct standing_task *t = task_of(s, f->task);
    if (t == NULL && (f->prev != TASK_new || new_task(s, f->task, &t) != 0))
        return f->prev != TASK_new ? 0 : -ENOMEM;
    t->state = f->next;
    t->reason = f->reason;
    t->on_pid = f->on_pid;
    if (f->next == TASK_dead)
        remove_task(s, f->task);
    return 0;
}

static void on_switch(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_switch *f = e->fields;
    struct standing_task *t = task_of(s, f->next_pid);
    s->cpu[e->cpu].pid = f->next_pid;
    s->cpu[e->cpu].mm = f->next_mm;
    if (t == NULL)
        return;
    if (!s->is_told_cpu) /* its state has been told: it may have blocked or ended there */
        t->state = TASK_running;
    if (t->mm == 0)
        t->mm = f->next_mm;
}

static void on_enter(struct standing *s, const struct trace_event *e)
{
    struct standing_task *t = task_of(s, e->pid);
    if (t == NULL)
        return;
    t->in_call = true;
    t->execed_in_call = t->has_fault = false;
    t->call_mm = e->mm;
    memcpy(&t->call, e->fields, sizeof(t->call));
}

static void on_fault(struct standing *s, const struct trace_event *e)
{
    struct standing_task *t = task_of(s, e->pid);
    if (t == NULL)
        return;
    t->has_fault = true;
    t->fault_mm = e->mm;
    memcpy(&t->fault, e->fields, sizeof(t->fault));
}

static void on_end(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_exit *f = e->fields;
    struct standing_task *t = task_of(s, f->tgid);
    if (t == NULL)
        return;
    t->has_exited = true;
    t->status = f->status;
}

/* --- address spaces ----------------------------------------------------------------------- */

static int on_mm(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_mm_create *f = e->fields;
    struct standing_mm *mm = idmap_get(s->mms, e->mm);
    if (mm == NULL)
        return -ENOMEM;
    *mm = (struct standing_mm){
        .id = e->mm, .root_pfn = f->root_pfn, .from = f->from_mm, .maker = e->pid
    };
    return 0;
}

static void forget_specials(struct standing_mm *mm)
{
    while (mm->special != NULL) {
        struct standing_special *next = mm->special->next;
        free(mm->special);
        mm->special = next;
    }
}

static void on_mm_end(struct standing *s, uint32_t id)
{
    struct standing_mm *mm = idmap_find(s->mms, id);
    if (mm == NULL)
        return;
    forget_specials(mm);
    idmap_remove(s->mms, id);
    for (unsigned c = 0; c < TRACE_CPUS_MAX; c++)
        if (s->cpu[c].root_mm == id)
            s->cpu[c].has_root = false;
}

static int on_special(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_vma_special *f = e->fields;
    struct standing_mm *mm = idmap_find(s->mms, e->mm);
    if (mm == NULL)
        return 0;
    for (struct standing_special *p = mm->special; p != NULL; p = p->next)
        if (memcmp(&p->range, f, sizeof(*f)) == 0)
            return 0;
    struct standing_special *p = malloc(sizeof(*p));
    if (p == NULL)
        return -ENOMEM;
    p->next = mm->special;
    memcpy(&p->range, f, sizeof(*f));
    mm->special = p;
    return 0;
}

/* --- events -------------------------------------------------------------------------------- */

static int about_memory(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_cr3_load *load = e->fields;
    switch (e->id) {
    case TRACE_EV_mm_create: return on_mm(s, e);
    case TRACE_EV_mm_free: on_mm_end(s, e->mm); break;
    case TRACE_EV_vma_special: return on_special(s, e);
    case TRACE_EV_cr3_load:
        s->cpu[e->cpu].has_root = true;
        s->cpu[e->cpu].root_mm = e->mm;
        s->cpu[e->cpu].root_pfn = load->root_pfn;
        break;
    }
    return 0;
}

static int about_tasks(struct standing *s, const struct trace_event *e)
{
    const struct trace_ev_vfork_release *release = e->fields;
    const struct trace_ev_reparent *moved = e->fields;
    const struct trace_ev_checkpoint *mark = e->fields;
    struct standing_task *t;
    switch (e->id) {
    case TRACE_EV_checkpoint: s->is_told_cpu = mark->begin == TRACE_CHECKPOINT_CPU; break;
    case TRACE_EV_clone: return on_clone(s, e);
    case TRACE_EV_exec: return on_exec(s, e);
    case TRACE_EV_exec_args: return on_args(s, e);
    case TRACE_EV_task_state: return on_state(s, e);
    case TRACE_EV_switch: on_switch(s, e); break;
    case TRACE_EV_syscall_enter: on_enter(s, e); break;
    case TRACE_EV_syscall_exit:
        if ((t = task_of(s, e->pid)) != NULL)
            t->in_call = false;
        break;
    case TRACE_EV_page_fault: on_fault(s, e); break;
    case TRACE_EV_exit: on_end(s, e); break;
    case TRACE_EV_vfork_release:
        if ((t = task_of(s, release->child)) != NULL)
            t->waits_for_it = 0;
        break;
    case TRACE_EV_reparent:
        if ((t = task_of(s, moved->child)) != NULL)
            t->parent = moved->parent;
        break;
    }
    return 0;
}

int standing_event(struct standing *s, const struct trace_event *e)
{
    if (e->cpu >= TRACE_CPUS_MAX)
        return 0;
    s->cpu[e->cpu].is_known = true;
    int err = about_memory(s, e);
    if (err == 0)
        err = about_tasks(s, e);
    return err == 0 ? replay_event(s->replay, e) : err;
}

struct standing *standing_new(void)
{
    struct standing *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->replay = replay_new(NULL, NULL);
    s->tasks = idmap_new(sizeof(struct standing_task));
    s->mms = idmap_new(sizeof(struct standing_mm));
    if (s->replay == NULL || s->tasks == NULL || s->mms == NULL) {
        standing_free(s);
        return NULL;
    }
    return s;
}

static void free_args(void *arg, void *task)
{
    (void)arg;
    free(((struct standing_task *)task)->args);
}

static void free_specials(void *arg, void *mm)
{
    (void)arg;
    forget_specials(mm);
}

void standing_free(struct standing *s)
{
    if (s == NULL)
        return;
    if (s->tasks != NULL)
        idmap_each(s->tasks, free_args, NULL);
    if (s->mms != NULL)
        idmap_each(s->mms, free_specials, NULL);
    idmap_free(s->tasks);
    idmap_free(s->mms);
    replay_free(s->replay);
    free(s);
}
