/* told.c - what stands, told as a short history: standing.h.
 *
 * Address spaces come first, the kernel's before all, with the tables that their roots lead to: a table
 * before the entry that leads to it, that entry before the table's own.  A table that several lead to is told
 * with the first.  Then tasks in the order of their births, so that parents come before children and each inherits
 * the name that its parent has; a program that a task took since then is an exec.  At the end
 * each task enters its state, in the same order: a vfork parent waits before its child acts. */
#include "vmm/trace/lib/standing.h"

#include <asm/unistd_64.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/standing_state.h"

struct teller {
    const struct standing *s;
    struct standing_text *out;
    uint64_t tsc;
    uint32_t pid, mm;     /* the context of what is told */
    uint32_t runs;        /* the task that was switched to last */
    struct idmap *tables; /* that were told of */
};

/* --- events --------------------------------------------------------------------------------- */

static bool make_room(struct standing_text *out, size_t n)
{
    if (out->failed || out->size + n <= out->room)
        return !out->failed;
    size_t room = 2 * out->room + n + 4096;
    void *more = realloc(out->at, room);
    out->failed = more == NULL;
    if (more != NULL) {
        out->at = more;
        out->room = room;
    }
    return !out->failed;
}

static void put(struct standing_text *out, const void *bytes, size_t n)
{
    memcpy(out->at + out->size, bytes, n);
    out->size += n;
}

static void tell(struct teller *t, uint32_t id, const void *fields, size_t size,
                 const uint64_t *words, unsigned n)
{
    struct trace_header_extended head = { TRACE_ID_EXTENDED, id, t->tsc };
    struct trace_context context = { t->pid, t->mm };
    if (!make_room(t->out, sizeof(head) + sizeof(context) + size + 8 * n))
        return;
    put(t->out, &head, sizeof(head));
    put(t->out, &context, sizeof(context));
    put(t->out, fields, size);
    if (n > 0)
        put(t->out, words, 8 * n);
}
#define TELL(t, name, ...) \
    do { \
        struct trace_ev_##name fields_ = { __VA_ARGS__ }; \
        tell(t, TRACE_EV_##name, &fields_, sizeof(fields_), NULL, 0); \
    } while (0)

/* --- tables ---------------------------------------------------------------------------------- */

static uint64_t slot_va(const struct replay_table *table, unsigned i)
{
    uint64_t va = table->va + ((uint64_t)i << (12 + 9 * (table->level - 1)));
    return table->level == PT_LEVEL_PGD && i >= PT_SLOTS / 2 ? va | 0xffffull << 48 : va;
}

static void tell_run(struct teller *t, const struct replay_table *table, unsigned i, unsigned n)
{
    const uint64_t *e = &table->slot[i];
    uint64_t va = slot_va(table, i);
    uint32_t step;
    if (n == 1)
        TELL(t, pte_write, va, table->pfn, (uint16_t)i, table->level, PT_checkpoint, 0, e[0]);
    else if (n >= TRACE_STEP_MIN && trace_in_steps(e, n, &step))
        TELL(t, pte_range_step, va, table->pfn, (uint16_t)i, table->level, PT_checkpoint,
             (uint16_t)n, 0, e[0], 0, step);
    else {
        struct trace_ev_pte_range_new f = { va,           table->pfn,    (uint16_t)i,
                                            table->level, PT_checkpoint, (uint16_t)n };
        tell(t, TRACE_EV_pte_range_new, &f, sizeof(f), e, n);
    }
}

static const struct replay_table *child_of(const struct teller *t, const struct replay_table *table,
                                           unsigned i)
{
    uint64_t e = table->slot[i];
    if (table->level == PT_LEVEL_PTE || !(e & PTE_P) ||
        (table->level != PT_LEVEL_PGD && (e & PTE_PS)) || pte_frame(e) > UINT32_MAX)
        return NULL;
    const struct replay_table *child = replay_table(t->s->replay, (uint32_t)pte_frame(e));
    return child != NULL && child->level + 1 == table->level ? child : NULL;
}

/* True: it is news. */
static bool tell_table(struct teller *t, const struct replay_table *table)
{
    if (idmap_find(t->tables, table->pfn) != NULL)
        return false;
    if (idmap_get(t->tables, table->pfn) == NULL)
        t->out->failed = true;
    TELL(t, table_alloc, table->va, table->pfn, table->level, PT_checkpoint);
    return true;
}

static void tell_entries(struct teller *t, const struct replay_table *table)
{
    bool is_new[PT_SLOTS] = { false };
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        const struct replay_table *child = child_of(t, table, i);
        is_new[i] = child != NULL && tell_table(t, child);
    }
    for (unsigned i = 0, n; i < PT_SLOTS; i += n + 1) {
        for (n = 0; i + n < PT_SLOTS && table->slot[i + n] != 0; n++)
            ;
        if (n > 0)
            tell_run(t, table, i, n);
    }
    for (unsigned i = 0; i < PT_SLOTS; i++)
        if (is_new[i])
            tell_entries(t, child_of(t, table, i));
}

static void tell_mm(struct teller *t, const struct standing_mm *mm)
{
    t->mm = mm->id;
    t->pid = mm->maker;
    TELL(t, mm_create, mm->root_pfn, mm->from);
    t->pid = 0;
    const struct replay_table *root = replay_table(t->s->replay, mm->root_pfn);
    if (root != NULL && tell_table(t, root))
        tell_entries(t, root);
    for (const struct standing_special *p = mm->special; p != NULL; p = p->next)
        tell(t, TRACE_EV_vma_special, &p->range, sizeof(p->range), NULL, 0);
}

/* Those that nothing leads to: just made, or about to go. */
static void tell_loose(void *arg, const struct replay_table *table)
{
    struct teller *t = arg;
    t->mm = table->mm;
    if (tell_table(t, table))
        tell_entries(t, table);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static void tell_switch(struct teller *t, const struct standing_task *task)
{
    t->pid = task->pid;
    t->mm = task->mm;
    TELL(t, switch, t->runs, task->pid, task->mm);
    t->runs = task->pid;
}

static const struct standing_task *task_of(const struct teller *t, uint32_t pid)
{
    return pid != 0 ? idmap_find(t->s->tasks, pid) : NULL;
}

static void tell_birth(struct teller *t, const struct standing_task *task)
{
    uint32_t maker = task->tgid != task->pid   ? task->tgid
                     : task->waits_for_it != 0 ? task->waits_for_it
                                               : task->parent;
    const struct standing_task *m = task_of(t, maker);
    if (m == NULL) { /* nobody has made it: process 1, or one of the kernel's */
        t->pid = 0;
        t->mm = 0;
        TELL(t, task_state, task->pid, TASK_new, TASK_runnable, BLOCK_none, 0, 0);
        return;
    }
    uint64_t flags = task->flags & ~(uint64_t)(task->waits_for_it != 0 ? 0 : CLONE_VFORK);
    t->pid = maker;
    t->mm = m->mm;
    TELL(t, clone, task->pid, task->tgid, task->mm, flags, task->exit_signal);
}

static void tell_call(struct teller *t, const struct standing_task *task)
{
    t->mm = task->call_mm;
    tell(t, TRACE_EV_syscall_enter, &task->call, sizeof(task->call), NULL, 0);
    t->mm = task->mm;
}

static void tell_program(struct teller *t, const struct standing_task *task)
{
    struct trace_ev_exec f = { .old_mm = 0 };
    memcpy(f.comm, task->comm, sizeof(f.comm));
    if (!task->has_execed)
        return;
    tell(t, TRACE_EV_exec, &f, sizeof(f), NULL, 0);
    if (task->has_args)
        tell(t, TRACE_EV_exec_args, task->args, sizeof(*task->args), NULL, 0);
}

static void tell_task(struct teller *t, const struct standing_task *task)
{
    tell_birth(t, task);
    if (task->state == TASK_new)
        return;
    tell_switch(t, task);
    if (task->in_call && task->execed_in_call)
        tell_call(t, task);
    tell_program(t, task);
    if (task->in_call && !task->execed_in_call)
        tell_call(t, task);
}

static void tell_state(struct teller *t, const struct standing_task *task)
{
    if (task->state == TASK_new || (task->state == TASK_running && !task->has_fault))
        return;
    tell_switch(t, task);
    if (task->has_fault) {
        t->mm = task->fault_mm;
        tell(t, TRACE_EV_page_fault, &task->fault, sizeof(task->fault), NULL, 0);
        t->mm = task->mm;
    }
    if (task->has_exited)
        TELL(t, exit, task->pid, task->status);
    if (task->state != TASK_running)
        TELL(t, task_state, task->pid, TASK_running, task->state, task->reason, task->on_pid, 0);
}

/* --- all of it ---------------------------------------------------------------------------------- */

struct list {
    void **at;
    size_t n;
};

static void append(void *arg, void *record)
{
    struct list *l = arg;
    l->at[l->n++] = record;
}

static struct list sorted(struct teller *t, struct idmap *m,
                          int (*compare)(const void *, const void *))
{
    struct list l = { calloc(idmap_count(m) + 1, sizeof(void *)), 0 };
    if (l.at == NULL) {
        t->out->failed = true;
        return l;
    }
    idmap_each(m, append, &l);
    qsort(l.at, l.n, sizeof(l.at[0]), compare);
    return l;
}

static int by_id(const void *a, const void *b)
{
    const struct standing_mm *x = *(void *const *)a, *y = *(void *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_birth(const void *a, const void *b)
{
    const struct standing_task *x = *(void *const *)a, *y = *(void *const *)b;
    return x->born < y->born ? -1 : x->born > y->born;
}

void standing_tell(const struct standing *s, uint64_t tsc, struct standing_text *out)
{
    struct teller t = { .s = s, .out = out, .tsc = tsc, .tables = idmap_new(sizeof(uint32_t)) };
    if (t.tables == NULL) {
        out->failed = true;
        return;
    }
    TELL(&t, checkpoint, TRACE_CHECKPOINT_RUNNING);
    struct list mms = sorted(&t, s->mms, by_id), tasks = sorted(&t, s->tasks, by_birth);
    for (size_t i = 0; i < mms.n; i++)
        tell_mm(&t, mms.at[i]);
    replay_each(s->replay, tell_loose, &t);
    for (size_t i = 0; i < tasks.n; i++)
        tell_task(&t, tasks.at[i]);
    for (size_t i = 0; i < tasks.n; i++)
        tell_state(&t, tasks.at[i]);
    free(mms.at);
    free(tasks.at);
    idmap_free(t.tables);
}

void standing_tell_cpu(const struct standing *s, unsigned cpu, uint64_t tsc,
                       struct standing_text *out)
{
    const struct standing_cpu *c = &s->cpu[cpu];
    struct teller t = { .s = s, .out = out, .tsc = tsc, .pid = c->pid, .mm = c->mm };
    if (!c->is_known)
        return;
    TELL(&t, checkpoint, TRACE_CHECKPOINT_CPU);
    TELL(&t, switch, 0, c->pid, c->mm);
    t.mm = c->root_mm;
    if (c->has_root)
        TELL(&t, cr3_load, c->root_pfn);
}

void standing_tell_end(uint64_t tsc, struct standing_text *out)
{
    struct teller t = { .out = out, .tsc = tsc };
    TELL(&t, checkpoint, TRACE_CHECKPOINT_END);
}
