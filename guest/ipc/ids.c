/* ids.c - identifiers, keys and rights of System V IPC.
 *
 * A table of each kind by index, in pages that are there while something is in them, and a tree
 * by key.  An identifier is 32768 times a number that grows, plus the index, so one that was removed
 * is not soon another's.  Indices are given in turn, as Linux gives them.
 *
 * Life.  The table has one reference, whoever works with an object another.  Removing takes it out
 * of the table and marks it `gone`, under the table's lock and the object's own; who waits
 * for the latter finds the mark and says EIDRM.  The last put frees it.
 *
 * Keys.  Whether a key is taken is looked at again when the new object goes into the table:
 * if somebody was faster, his is found instead. */
#include "ipc/ids.h"
#include "arch/clock.h"
#include "fs/inode.h"
#include "ipc/space.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/pid_ns.h"
#include "sched/task.h"

#define SEQ_END   65536u /* 31 bits of an identifier are 15 for the index and these */
#define FIRST_TRY 64u    /* so many indices at least are gone through before one is used again */

static struct ipc_object *of(struct rb_node *n)
{
    return n != NULL ? rb_entry(n, struct ipc_object, by_key) : NULL;
}

uint64_t ipc_pid(void) { return pid_stamp(current->proc->tgid); }
int64_t ipc_time(void) { return (int64_t)(clock_real_ns() / NSEC_PER_SEC); }

/* --- the table; lock held ------------------------------------------------------------- */

static struct ipc_object *at_index(struct ipc_ids *ids, uint32_t index)
{
    if (index >= IPC_SLOTS_MAX)
        return NULL;
    struct ipc_object **page = ids->page[index / IPC_PAGE_SLOTS];
    return page != NULL ? page[index % IPC_PAGE_SLOTS] : NULL;
}

/* First free index in [from, end): end, if there is none. */
static uint32_t free_index(struct ipc_ids *ids, uint32_t from, uint32_t end)
{
    while (from < end) {
        uint32_t p = from / IPC_PAGE_SLOTS;

        if (ids->page[p] == NULL)
            return from;
        if (ids->in_page[p] == IPC_PAGE_SLOTS)
            from = (p + 1) * IPC_PAGE_SLOTS;
        else if (ids->page[p][from % IPC_PAGE_SLOTS] == NULL)
            return from;
        else
            from++;
    }
    return end;
}

/* There is one below the limit. */
static uint32_t next_index(struct ipc_ids *ids, uint32_t limit)
{
    uint32_t end = MIN(MAX(ids->used * 3 / 2, FIRST_TRY), limit);
    uint32_t index = free_index(ids, (uint32_t)(ids->last + 1), end);

    return index < end ? index : free_index(ids, 0, limit);
}

static void find_highest(struct ipc_ids *ids)
{
    int32_t i = ids->highest;

    while (i >= 0 && at_index(ids, (uint32_t)i) == NULL)
        i = ids->page[i / (int)IPC_PAGE_SLOTS] != NULL ? i - 1 : (i & -(int)IPC_PAGE_SLOTS) - 1;
    ids->highest = i;
}

static struct ipc_object *find_key(struct ipc_ids *ids, int32_t key)
{
    for (struct rb_node *n = ids->keys.node; n != NULL;) {
        if (of(n)->key == key)
            return of(n);
        n = key < of(n)->key ? n->left : n->right;
    }
    return NULL;
}

static void add_key(struct ipc_ids *ids, struct ipc_object *o)
{
    struct rb_node **link = &ids->keys.node, *parent = NULL;

    while (*link != NULL) {
        parent = *link;
        link = o->key < of(parent)->key ? &parent->left : &parent->right;
    }
    rb_insert(&ids->keys, parent, link, &o->by_key);
}

static void drop_key(struct ipc_ids *ids, struct ipc_object *o)
{
    if (o->key != IPC_PRIVATE)
        rb_erase(&ids->keys, &o->by_key);
    o->key = IPC_PRIVATE;
}

/* --- in and out ------------------------------------------------------------------------- */

/* An index, and ids->seq is the number that goes with it: those that somebody wished for, or the first free index
 * behind; else the next.  `limit`: there is none. */
static uint32_t choose(struct ipc_ids *ids, uint32_t limit)
{
    int32_t wish = ids->wish;
    uint32_t index;

    if (ids->used >= limit)
        return limit;
    ids->wish = -1;
    if (likely(wish < 0)) {
        index = next_index(ids, limit);
        if ((int32_t)index <= ids->last)
            ids->seq = (ids->seq + 1) % SEQ_END;
        ids->last = (int32_t)index;
        return index;
    }
    index = free_index(ids, (uint32_t)wish % IPC_SLOTS_MAX, IPC_SLOTS_MAX);
    return index < IPC_SLOTS_MAX ? index : limit;
}

/* *spare: a page for the table, used or not.  0, -ENOSPC, -EEXIST. */
static int enter(struct ipc_ids *ids, struct ipc_object *o, int32_t key, struct ipc_object ***spare)
{
    uint32_t limit = (uint32_t)MIN(ids->limit, (uint64_t)IPC_SLOTS_MAX);

    if (key != IPC_PRIVATE && find_key(ids, key) != NULL)
        return -EEXIST;
    int32_t wish = ids->wish;
    uint32_t index = choose(ids, limit);
    if (index == limit)
        return -ENOSPC;
    uint32_t p = index / IPC_PAGE_SLOTS;
    if (ids->page[p] == NULL) {
        ids->page[p] = *spare;
        *spare = NULL;
    }
    o->seq = wish < 0 ? ids->seq : (uint32_t)wish / IPC_SLOTS_MAX;
    o->id = (int32_t)(o->seq * IPC_SLOTS_MAX + index);
    o->key = key;
    if (key != IPC_PRIVATE)
        add_key(ids, o);
    ids->page[p][index % IPC_PAGE_SLOTS] = o;
    ids->in_page[p]++;
    ids->used++;
    ids->highest = MAX(ids->highest, (int32_t)index);
    return 0;
}

static int add(const struct ipc_get *g, struct ipc_object *o, int32_t key, int flags)
{
    struct ipc_object **spare = kzalloc(IPC_PAGE_SLOTS * sizeof(*spare));

    if (spare == NULL)
        return -ENOMEM;
    ref_init(&o->refs, 2); /* the second is the caller's */
    o->uid = o->cuid = current->cred.euid;
    o->gid = o->cgid = current->cred.egid;
    o->mode = (uint32_t)flags & 0777;
    spin_lock(&g->ids->lock);
    int err = enter(g->ids, o, key, &spare);
    if (err == 0 && g->born != NULL)
        g->born(o);
    spin_unlock(&g->ids->lock);
    kfree(spare);
    return err;
}

static void end_object(struct ipc_object *o)
{
    struct ipc_space *space = o->ids->space;

    o->ids->free(o);
    ipc_space_put(space);
}

void ipc_put(struct ipc_object *o)
{
    if (ref_put(&o->refs))
        end_object(o);
}

/* Lock held.  Its page of the table, if that is empty now. */
static struct ipc_object **take_out(struct ipc_ids *ids, struct ipc_object *o)
{
    uint32_t index = (uint32_t)o->id % IPC_SLOTS_MAX, p = index / IPC_PAGE_SLOTS;
    struct ipc_object **page = ids->page[p];

    drop_key(ids, o);
    page[index % IPC_PAGE_SLOTS] = NULL;
    ids->used--;
    bool empty = --ids->in_page[p] == 0;
    if (empty)
        ids->page[p] = NULL;
    find_highest(ids);
    o->gone = true;
    return empty ? page : NULL;
}

void ipc_remove(struct ipc_object *o, bool (*when)(const struct ipc_object *o))
{
    struct ipc_ids *ids = o->ids;
    struct ipc_object **empty = NULL;

    spin_lock(&ids->lock);
    bool goes = !o->gone && (when == NULL || when(o));
    if (goes)
        empty = take_out(ids, o);
    spin_unlock(&ids->lock);
    kfree(empty);
    if (goes)
        ipc_put(o);
}

struct ipc_object *ipc_peek(struct ipc_ids *ids, int32_t id)
{
    struct ipc_object *o = at_index(ids, (uint32_t)id % IPC_SLOTS_MAX);

    return o != NULL && o->id == id ? o : NULL;
}

void ipc_make_private(struct ipc_object *o)
{
    struct ipc_ids *ids = o->ids;
    spin_lock(&ids->lock);
    drop_key(ids, o);
    spin_unlock(&ids->lock);
}

int ipc_find_index(struct ipc_ids *ids, int32_t index, struct ipc_object **out)
{
    spin_lock(&ids->lock);
    *out = at_index(ids, (uint32_t)index);
    if (*out != NULL)
        ref_get(&(*out)->refs);
    spin_unlock(&ids->lock);
    return *out != NULL ? 0 : -EINVAL;
}

int ipc_find(struct ipc_ids *ids, int32_t id, struct ipc_object **out)
{
    if (id < 0)
        return -EINVAL;
    int err = ipc_find_index(ids, id % (int)IPC_SLOTS_MAX, out);
    if (err == 0 && (*out)->id != id) {
        ipc_put(*out);
        err = -EIDRM;
    }
    return err;
}

struct ipc_object *ipc_next(struct ipc_ids *ids, uint32_t *index, bool *more)
{
    struct ipc_object *o = NULL;
    uint32_t stop = (*index / IPC_PAGE_SLOTS + 1) * IPC_PAGE_SLOTS;

    spin_lock(&ids->lock);
    if (*index < IPC_SLOTS_MAX && ids->page[*index / IPC_PAGE_SLOTS] == NULL)
        *index = stop;
    for (; *index < MIN(stop, IPC_SLOTS_MAX) && o == NULL; ++*index)
        o = at_index(ids, *index);
    if (o != NULL) {
        --*index;
        ref_get(&o->refs);
    }
    spin_unlock(&ids->lock);
    *more = *index < IPC_SLOTS_MAX;
    return o;
}

static struct ipc_object *look_up(struct ipc_ids *ids, int32_t key)
{
    spin_lock(&ids->lock);
    struct ipc_object *o = find_key(ids, key);
    if (o != NULL)
        ref_get(&o->refs);
    spin_unlock(&ids->lock);
    return o;
}

static long use(const struct ipc_get *g, struct ipc_object *o, int flags, uint64_t arg)
{
    long ret = 0;

    if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
        ret = -EEXIST;
    if (ret == 0)
        ret = g->check(o, arg);
    if (ret == 0)
        ret = ipc_permission(o, (uint32_t)flags);
    if (ret == 0)
        ret = o->id;
    ipc_put(o);
    return ret;
}

long ipc_get(const struct ipc_get *g, int32_t key, int flags, uint64_t arg)
{
    struct ipc_object *o;
    long ret;

    do {
        o = key != IPC_PRIVATE ? look_up(g->ids, key) : NULL;
        if (o != NULL)
            return use(g, o, flags, arg);
        if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
            return -ENOENT;
        ret = g->make(arg, &o);
        if (ret != 0)
            return ret;
        o->ids = g->ids;
        ipc_space_hold(g->ids->space);
        ret = add(g, o, key, flags);
        if (ret != 0) {
            end_object(o);
        } else {
            ret = o->id;
            ipc_put(o);
        }
    } while (ret == -EEXIST);
    return ret;
}

/* --- rights ------------------------------------------------------------------------------ */

int ipc_permission(const struct ipc_object *o, uint32_t flags)
{
    struct ipc_ids *ids = o->ids;
    uint32_t wanted = (flags >> 6 | flags >> 3 | flags) & 7, me = current->cred.euid;

    spin_lock(&ids->lock);
    uint32_t granted = o->mode;
    if (me == o->cuid || me == o->uid)
        granted >>= 6;
    else if (in_group(o->cgid) || in_group(o->gid))
        granted >>= 3;
    spin_unlock(&ids->lock);
    return wanted & ~granted && !has_cap(CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_may_change(const struct ipc_object *o)
{
    struct ipc_ids *ids = o->ids;
    spin_lock(&ids->lock);
    bool owner = current->cred.euid == o->cuid || current->cred.euid == o->uid;
    spin_unlock(&ids->lock);
    return owner || capable() ? 0 : -EPERM;
}

void ipc_mark(struct ipc_object *o, uint32_t off, uint32_t on)
{
    struct ipc_ids *ids = o->ids;
    spin_lock(&ids->lock);
    o->mode = (o->mode & ~off) | on;
    spin_unlock(&ids->lock);
}

void ipc_show(const struct ipc_object *o, struct ipc64_perm *to)
{
    struct ipc_ids *ids = o->ids;
    memset(to, 0, sizeof(*to));
    spin_lock(&ids->lock);
    to->key = o->key;
    to->uid = o->uid;
    to->gid = o->gid;
    to->cuid = o->cuid;
    to->cgid = o->cgid;
    to->mode = o->mode;
    to->seq = (uint16_t)o->seq;
    spin_unlock(&ids->lock);
}

int ipc_change(struct ipc_object *o, const struct ipc64_perm *from)
{
    struct ipc_ids *ids = o->ids;
    if (from->uid == UINT32_MAX || from->gid == UINT32_MAX)
        return -EINVAL;
    spin_lock(&ids->lock);
    o->uid = from->uid;
    o->gid = from->gid;
    o->mode = (o->mode & ~0777u) | (from->mode & 0777);
    spin_unlock(&ids->lock);
    return 0;
}
