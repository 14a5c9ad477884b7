/* key_ring.c - rings of keys: what is in them, searches, and the rings that a task has.
 *
 * A search goes through a ring, then through the rings in it, and so on, the nearest first: those that
 * wait for their turn are in a row through key.next.  A ring that it meets again is left out (key.walk
 * has the number of the last search), so it is over when each ring was looked at once.  No deeper
 * than DEPTH_MAX, as on Linux; there a search goes down into the first ring before it looks at the second.
 *
 * Left out: big_key, encrypted and other types of keys; keyrings of the dead (persistent-keyring(7)); a
 * program that makes what is asked for (/sbin/request-key): asking ends as where there is no such program. */
#include "arch/preempt.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/key_internal.h"
#include "proc/process.h"
#include "proc/watched.h"
#include <linux/keyctl.h>

#define DEPTH_MAX  6
#define WORK_LINK  16u /* instructions, about */
#define PERM_OWN   0x3f010000u
#define PERM_USER  0x1f3f0000u
#define PERM_NEW   0x3f030000u /* of a session without a name */
#define PERM_NAMED 0x3f130000u

/* --- one ring ---------------------------------------------------------------- */

static bool is(const struct key *k, enum key_type type, const char *name, size_t len)
{
    return k->type == type && k->name_len == len && memcmp(k->name, name, len) == 0;
}

static struct key_link *link_in(const struct key *ring, enum key_type type, const char *name,
                                size_t len)
{
    for (struct list *l = ring->links.next; l != &ring->links; l = l->next) {
        struct key_link *at = container_of(l, struct key_link, link);

        preempt_work(WORK_LINK);
        if (is(at->key, type, name, len))
            return at;
    }
    return NULL;
}

struct key *key_in(const struct key *ring, enum key_type type, const char *name, size_t len)
{
    struct key_link *l = link_in(ring, type, name, len);

    return l != NULL ? l->key : NULL;
}

struct key *key_drop_link(struct key *ring, struct key_link *l)
{
    struct key *k = l->key;

    list_remove(&l->link);
    kfree(l);
    key_ring_resize(ring, -1);
    return k;
}

bool key_unlink(struct key *ring, struct key *k)
{
    struct key_link *l = link_in(ring, k->type, k->name, k->name_len);

    if (l == NULL || l->key != k)
        return false;
    key_put(key_drop_link(ring, l));
    return true;
}

void key_clear(struct key *ring)
{
    while (!list_empty(&ring->links)) {
        preempt_work(WORK_LINK);
        key_put(key_drop_link(ring, container_of(ring->links.next, struct key_link, link)));
    }
}

void key_forget(struct key *k)
{
    for (struct key *ring = key_next(NULL); ring != NULL; ring = key_next(ring)) {
        preempt_work(WORK_LINK);
        if (ring->type == KEY_keyring)
            key_unlink(ring, k);
    }
}

/* --- searches ------------------------------------------------------------------ */

struct walk {
    struct key *first, **end; /* rings to be looked at */
    uint64_t nr;
    bool mine;
};

static void walk_add(struct walk *w, struct key *ring, uint32_t depth)
{
    if (ring->type != KEY_keyring || ring->walk == w->nr)
        return;
    ring->walk = w->nr;
    ring->depth = depth;
    ring->next = NULL;
    *w->end = ring;
    w->end = &ring->next;
}

static void walk_begin(struct walk *w, struct key *top, bool mine)
{
    static uint64_t walks; /* [key_mutex] */

    *w = (struct walk){ .nr = ++walks, .mine = mine };
    w->end = &w->first;
    walk_add(w, top, 0);
}

/* The next ring, the rings in it having been added; NULL: that was all. */
static struct key *walk_next(struct walk *w, bool all)
{
    struct key *ring = w->first;

    if (ring == NULL)
        return NULL;
    for (struct list *l = ring->links.next; ring->depth < DEPTH_MAX && l != &ring->links;
         l = l->next) {
        struct key *k = container_of(l, struct key_link, link)->key;

        preempt_work(WORK_LINK);
        if (k->type == KEY_keyring && (all || key_may(k, w->mine, KEY_SEARCH)))
            walk_add(w, k, ring->depth + 1);
    }
    w->first = ring->next;
    if (w->first == NULL)
        w->end = &w->first;
    return ring;
}

/* What the search makes of a key of that type and name: 0, or why it is not it. */
static long good(const struct key *k, bool mine)
{
    long err = key_valid(k);

    if (err != 0)
        return err == -ENOKEY ? -EKEYREVOKED : err;
    if (!key_may(k, mine, KEY_SEARCH))
        return -EACCES;
    return k->negative ? -ENOKEY : 0;
}

static long search_ring(struct key *top, bool mine, enum key_type type, const char *name,
                        size_t len, struct key **out)
{
    struct walk w;
    long err = -EAGAIN;

    if (!key_may(top, mine, KEY_SEARCH))
        return -EACCES;
    if (is(top, type, name, len) && (err = good(top, mine)) == 0) {
        *out = top;
        return 0;
    }
    walk_begin(&w, top, mine);
    for (struct key *ring; (ring = walk_next(&w, false)) != NULL;) {
        struct key *k = key_valid(ring) == 0 ? key_in(ring, type, name, len) : NULL;

        if (k != NULL && (err = good(k, mine)) == 0) {
            *out = k;
            return 0;
        }
    }
    return err;
}

/* Is k reached from that ring on? */
static bool reaches(struct key *top, const struct key *k, bool all, bool *deep)
{
    struct walk w;
    bool found = top == k;

    walk_begin(&w, top, true);
    for (struct key *ring; !found && (ring = walk_next(&w, all)) != NULL;) {
        const struct key *in = key_in(ring, k->type, k->name, k->name_len);
        found = in == k;
        *deep |= ring->depth >= DEPTH_MAX;
    }
    return found;
}

long key_link(struct key *ring, struct key *k)
{
    struct key_link *l = link_in(ring, k->type, k->name, k->name_len);
    bool deep = false;

    if (ring->restricted)
        return -EPERM;
    if (k->type == KEY_keyring && reaches(k, ring, true, &deep))
        return -EDEADLK;
    if (deep)
        return -ELOOP;
    ref_get(&k->refs);
    if (l != NULL) { /* in its place */
        struct key *old = l->key;
        l->key = k;
        key_put(old);
        return 0;
    }
    long err = key_ring_resize(ring, 1);
    if (err == 0 && (l = kzalloc(sizeof *l)) == NULL) {
        key_ring_resize(ring, -1);
        err = -ENOMEM;
    }
    if (err != 0) {
        key_put(k);
        return err;
    }
    l->key = k;
    list_push_back(&ring->links, &l->link);
    return 0;
}

/* --- the rings of a task --------------------------------------------------------- */

static void rings_watch(void)
{
    spin_lock(&tree_lock);
    task_watch(current);
    spin_unlock(&tree_lock);
}

struct key_rings *key_rings_make(void)
{
    if (current->keys == NULL && (current->keys = kzalloc(sizeof *current->keys)) != NULL)
        rings_watch();
    return current->keys;
}

int key_rings_inherit(struct task *child, bool thread)
{
    const struct key_rings *mine = current->keys;

    ASSERT_SPIN_HELD(&tree_lock);
    if (mine == NULL || (child->keys = kzalloc(sizeof *child->keys)) == NULL)
        return mine == NULL ? 0 : -ENOMEM;
    child->keys->asked_into = mine->asked_into;
    child->keys->session = mine->session;
    child->keys->process = thread ? mine->process : NULL;
    if (child->keys->session != NULL)
        ref_get(&child->keys->session->refs);
    if (child->keys->process != NULL)
        ref_get(&child->keys->process->refs);
    return 0;
}

void key_rings_disinherit(struct task *child)
{
    struct key_rings *r = child->keys;

    child->keys = NULL;
    if (r != NULL && r->session != NULL)
        ref_put(&r->session->refs); /* never the last: current has it, too */
    if (r != NULL && r->process != NULL)
        ref_put(&r->process->refs);
    kfree(r);
}

static void drop(struct key **ring)
{
    key_put(*ring);
    *ring = NULL;
}

void key_rings_exec(void)
{
    struct key_rings *r = current->keys;

    if (r == NULL)
        return;
    mutex_lock(&key_mutex);
    drop(&r->thread);
    drop(&r->process);
    mutex_unlock(&key_mutex);
}

void key_rings_leave(struct task *t)
{
    struct key_rings *r = t->keys;

    if (r == NULL)
        return;
    key_rings_exec();
    mutex_lock(&key_mutex);
    drop(&r->session);
    mutex_unlock(&key_mutex);
    t->keys = NULL;
    kfree(r);
}

/* The rings of current's user, the second holding the first. */
static long user_rings(struct key_user **out)
{
    struct key_user *u = *out = key_user_of(current->cred.fsuid);
    char name[24];
    long err = u == NULL ? -ENOMEM : 0;

    if (err == 0 && u->ring == NULL) {
        int n = ksnprintf(name, sizeof name, "_uid.%u", u->uid);
        if ((err = key_make(KEY_keyring, name, (size_t)n, PERM_USER, true, &u->ring)) == 0)
            u->ring->gid = UINT32_MAX;
    }
    if (err == 0 && u->session == NULL) {
        int n = ksnprintf(name, sizeof name, "_uid_ses.%u", u->uid);
        struct key *ring;
        if ((err = key_make(KEY_keyring, name, (size_t)n, PERM_USER, true, &ring)) != 0)
            return err;
        ring->gid = UINT32_MAX;
        if ((err = key_link(ring, u->ring)) == 0)
            u->session = ring;
        else
            key_put(ring);
    }
    return err;
}

/* A ring of its own of that name, made if need be. */
static long own_ring(struct key *(*of)(struct key_rings *r, struct key *set), const char *name,
                     bool make, struct key **out)
{
    struct key_rings *r = make ? key_rings_make() : current->keys;
    long err = 0;

    *out = r != NULL ? of(r, NULL) : NULL;
    if (*out == NULL && !make)
        return -ENOKEY;
    if (r == NULL)
        return -ENOMEM;
    if (*out == NULL && (err = key_make(KEY_keyring, name, strlen(name), PERM_OWN, true, out)) == 0)
        of(r, *out);
    return err;
}

static struct key *of_thread(struct key_rings *r, struct key *set)
{
    return set != NULL ? r->thread = set : r->thread;
}

static struct key *of_process(struct key_rings *r, struct key *set)
{
    return set != NULL ? r->process = set : r->process;
}

/* Who has joined none has its user's. */
static long session_ring(bool make, struct key **out)
{
    struct key_user *u;
    long err = current->keys != NULL && current->keys->session != NULL ? 0
               : make                                                  ? key_join_session(NULL)
                                                                       : user_rings(&u);

    if (err >= 0)
        *out = current->keys != NULL && current->keys->session != NULL ? current->keys->session
                                                                       : u->session;
    return MIN(err, 0l);
}

static long special(int32_t id, unsigned flags, struct key **out)
{
    struct key_user *u;
    long err;

    switch (id) {
    case KEY_SPEC_THREAD_KEYRING: return own_ring(of_thread, "_tid", flags & KEY_CREATE, out);
    case KEY_SPEC_PROCESS_KEYRING: return own_ring(of_process, "_pid", flags & KEY_CREATE, out);
    case KEY_SPEC_SESSION_KEYRING: return session_ring(flags & KEY_CREATE, out);
    case KEY_SPEC_USER_KEYRING:
    case KEY_SPEC_USER_SESSION_KEYRING:
        if ((err = user_rings(&u)) == 0)
            *out = id == KEY_SPEC_USER_KEYRING ? u->ring : u->session;
        return err;
    case KEY_SPEC_REQKEY_AUTH_KEY:
    case KEY_SPEC_REQUESTOR_KEYRING: return -ENOKEY; /* of who makes a key that was asked for */
    }
    return -EINVAL;
}

/* Its own rings, in the order of a search; how many. */
static unsigned own_rings(struct key *ring[3])
{
    const struct key_rings *r = current->keys;
    unsigned n = 0;

    if (r != NULL && r->thread != NULL)
        ring[n++] = r->thread;
    if (r != NULL && r->process != NULL)
        ring[n++] = r->process;
    if (session_ring(false, &ring[n]) == 0)
        n++;
    return n;
}

static bool possesses(const struct key *k)
{
    struct key *ring[3];
    unsigned n = own_rings(ring);
    bool deep, found = false;

    for (unsigned i = 0; key_may(k, true, KEY_SEARCH) && i < n && !found; i++)
        found = key_may(ring[i], true, KEY_SEARCH) && reaches(ring[i], k, false, &deep);
    return found;
}

bool key_visible(const struct key *k) { return key_may(k, possesses(k), KEY_VIEW); }

long key_lookup(int32_t id, unsigned flags, unsigned right, struct key_ref *out)
{
    struct key *k;
    long err = 0;

    if (id > 0)
        err = (k = key_of_number(id)) == NULL ? -ENOKEY : 0;
    else
        err = special(id, flags, &k);
    if (err == 0 && right != KEY_NO_RIGHT)
        err = key_valid(k);
    if (err == 0 && right != KEY_NO_RIGHT && !(flags & KEY_PARTIAL) && k->negative)
        err = -ENOKEY;
    if (err != 0)
        return err;
    bool mine = id <= 0 || possesses(k);
    if (!key_may(k, mine, right))
        return -EACCES;
    ref_get(&k->refs);
    *out = (struct key_ref){ k, mine };
    return 0;
}

/* As on Linux, a negative key is the answer rather than that a ring has none, and that rather than a key that
 * may not be used. */
long key_search(struct key_ref *top, enum key_type type, const char *name, size_t len,
                struct key_ref *out)
{
    struct key *ring[3];
    unsigned n = top != NULL ? 1 : own_rings(ring);
    long none = 0, bad = 0;

    if (top != NULL)
        ring[0] = top->key;
    out->mine = top == NULL || top->mine;
    for (unsigned i = 0; i < n; i++) {
        long err = search_ring(ring[i], out->mine, type, name, len, &out->key);
        if (err == 0) {
            ref_get(&out->key->refs);
            return 0;
        }
        if (err == -EKEYEXPIRED && top == NULL)
            err = -EAGAIN; /* who asks may get a new one */
        if (err == -ENOKEY || (err == -EAGAIN && none == 0))
            none = err;
        else if (err != -EAGAIN)
            bad = err;
    }
    return none != 0 ? none : bad != 0 ? bad : -EAGAIN;
}

long key_join_session(const char *name)
{
    struct key_rings *r = key_rings_make();
    struct key *k = NULL;
    long err = 0;

    if (r == NULL)
        return -ENOMEM;
    if (name != NULL)
        for (k = key_next(NULL); k != NULL; k = key_next(k)) {
            preempt_work(WORK_LINK);
            if (is(k, KEY_keyring, name, strlen(name)) && key_valid(k) == 0 &&
                key_may(k, false, KEY_SEARCH))
                break;
        }
    if (k != NULL)
        ref_get(&k->refs);
    else
        err = key_make(KEY_keyring, name ? name : "_ses", strlen(name ? name : "_ses"),
                       name ? PERM_NAMED : PERM_NEW, r->session == NULL, &k);
    if (err != 0)
        return err;
    key_put(r->session);
    r->session = k;
    return k->serial;
}
