/* tasks.c - pid to record, by open addressing.  Events come in runs of one
 * task, so the last one asked for is kept at hand. */
#include "vmm/trace/lib/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/commands.h"

struct tasks {
    size_t record_size, capacity, count;
    struct task_head **at;
    struct task_head *last;
};

struct tasks *tasks_new(size_t record_size)
{
    struct tasks *ts = calloc(1, sizeof(*ts));
    if (ts == NULL)
        return NULL;
    ts->record_size = record_size;
    ts->capacity = 64;
    ts->at = calloc(ts->capacity, sizeof(ts->at[0]));
    if (ts->at == NULL) {
        free(ts);
        return NULL;
    }
    return ts;
}

void tasks_free(struct tasks *ts)
{
    if (ts == NULL)
        return;
    for (size_t i = 0; i < ts->capacity; i++)
        free(ts->at[i]);
    free(ts->at);
    free(ts);
}

static size_t place_of(const struct tasks *ts, uint32_t pid)
{
    size_t i = (size_t)(pid * 0x9e3779b97f4a7c15ull >> 32) & (ts->capacity - 1);
    while (ts->at[i] != NULL && ts->at[i]->pid != pid)
        i = (i + 1) & (ts->capacity - 1);
    return i;
}

static void grow(struct tasks *ts)
{
    struct task_head **old = ts->at;
    size_t n = ts->capacity;
    ts->at = calloc(2 * n, sizeof(ts->at[0]));
    if (ts->at == NULL)
        out_of_memory();
    ts->capacity = 2 * n;
    for (size_t i = 0; i < n; i++)
        if (old[i] != NULL)
            ts->at[place_of(ts, old[i]->pid)] = old[i];
    free(old);
}

void *tasks_get(struct tasks *ts, uint32_t pid)
{
    if (ts->last != NULL && ts->last->pid == pid)
        return ts->last;
    size_t i = place_of(ts, pid);
    if (ts->at[i] == NULL) {
        if (2 * (ts->count + 1) > ts->capacity) {
            grow(ts);
            i = place_of(ts, pid);
        }
        ts->at[i] = calloc(1, ts->record_size);
        if (ts->at[i] == NULL)
            out_of_memory();
        ts->at[i]->pid = pid;
        ts->count++;
    }
    return ts->last = ts->at[i];
}

void tasks_each(struct tasks *ts, void (*visit)(void *arg, void *record), void *arg)
{
    for (size_t i = 0; i < ts->capacity; i++)
        if (ts->at[i] != NULL)
            visit(arg, ts->at[i]);
}

void tasks_follow(struct tasks *ts, const struct trace_event *e)
{
    if (e->id == TRACE_EV_exec) {
        const struct trace_ev_exec *f = e->fields;
        struct task_head *t = tasks_get(ts, e->pid);
        memcpy(t->comm, f->comm, 16);
        for (char *c = t->comm; *c != '\0'; c++)
            if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
                *c = '?';
    } else if (e->id == TRACE_EV_clone) {
        const struct trace_ev_clone *f = e->fields;
        const struct task_head *parent = tasks_get(ts, e->pid);
        struct task_head *child = tasks_get(ts, f->child);
        memmove(child->comm, parent->comm, sizeof(child->comm));
    }
}
