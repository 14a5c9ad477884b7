/* sem_undo.c - SEM_UNDO: what a process's end takes back.
 *
 * A process has a list of its undos once it has used one.  Its threads share it; so does a process that
 * was made with CLONE_SYSVSEM; exec keeps it.  When the last of them ends, each is added to its set.
 * (On Linux a thread that was made without CLONE_SYSVSEM has a list of its own; no library makes such.)
 *
 * An undo is in two places: the list, under undo_lock, and its set's, under the set's lock.  It leaves both
 * in one go under the set's lock, and only then is freed: by the end of the set, or by that of
 * the process.  So who holds the set's lock and finds it may use it.  The process's end finds a set by its
 * undo, under undo_lock, and takes a reference there: a set that is still in an undo is not freed, because
 * its own end takes them out first.  Then it takes the set's lock, and looks whether the undo
 * is still in its list, as the set may have ended meanwhile. */
#include "arch/preempt.h"
#include "ipc/sem.h"
#include "mm/heap.h"
#include "proc/exit.h"
#include "proc/undo.h"
#include "sched/task.h"

#define WORK_UNDO 60u /* instructions a semaphore, about (arch/preempt.h) */

struct sem_undos {
    struct refcount refs; /* [a] processes */
    struct rb_root tree;  /* [undo_lock] struct sem_undo.node, by set */
};

static struct spinlock undo_lock = SPINLOCK_INIT(LOCK_sem_undo);

static struct sem_undo *of(struct rb_node *n)
{
    return n != NULL ? rb_entry(n, struct sem_undo, node) : NULL;
}

/* --- lists ----------------------------------------------------------------------------- */

/* current's process has one from now on: 0 or -ENOMEM. */
static int own_list(void)
{
    struct process *p = current->proc;

    if (__atomic_load_n(&p->undos, __ATOMIC_ACQUIRE) != NULL)
        return 0;
    struct sem_undos *l = kzalloc(sizeof(*l)), *none = NULL;
    if (l == NULL)
        return -ENOMEM;
    ref_init(&l->refs, 1);
    exit_extras = true;
    if (!__atomic_compare_exchange_n(&p->undos, &none, l, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        kfree(l); /* another thread was faster */
    return 0;
}

static void share_list(struct process *child)
{
    child->undos = current->proc->undos;
    ref_get(&child->undos->refs);
}

/* --- one undo -------------------------------------------------------------------------- */

static struct sem_undo *find(struct sem_undos *l, const struct sem_set *s)
{
    struct sem_undo *u;

    spin_lock(&undo_lock);
    for (u = of(l->tree.node); u != NULL && u->set != s;)
        u = of(s < u->set ? u->node.left : u->node.right);
    spin_unlock(&undo_lock);
    return u;
}

static void insert(struct sem_undos *l, struct sem_undo *u)
{
    struct rb_node *parent = NULL, **link = &l->tree.node;

    spin_lock(&undo_lock);
    while (*link != NULL) {
        parent = *link;
        link = u->set < of(parent)->set ? &parent->left : &parent->right;
    }
    rb_insert(&l->tree, parent, link, &u->node);
    spin_unlock(&undo_lock);
    list_push_back(&u->set->undos, &u->of_set);
}

/* Out of both, and freed. */
static void drop(struct sem_undo *u)
{
    list_remove(&u->of_set);
    spin_lock(&undo_lock);
    rb_erase(&u->of->tree, &u->node);
    spin_unlock(&undo_lock);
    chunks_free(&u->adjust);
    kfree(u);
}

int sem_undo_get(struct sem_set *s, struct sem_undo **out)
{
    int err = own_list();

    if (err != 0)
        return err;
    struct sem_undos *l = current->proc->undos;
    *out = find(l, s);
    if (*out != NULL)
        return 0;
    struct sem_undo *u = kzalloc(sizeof(*u));
    if (u == NULL || chunks_alloc(&u->adjust, s->n, sizeof(int16_t)) != 0) {
        kfree(u);
        return -ENOMEM;
    }
    u->set = s;
    u->of = l;
    insert(l, u);
    *out = u;
    return 0;
}

void sem_undo_forget(struct sem_set *s, uint32_t from, uint32_t n)
{
    struct sem_undo *u;

    list_for_each(u, &s->undos, of_set)
        for (uint32_t i = from; i < from + n; i++) {
            *(int16_t *)chunk_at(&u->adjust, i) = 0;
            preempt_work(WORK_UNDO / 4);
        }
}

void sem_undo_drop_all(struct sem_set *s)
{
    while (!list_empty(&s->undos)) {
        drop(list_first(&s->undos, struct sem_undo, of_set));
        preempt_work(WORK_UNDO * 8);
    }
}

/* --- the end of a process ---------------------------------------------------------------- */

/* Lock held.  Values stay in their range, whatever is added. */
static void apply(struct sem_set *s, const struct sem_undo *u)
{
    bool changed = false;

    for (uint32_t i = 0; i < s->n; i++) {
        int by = *(int16_t *)chunk_at(&u->adjust, i);

        preempt_work(WORK_UNDO / 4);
        if (by == 0)
            continue;
        struct sem *sem = sem_of(s, i);
        sem->value = MIN(MAX(sem->value + by, 0), SEMVMX);
        sem->pid = ipc_pid();
        changed = true;
    }
    if (changed) {
        s->otime = ipc_time();
        sem_serve(s);
    }
}

/* Some set that l has an undo for, with a reference; NULL: there is none. */
static struct sem_set *some_set(struct sem_undos *l)
{
    spin_lock(&undo_lock);
    struct sem_undo *u = of(l->tree.node);
    struct sem_set *s = u != NULL ? u->set : NULL;
    if (s != NULL)
        ref_get(&s->ipc.refs);
    spin_unlock(&undo_lock);
    return s;
}

static void leave_list(struct process *p)
{
    struct sem_undos *l = p->undos;
    struct sem_set *s;

    p->undos = NULL;
    if (!ref_put(&l->refs))
        return;
    while ((s = some_set(l)) != NULL) {
        mutex_lock(&s->lock);
        struct sem_undo *u = find(l, s);
        if (u != NULL) {
            apply(s, u);
            drop(u);
        }
        mutex_unlock(&s->lock);
        ipc_put(&s->ipc);
        preempt_work(WORK_UNDO * 8);
    }
    kfree(l);
}

void sem_undo_init(void)
{
    static const struct undo_hooks hooks = { .own = own_list,
                                             .share = share_list,
                                             .leave = leave_list,
                                             .first_space = &first_ipc_space.ns,
                                             .make_space = ipc_space_make,
                                             .end_space = ipc_space_end };
    undo_register(&hooks);
}
