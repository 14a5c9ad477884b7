/* sem.h - sets of semaphores: what sem.c, sem_ctl.c and sem_undo.c know of them, and /proc. */
#ifndef IPC_SEM_H
#define IPC_SEM_H

#include "ipc/chunks.h"
#include "ipc/space.h"
#include "sched/block.h"

#include <linux/sem.h>

struct task;

#define SEM_OPS_MAX 680u /* of one call: what fits into a page of the heap */

struct sem {
    int32_t value;
    uint64_t pid; /* of who changed it last: ipc_pid() */
};

/* [l] lock */
struct sem_set {
    struct ipc_object ipc;
    struct mutex lock;
    uint32_t n;           /* [k] */
    struct chunks sems;   /* [l] struct sem */
    struct list pending;  /* [l] struct sem_wait, the oldest first */
    struct list undos;    /* [l] struct sem_undo.of_set */
    int64_t otime, ctime; /* [l] seconds */
};

/* A semop(2) that cannot be done yet, on its caller's stack. */
struct sem_wait {
    struct list link;           /* [l] in pending */
    struct waitq queue;         /* its caller sleeps here */
    const struct sembuf *op;    /* [k] */
    unsigned n;                 /* [k] */
    const struct sembuf *stuck; /* [l] the one of them that cannot be done */
    struct sem_undo *undo;      /* [k] NULL: none of them has SEM_UNDO */
    uint64_t pid;               /* [k] */
    bool alters;                /* [k] */
    bool done;                  /* [l], read without: */
    long result;                /* [l] what the call gives */
};

/* What is to be added when a process ends: one for each set that it has used with SEM_UNDO. */
struct sem_undo {
    struct rb_node node;  /* [undo_lock] in the list, by set */
    struct sem_set *set;  /* [k] not a reference: who ends the set ends this before */
    struct sem_undos *of; /* [k] */
    struct list of_set;   /* [set's lock] */
    struct chunks adjust; /* [set's lock] int16_t */
};

static inline struct sem *sem_of(const struct sem_set *s, size_t i)
{
    return chunk_at(&s->sems, i);
}
/* A value has changed: whoever can go on does.  Lock held. */
void sem_serve(struct sem_set *s);
/* The set goes: who waits gets -EIDRM.  Lock held. */
void sem_end(struct sem_set *s);
int sem_lock(struct sem_set *s); /* 0 or -EIDRM, and then it is not locked */

/* sem_undo.c; lock held */
/* current's for s, which is made if there is none: 0 or -ENOMEM. */
int sem_undo_get(struct sem_set *s, struct sem_undo **out);
void sem_undo_forget(struct sem_set *s, uint32_t from, uint32_t n); /* n semaphores: everybody's */
void sem_undo_drop_all(struct sem_set *s);                          /* the set goes */
void sem_undo_init(void);

#endif
