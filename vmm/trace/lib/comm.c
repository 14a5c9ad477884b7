/* comm.c - see comm.h. */
#include "vmm/trace/lib/comm.h"

#include <string.h>

#include "vmm/trace/lib/status.h"

static void set_comm(struct task_head *t, const char *name, size_t n)
{
    memset(t->comm, 0, sizeof(t->comm));
    memcpy(t->comm, name, n < sizeof(t->comm) ? n : sizeof(t->comm) - 1);
    for (char *c = t->comm; *c != '\0'; c++)
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
            *c = '?';
}

/* BusyBox runs its applets as /proc/self/exe; then the first argument is the better name. */
static void name_applet(struct task_head *t, const struct trace_ev_exec_args *f)
{
    size_t n = 0, from = 0;
    if (strncmp(f->path, "/proc/self/exe", sizeof(f->path)) != 0 || f->args[0] == '\0')
        return;
    for (; n < sizeof(f->args) && f->args[n] != ' ' && f->args[n] != '\0'; n++)
        if (f->args[n] == '/')
            from = n + 1;
    set_comm(t, f->args + from, n - from);
}

void comm_follow(struct idmap *tasks, const struct trace_event *e)
{
    if (e->id == TRACE_EV_exec) {
        const struct trace_ev_exec *f = e->fields;
        struct task_head *t = need(idmap_get(tasks, e->pid));
        set_comm(t, f->comm, strnlen(f->comm, sizeof(f->comm)));
    } else if (e->id == TRACE_EV_exec_args) {
        name_applet(need(idmap_get(tasks, e->pid)), e->fields);
    } else if (e->id == TRACE_EV_clone) {
        const struct trace_ev_clone *f = e->fields;
        const struct task_head *parent = need(idmap_get(tasks, e->pid));
        struct task_head *child = need(idmap_get(tasks, f->child));
        memmove(child->comm, parent->comm, sizeof(child->comm));
    }
}
