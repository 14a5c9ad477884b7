/* comm.h - what each task of a trace is called, as the events go by. */
#ifndef VMM_TRACE_COMM_H
#define VMM_TRACE_COMM_H

#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/reader.h"

/* The records of an idmap of tasks begin with this. */
struct task_head {
    uint32_t pid;
    char comm[17]; /* printable; "" until known */
};

/* Exec sets it (of a BusyBox applet, the arguments), a child starts with its parent's. */
void comm_follow(struct idmap *tasks, const struct trace_event *e);

/* The better name of a BusyBox applet, which runs as /proc/self/exe: its first argument, without
 * the directory; raw bytes.  NULL: what was executed has its own name. */
const char *applet_name(const struct trace_ev_exec_args *f, size_t *n);

#endif
