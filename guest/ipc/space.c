/* space.c - IPC namespaces: made, found and ended.  proc/ lies below and calls them by proc/undo.h's hooks. */
#include "ipc/space.h"
#include "arch/preempt.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "mm/heap.h"
#include "proc/ending.h"
#include "proc/namespace.h"

#define SHM_NO_LIMIT (UINT64_MAX - (1ul << 24))
#define CONTENTS(s) \
    .msg = IPC_IDS(s, MSGMNI, msg_free), .sem = IPC_IDS(s, SEMMNI, sem_free), \
    .shm = IPC_IDS(s, SHMMNI, shm_free), .msg_max_size = MSGMAX, .msg_max_bytes = MSGMNB, \
    .sem_max_in_set = SEMMSL, .sem_max_ops = SEMOPM, .sem_max_all = SEMMNS, \
    .shm_max_size = SHM_NO_LIMIT, .shm_max_pages = SHM_NO_LIMIT, .mq_max_messages = 10, \
    .mq_max_bytes = 8192, .mq_default_messages = 10, .mq_default_bytes = 8192, \
    .mq_max_queues = 256, .holds = { 1 }, .queues = LIST_INIT((s)->queues)

struct ipc_space first_ipc_space = { .ns = FIRST_NS(NS_IPC), CONTENTS(&first_ipc_space) };

static struct rb_root spaces; /* by number */
static uint32_t last_number;
static struct spinlock spaces_lock = SPINLOCK_INIT(LOCK_ipc_ids);

struct ipc_space *ipc_here(void) { return container_of(ns_of(NS_IPC), struct ipc_space, ns); }

static struct ipc_space *of(struct rb_node *n) { return rb_entry(n, struct ipc_space, by_number); }

struct ipc_space *ipc_space_find(uint32_t number)
{
    struct ipc_space *found = NULL;

    if (number == 0) {
        ipc_space_hold(&first_ipc_space);
        return &first_ipc_space;
    }
    spin_lock(&spaces_lock);
    for (struct rb_node *n = spaces.node; n != NULL && found == NULL;) {
        struct ipc_space *s = of(n);
        if (s->number != number)
            n = number < s->number ? n->left : n->right;
        else if (ref_get_unless_dead(&s->holds))
            found = s;
        else
            break;
    }
    spin_unlock(&spaces_lock);
    return found;
}

void ipc_space_put(struct ipc_space *s)
{
    if (!ref_put(&s->holds))
        return;
    spin_lock(&spaces_lock);
    rb_erase(&spaces, &s->by_number);
    spin_unlock(&spaces_lock);
    kfree(s);
}

struct ns *ipc_space_make(void)
{
    struct ipc_space *s = kmalloc(sizeof(*s));

    if (s == NULL)
        return NULL;
    *s = (struct ipc_space){ CONTENTS(s) };
    spin_lock(&spaces_lock);
    s->number = ++last_number; /* the greatest */
    struct rb_node *last = rb_last(&spaces);
    rb_insert(&spaces, last, last != NULL ? &last->right : &spaces.node, &s->by_number);
    spin_unlock(&spaces_lock);
    return &s->ns;
}

static void remove_all(struct ipc_ids *ids, void (*remove)(struct ipc_object *o))
{
    struct ipc_object *o;
    bool more = true;

    for (uint32_t at = 0; more;) {
        o = ipc_next(ids, &at, &more);
        preempt_work(IPC_PAGE_SLOTS * 4);
        if (o == NULL)
            continue;
        remove(o);
        ipc_put(o);
        at++;
    }
}

static void end(struct ending *e)
{
    struct ipc_space *s = container_of(e, struct ipc_space, ending);

    remove_all(&s->msg, msg_remove);
    remove_all(&s->sem, sem_remove);
    remove_all(&s->shm, shm_remove);
    mqueues_unlink(s);
    ipc_space_put(s);
}

void ipc_space_end(struct ns *ns)
{
    end_later(&container_of(ns, struct ipc_space, ns)->ending, end);
}
