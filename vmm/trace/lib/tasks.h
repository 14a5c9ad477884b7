/* tasks.h - a record for each task that a trace speaks of, by pid. */
#ifndef VMM_TRACE_TASKS_H
#define VMM_TRACE_TASKS_H

#include "vmm/trace/lib/reader.h"

/* The user's record begins with this. */
struct task_head {
    uint32_t pid;
    char comm[17]; /* "" until known */
};

struct tasks;
struct tasks *tasks_new(size_t record_size); /* NULL: no memory */
void tasks_free(struct tasks *ts);

/* The record of a pid, zeroed when new; it never moves.  Exits with a message
 * when memory runs out, as a tool that cannot go on may. */
void *tasks_get(struct tasks *ts, uint32_t pid);

void tasks_each(struct tasks *ts, void (*visit)(void *arg, void *record), void *arg);

/* Keeps comm up to date: exec sets it, a child starts with its parent's. */
void tasks_follow(struct tasks *ts, const struct trace_event *e);

#endif
