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

const char *applet_name(const struct trace_ev_exec_args *f, size_t *n)
{
    size_t end = 0, from = 0;
    if (strncmp(f->path, "/proc/self/exe", sizeof(f->path)) != 0 || f->args[0] == '\0')
        return NULL;
    for (; end < sizeof(f->args) && f->args[end] != ' ' && f->args[end] != '\0'; end++)
        if (f->args[end] == '/')
            from = end + 1;
    *n = end - from;
    return f->args + from;
}

void comm_follow(struct idmap *tasks, const struct trace_event *e)
{
    if (e->id == TRACE_EV_exec) {
        const struct trace_ev_exec *f = e->fields;
        struct task_head *t = need(idmap_get(tasks, e->pid));
        set_comm(t, f->comm, strnlen(f->comm, sizeof(f->comm)));
    } else if (e->id == TRACE_EV_exec_args) {
        size_t n;
        const char *name = applet_name(e->fields, &n);
        if (name != NULL)
            set_comm(need(idmap_get(tasks, e->pid)), name, n);
    } else if (e->id == TRACE_EV_clone) {
        const struct trace_ev_clone *f = e->fields;
        const struct task_head *parent = need(idmap_get(tasks, e->pid));
        struct task_head *child = need(idmap_get(tasks, f->child));
        memmove(child->comm, parent->comm, sizeof(child->comm));
    }
}
