/* lives.h - a trace as what its tasks did: born, named, in calls, waiting, gone.
 *
 * All exports but the plain events are made of this.  A life is one process or thread from its
 * birth until it is reaped; a pid can be used again, so lives have numbers of their own, from 1
 * in the order of birth.  A life is told as it goes by and forgotten when it is over: memory is
 * bounded by the numbers that tasks can have, not by the length of the trace.
 *
 * Names are bytes that a guest chose, anything but NUL: whoever writes them escapes them
 * (text.h). */
#ifndef VMM_TRACE_EXPORT_LIVES_H
#define VMM_TRACE_EXPORT_LIVES_H

#include "vmm/trace/lib/calls.h"
#include "vmm/trace/lib/follow.h"

#define LIFE_NAME  48 /* bytes, the NUL included; longer ones are cut off */
#define LIFE_NAMES 160

struct life {
    uint64_t number;
    uint64_t parent; /* number of a life; 0: the kernel */
    uint32_t pid, tgid;
    enum call_kind born;    /* CALL_KINDS: nobody was seen to make it */
    char name[LIFE_NAME];   /* "ls" */
    char names[LIFE_NAMES]; /* "sh > ls -l": at birth, then by exec with its arguments */
    size_t last_name;       /* where in names the last one begins */
    uint64_t from, to;      /* ticks; to: the exit, or the end of the trace */
    uint64_t writes, faults;
    bool ended; /* it has exited */
    int32_t status;
};

/* What a call cost so far. */
struct call_cost {
    uint64_t writes, faults, made, freed, flushes;
};

/* The owner of a struct lives may have more behind it. */
struct task {
    struct actor actor;
    struct life life; /* number 0: none now */
    struct call_cost cost;
    uint64_t call;  /* number of the call that was told to have begun */
    bool own_stack; /* its clone call gives the child one */
    bool renamed;   /* and not told yet */
};

/* What is told; NULL: not wanted.  All at the time of the event, last_tsc of the follow. */
struct lives_listener {
    void (*birth)(void *arg, struct task *t, struct task *parent); /* NULL: the kernel's */
    void (*named)(void *arg, struct task *t);                      /* by exec */
    void (*call_begins)(void *arg, struct task *t);                /* actor.call */
    /* c is actor.call, or the one before; ret NULL: it does not return, or that is not recorded */
    void (*call_ends)(void *arg, struct task *t, const struct call *c, const int64_t *ret);
    void (*wait_begins)(void *arg, struct task *t);                 /* actor.wait */
    void (*wait_ends)(void *arg, struct task *t, struct actor *by); /* NULL: the trace ended */
    void (*state)(void *arg, struct task *t, unsigned next);        /* enum task_state */
    void (*death)(void *arg, struct task *t);                       /* reaped; or the trace ended */
};

struct lives {
    struct follow follow;
    uint64_t births;
    bool checkpoint; /* under way: what it tells was there before */
    const struct lives_listener *tell;
    void *arg;
};

void lives_init(struct lives *l, size_t record_size, const struct lives_listener *tell, void *arg);
void lives_event(struct lives *l, const struct trace_event *e);
/* Ends what is under way; stop_tsc: when the machine stopped, or 0. */
void lives_end(struct lives *l, uint64_t stop_tsc);
void lives_free(struct lives *l);

/* The task that runs at the event, or NULL: none does. */
struct task *lives_actor(const struct lives *l);
/* The task of a number if it lives, or NULL. */
struct task *lives_find(const struct lives *l, uint32_t pid);

#endif
