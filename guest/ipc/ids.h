/* ids.h - what queues, sets of semaphores and segments have in common: an identifier, a key, an
 * owner and rights. */
#ifndef IPC_IDS_H
#define IPC_IDS_H

#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "sync/lock.h"

#include <linux/ipc.h>

#define IPC_SLOTS_MAX  32768u /* of a kind */
#define IPC_PAGE_SLOTS 512u
#define IPC_PAGES      (IPC_SLOTS_MAX / IPC_PAGE_SLOTS)

struct ipc_ids;
struct ipc_space;

/* The first member of each. */
struct ipc_object {
    struct ipc_ids *ids;   /* [k] its table */
    struct rb_node by_key; /* [ids] unless key is IPC_PRIVATE */
    int32_t key;           /* [ids] */
    int32_t id;            /* [k] once it is in the table */
    uint32_t seq;          /* [k] */
    uint32_t cuid, cgid;   /* [k] */
    uint32_t uid, gid;     /* [ids] */
    uint32_t mode;         /* [ids] and bits of the kind's own */
    struct refcount refs;  /* [a] the table's and those of whoever uses it */
    bool gone;             /* [ids] and the object's own lock: one is enough to read */
};

/* [ids] lock; used and highest are read without */
struct ipc_ids {
    struct spinlock lock;
    struct rb_root keys;
    struct ipc_object **page[IPC_PAGES];
    uint16_t in_page[IPC_PAGES];
    uint32_t used, seq;
    int32_t last, highest; /* index that was given last; highest in use, -1: none */
    int32_t wish; /* the id that the next new one should have, as /proc/sys/kernel says; -1: none */
    uint64_t limit;                     /* as /proc/sys/kernel says; one word */
    void (*free)(struct ipc_object *o); /* [k] its last reference is gone */
    struct ipc_space *space;            /* [k] */
};
#define IPC_IDS(of, max, free_fn) \
    { \
        .space = (of), .lock = SPINLOCK_INIT(LOCK_ipc_ids), .last = -1, .highest = -1, .wish = -1, \
        .limit = (max), .free = (free_fn) \
    }

/* What the three *get(2) differ in. */
struct ipc_get {
    struct ipc_ids *ids;
    int (*make)(uint64_t arg, struct ipc_object **out);     /* 0 or -errno */
    int (*check)(const struct ipc_object *o, uint64_t arg); /* is one that is there good enough? */
    void (*born)(struct ipc_object *o);                     /* it is in the table; NULL: nothing */
};
long ipc_get(const struct ipc_get *g, int32_t key, int flags, uint64_t arg); /* id or -errno */

/* Each with a reference: 0, -EINVAL, -EIDRM. */
int ipc_find(struct ipc_ids *ids, int32_t id, struct ipc_object **out);
int ipc_find_index(struct ipc_ids *ids, int32_t index, struct ipc_object **out);
/* The first from *index on, and its index; NULL: there is none.  At most a page is looked through:
 * `more` says whether there may be others. */
struct ipc_object *ipc_next(struct ipc_ids *ids, uint32_t *index, bool *more);
void ipc_put(struct ipc_object *o);

/* May current?  mode: S_I*UGO bits.  0 or -EACCES. */
int ipc_permission(const struct ipc_object *o, uint32_t mode);
int ipc_may_change(const struct ipc_object *o); /* 0 or -EPERM */
/* Out of the table, whose reference goes, unless it is out already or when() says no, which is called with
 * the table's lock held; NULL: yes.  The object's own lock is held if it has one. */
void ipc_remove(struct ipc_object *o, bool (*when)(const struct ipc_object *o));
struct ipc_object *ipc_peek(struct ipc_ids *ids, int32_t id);   /* ids->lock held; NULL: none */
void ipc_make_private(struct ipc_object *o);                    /* its key finds it no more */
void ipc_mark(struct ipc_object *o, uint32_t off, uint32_t on); /* in mode */
void ipc_show(const struct ipc_object *o, struct ipc64_perm *to);
/* IPC_SET's part of it: 0 or -EINVAL. */
int ipc_change(struct ipc_object *o, const struct ipc64_perm *from);
uint64_t ipc_pid(void); /* of current's process, as these calls note it: for pid_stamp_told() */
int64_t ipc_time(void); /* seconds */

#endif
