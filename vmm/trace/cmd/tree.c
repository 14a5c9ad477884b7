/* tree.c - vmm-trace tree: who made whom, by which call, and what became of them.
 *
 * A life is one process or thread from its birth to its death.  A pid can be
 * used again, so lives are kept in an array in the order of birth, and the record
 * of a pid names its latest one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmm/trace/lib/calls.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/json_option.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/format.h"

#define NAMES_MAX 160
#define NO_LIFE   0 /* index of the root, which stands for the kernel */

struct life {
    uint32_t pid, parent;                   /* parent: an index */
    uint32_t first_child, last_child, next; /* indexes; NO_LIFE: none */
    enum call_kind born;
    char names[NAMES_MAX];     /* "sh > ls -l": at birth, then by exec with its arguments */
    size_t last_name;          /* where that begins */
    uint64_t writes, from, to; /* entries written while it ran; ticks */
    bool ended;
    bool has_status; /* a thread ends without one */
    int32_t status;
    uint32_t became; /* 0, or whose number a thread took by exec */
};

struct task {
    struct actor actor;
    uint32_t life;
    bool own_stack; /* its clone call gives the child one */
};

struct tree {
    struct life *life;
    uint32_t n, capacity;
    struct follow follow;
    uint64_t stop_tsc; /* who is still there lived until then */
};

static struct task *task_of(struct tree *t, uint32_t pid)
{
    return (struct task *)follow_actor(&t->follow, pid);
}

static uint32_t new_life(struct tree *t, uint32_t pid, uint32_t parent, enum call_kind born,
                         uint64_t tsc)
{
    if (t->n == t->capacity) {
        t->capacity = t->capacity != 0 ? 2 * t->capacity : 256;
        t->life = realloc(t->life, t->capacity * sizeof(t->life[0]));
        if (t->life == NULL)
            out_of_memory();
    }
    uint32_t self = t->n++;
    t->life[self] = (struct life){ .pid = pid, .parent = parent, .born = born, .from = tsc };
    struct life *p = &t->life[parent];
    if (self == NO_LIFE)
        return self;
    if (p->first_child == NO_LIFE)
        p->first_child = self;
    else
        t->life[p->last_child].next = self;
    p->last_child = self;
    return self;
}

static void add_name(struct life *l, const char *comm)
{
    size_t have = strlen(l->names);
    l->last_name = have > 0 ? have + 3 : 0;
    if (l->last_name >= sizeof(l->names))
        l->last_name = have;
    snprintf(l->names + have, sizeof(l->names) - have, "%s%s", have > 0 ? " > " : "", comm);
}

/* They are no longer than a line should be. */
#define ARGS_SHOWN 24

static void add_args(struct life *l, const struct trace_ev_exec_args *f)
{
    size_t n = strnlen(f->args, sizeof(f->args));
    char *to = l->names + l->last_name;
    snprintf(to, sizeof(l->names) - l->last_name, "%.*s%s", (int)(n < ARGS_SHOWN ? n : ARGS_SHOWN),
             f->args, n > ARGS_SHOWN ? "..." : "");
    for (; *to != '\0'; to++)
        if (*to < ' ' || *to > '~')
            *to = '?';
}

/* The life of the task that the event is about; a task that nobody was seen to
 * make (PID 1) is the kernel's child. */
static struct life *life_of(struct tree *t, uint32_t pid, uint64_t tsc)
{
    struct task *task = task_of(t, pid);
    if (task->life == NO_LIFE && pid != 0)
        task->life = new_life(t, pid, NO_LIFE, CALL_KINDS, tsc);
    return &t->life[task->life];
}

static void on_clone(struct tree *t, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    life_of(t, e->pid, e->tsc);
    struct task *parent = task_of(t, e->pid), *child = task_of(t, f->child);
    child->life =
        new_life(t, f->child, parent->life, clone_kind(f->flags, parent->own_stack), e->tsc);
    add_name(&t->life[child->life], child->actor.head.comm);
}

/* The event comes from the last thread of the process. */
static void on_exit_event(struct tree *t, const struct trace_event *e)
{
    const struct trace_ev_exit *f = e->fields;
    struct life *l = life_of(t, f->tgid, e->tsc);
    l->ended = l->has_status = true;
    l->status = f->status;
    l->to = e->tsc;
}

/* A thread's end.  A process whose first thread ends may go on. */
static void on_state(struct tree *t, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    struct life *l = life_of(t, f->task, e->tsc);
    if (f->next != TASK_zombie || l->ended || l->born != CALL_thread)
        return;
    l->ended = true;
    l->to = e->tsc;
}

static void on_exec(struct tree *t, const struct trace_event *e, const struct actor *thread)
{
    if (thread != NULL) {
        struct life *l = life_of(t, thread->head.pid, e->tsc);
        l->ended = true;
        l->became = e->pid;
        l->to = e->tsc;
    }
    add_name(life_of(t, e->pid, e->tsc), task_of(t, e->pid)->actor.head.comm);
}

static void take_event(struct tree *t, const struct trace_event *e)
{
    const struct actor *thread = e->id == TRACE_EV_exec ? follow_exec_of(&t->follow, e) : NULL;
    follow_event(&t->follow, e);
    if (e->id == TRACE_EV_syscall_enter) {
        task_of(t, e->pid)->own_stack = call_gives_stack(e);
    } else if (e->id == TRACE_EV_clone) {
        on_clone(t, e);
    } else if (e->id == TRACE_EV_exec) {
        on_exec(t, e, thread);
    } else if (e->id == TRACE_EV_exec_args) {
        if (((const struct trace_ev_exec_args *)e->fields)->args[0] != '\0')
            add_args(life_of(t, e->pid, e->tsc), e->fields);
    } else if (e->id == TRACE_EV_exit) {
        on_exit_event(t, e);
    } else if (e->id == TRACE_EV_task_state) {
        on_state(t, e);
    } else {
        uint64_t n = event_writes(e);
        if (n > 0)
            life_of(t, e->pid, e->tsc)->writes += n;
    }
}

static void print_end(const struct life *l)
{
    if (!l->ended)
        fputs("still there", stdout);
    else if (l->became != 0)
        printf("exec, as [%u]", l->became);
    else if (!l->has_status)
        fputs("ended", stdout);
    else if (WIFSIGNALED(l->status))
        printf("killed by signal %d", WTERMSIG(l->status));
    else
        printf("exit %d", WEXITSTATUS(l->status));
}

static void print_life(const struct tree *t, const struct trace_meta *m, const struct life *l,
                       unsigned depth)
{
    char who[2 * NAMES_MAX], span[24];
    unsigned indent = 2 * (depth < 16 ? depth : 16);
    snprintf(who, sizeof(who), "%*s%s[%u]", (int)indent, "", l->names, l->pid);
    printf("%-44s %-12s %10" PRIu64 " %10s  ", who,
           l->born < CALL_KINDS ? call_kind_names[l->born] : "the kernel", l->writes,
           format_ns(span, trace_ns(m, (l->ended ? l->to : t->stop_tsc) - l->from)));
    print_end(l);
    putchar('\n');
}

/* A list in the order of birth; parent is the index of one. */
static void print_json(const struct tree *t, const struct trace_meta *m)
{
    struct json j;
    json_begin(&j, stdout);
    json_array(&j, "lives");
    for (uint32_t i = NO_LIFE + 1; i < t->n; i++) {
        const struct life *l = &t->life[i];
        json_row(&j);
        json_count(&j, "life", i);
        json_count(&j, "parent_life", l->parent);
        json_count(&j, "pid", l->pid);
        json_text(&j, "names", l->names);
        json_text(&j, "made_by", l->born < CALL_KINDS ? call_kind_names[l->born] : "the kernel");
        json_count(&j, "writes", l->writes);
        json_count(&j, "from_ns", trace_ns(m, l->from - t->follow.first_tsc));
        json_count(&j, "ns", trace_ns(m, (l->ended ? l->to : t->stop_tsc) - l->from));
        json_bool(&j, "ended", l->ended);
        if (l->has_status)
            json_signed(&j, "status", l->status);
        if (l->became != 0)
            json_count(&j, "became_pid", l->became);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_end(&j);
}

/* Depth first, without recursion: a chain of forks may be long. */
static void print_tree(const struct tree *t, const struct trace_meta *m)
{
    unsigned depth = 0;
    uint32_t at = t->life[NO_LIFE].first_child;
    while (at != NO_LIFE) {
        const struct life *l = &t->life[at];
        print_life(t, m, l, depth);
        if (l->first_child != NO_LIFE) {
            at = l->first_child;
            depth++;
            continue;
        }
        while (at != NO_LIFE && t->life[at].next == NO_LIFE) {
            at = t->life[at].parent;
            depth--;
        }
        at = at != NO_LIFE ? t->life[at].next : NO_LIFE;
    }
}

static void print_text(const struct tree *t, const struct trace_meta *m)
{
    printf("%-44s %-12s %10s %10s  %s\n", "process", "made by", "PTE writes", "life", "end");
    print_tree(t, m);
}

int command_tree(int argc, char **argv)
{
    static const char doc[] =
        "Shows the processes as a tree: by which call each was made, what it executed, how "
        "many page-table entries were written while it ran, how long it lived, how it "
        "ended.";
    struct json_option o;
    struct trace *trace = open_trace_or_json(argc, argv, doc, &o);
    if (trace == NULL)
        return STATUS_TROUBLE;

    const struct trace_event *e;
    struct tree t = { .n = 0 };
    follow_init(&t.follow, sizeof(struct task));
    new_life(&t, 0, NO_LIFE, CALL_KINDS, 0);
    while ((e = trace_next(trace)) != NULL)
        take_event(&t, e);
    uint64_t stop = trace_meta(trace)->stop_tsc;
    t.stop_tsc = stop > t.follow.last_tsc ? stop : t.follow.last_tsc;
    if (o.json)
        print_json(&t, trace_meta(trace));
    else
        print_text(&t, trace_meta(trace));
    follow_free(&t.follow);
    free(t.life);
    return close_trace(trace);
}
