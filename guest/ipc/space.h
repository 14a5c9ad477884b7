/* space.h - an IPC namespace: all that System V IPC and POSIX message queues have, and their limits.
 *
 * It is there while a task or a file of it is (struct ns).  Then what is in it goes, as by IPC_RMID; segments that
 * are attached, and queues that are open, stay until they are not, and each of them holds the memory of the space. */
#ifndef IPC_SPACE_H
#define IPC_SPACE_H

#include "ipc/ids.h"
#include "sched/namespace.h"

struct ipc_space {
    struct ns ns;
    struct ipc_ids msg, sem, shm;
    uint64_t msg_max_size, msg_max_bytes; /* [a] msgmax, msgmnb; msgmni is msg.limit */
    uint64_t msg_all, msg_all_bytes;      /* [a] messages that are in some queue */
    uint32_t sem_max_in_set, sem_max_ops,
        sem_max_all;                      /* [a] SEMMSL, SEMOPM, SEMMNS; SEMMNI is sem.limit */
    uint32_t sem_all;                     /* [a] semaphores that there are */
    uint64_t shm_max_size, shm_max_pages; /* [a] shmmax, shmall; shmmni is shm.limit */
    uint64_t shm_all;                     /* [a] pages that all segments may come to have */
    struct list queues; /* [mq_name.c's lock] POSIX queues, with a name or without */
    uint64_t nqueues;   /* same */
    uint64_t mq_max_messages, mq_max_bytes, mq_default_messages, mq_default_bytes,
        mq_max_queues;        /* [a] /proc/sys/fs/mqueue */
    struct refcount holds;    /* [a] its own while it is there, and that of each object */
    struct rb_node by_number; /* [ipc_ids of spaces] all but the first */
    uint32_t number;          /* [k] 0: the first */
    struct ending ending;
};
extern struct ipc_space first_ipc_space;
struct ipc_space *ipc_here(void);                  /* current's */
struct ipc_space *ipc_space_find(uint32_t number); /* with a hold; NULL: it is gone */
static inline void ipc_space_hold(struct ipc_space *s) { ref_get(&s->holds); }
void ipc_space_put(struct ipc_space *s);

struct ns *ipc_space_make(void); /* for proc/undo.h */
void ipc_space_end(struct ns *ns);

/* Of each kind: an object's last reference is gone; it goes as by IPC_RMID. */
/* msg.c */
void msg_free(struct ipc_object *o);
/* msg_ctl.c */
void msg_remove(struct ipc_object *o);
/* sem.c */
void sem_free(struct ipc_object *o);
/* sem_ctl.c */
void sem_remove(struct ipc_object *o);
/* shm.c */
void shm_free(struct ipc_object *o);
/* shm_ctl.c */
void shm_remove(struct ipc_object *o);
/* mq_name.c */
void mqueues_unlink(struct ipc_space *s); /* all names */

#endif
