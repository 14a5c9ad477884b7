/* comm.c - see comm.h. */
#include "vmm/trace/lib/comm.h"

#include <string.h>

#include "vmm/trace/lib/status.h"

void comm_follow(struct idmap *tasks, const struct trace_event *e)
{
    if (e->id == TRACE_EV_exec) {
        const struct trace_ev_exec *f = e->fields;
        struct task_head *t = need(idmap_get(tasks, e->pid));
        memcpy(t->comm, f->comm, 16);
        for (char *c = t->comm; *c != '\0'; c++)
            if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
                *c = '?';
    } else if (e->id == TRACE_EV_clone) {
        const struct trace_ev_clone *f = e->fields;
        const struct task_head *parent = need(idmap_get(tasks, e->pid));
        struct task_head *child = need(idmap_get(tasks, f->child));
        memmove(child->comm, parent->comm, sizeof(child->comm));
    }
}
