/* key.c - keys: numbers, rights, payloads, quotas.  Rings and searches: key_ring.c. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/random.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/key.h"
#include "proc/key_internal.h"

#define LINK_BYTES 4
#define WORK_LINK  150u /* instructions, about (arch/preempt.h) */
#define WORK_KEY   600u

struct mutex key_mutex = MUTEX_INIT(key_mutex, LOCK_keys);
uint32_t key_max_keys = 200, key_max_bytes = 20000;
uint32_t key_root_max_keys = 10000, key_root_max_bytes = 4 << 20;

const char *const key_type_names[KEY_TYPES] = { "keyring", "user", "logon" };

static struct rb_root numbers; /* [key_mutex] all keys, by serial */
static struct key_user *users; /* [key_mutex] who ever had one: they stay */

/* --- who has how much ------------------------------------------------------ */

struct key_user *key_user_of(uint32_t uid)
{
    struct key_user *u = users;

    while (u != NULL && u->uid != uid)
        u = u->next;
    if (u == NULL && (u = kzalloc(sizeof *u)) != NULL) {
        u->uid = uid;
        u->next = users;
        users = u;
    }
    return u;
}

const struct key_user *key_user_next(const struct key_user *u) { return u ? u->next : users; }

static bool has_room(const struct key_user *u, uint32_t keys, int64_t bytes)
{
    return u->keys + keys <= (u->uid == 0 ? key_root_max_keys : key_max_keys) &&
           u->bytes + bytes <= (u->uid == 0 ? key_root_max_bytes : key_max_bytes);
}

static uint32_t charged(const struct key *k) { return k->name_len + 1 + k->bytes; }

/* The payload is to have so many bytes. */
static long resize(struct key *k, uint32_t bytes)
{
    int64_t more = (int64_t)bytes - k->bytes;

    if (k->counted && more > 0 && !has_room(k->user, 0, more))
        return -EDQUOT;
    if (k->counted)
        k->user->bytes = (uint32_t)(k->user->bytes + more);
    k->bytes = bytes;
    return 0;
}

long key_ring_resize(struct key *ring, int links)
{
    return resize(ring, (uint32_t)((int)ring->bytes + links * LINK_BYTES));
}

long key_chown(struct key *k, uint32_t uid)
{
    struct key_user *u = key_user_of(uid);

    if (u == NULL)
        return -ENOMEM;
    if (u != k->user && k->counted) {
        if (!has_room(u, 1, charged(k)))
            return -EDQUOT;
        k->user->keys--;
        k->user->bytes -= charged(k);
        u->keys++;
        u->bytes += charged(k);
    }
    k->user->all_keys--;
    u->all_keys++;
    k->user = u;
    k->uid = uid;
    return 0;
}

/* --- numbers ----------------------------------------------------------------- */

/* NULL: free, and *link, below *parent, is its place. */
static struct key *find(int32_t serial, struct rb_node **parent, struct rb_node ***link)
{
    *parent = NULL;
    *link = &numbers.node;
    while (**link != NULL) {
        struct key *k = rb_entry(**link, struct key, node);

        if (k->serial == serial)
            return k;
        *parent = **link;
        *link = serial < k->serial ? &k->node.left : &k->node.right;
    }
    return NULL;
}

/* Nobody can guess the next one. */
static void take_number(struct key *k)
{
    struct rb_node *parent, **link;

    do {
        random_bytes(&k->serial, sizeof k->serial);
        k->serial &= INT32_MAX;
    } while (k->serial < 3 || find(k->serial, &parent, &link) != NULL);
    rb_insert(&numbers, parent, link, &k->node);
}

struct key *key_of_number(int32_t serial)
{
    struct rb_node *parent, **link;

    return find(serial, &parent, &link);
}

struct key *key_next(const struct key *k)
{
    struct rb_node *n = k ? rb_next(&k->node) : rb_first(&numbers);

    return n ? rb_entry(n, struct key, node) : NULL;
}

/* --- rights ------------------------------------------------------------------ */

bool key_may(const struct key *k, bool mine, unsigned right)
{
    const struct cred *c = &current->cred;
    uint32_t has = k->perm;

    if (k->uid == c->fsuid)
        has = k->perm >> 16;
    else if (k->gid != UINT32_MAX && k->perm & 0x3f00u && in_group(k->gid))
        has = k->perm >> 8;
    if (mine)
        has |= k->perm >> 24;
    return (has & right) == right;
}

long key_valid(const struct key *k)
{
    if (k->invalid)
        return -ENOKEY;
    if (k->revoked)
        return -EKEYREVOKED;
    return k->ends_ns != 0 && clock_mono_ns() >= k->ends_ns ? -EKEYEXPIRED : 0;
}

/* --- payloads ---------------------------------------------------------------- */

void key_free_parts(void *part[KEY_PARTS])
{
    for (unsigned i = 0; i < KEY_PARTS; i++) {
        kfree(part[i]);
        part[i] = NULL;
    }
}

long key_fill(struct key *k, void *part[KEY_PARTS], uint32_t bytes)
{
    long err = resize(k, bytes);

    if (err != 0)
        return err;
    key_free_parts(k->part);
    memcpy(k->part, part, sizeof k->part);
    memset(part, 0, sizeof k->part);
    k->negative = false;
    k->ends_ns = 0;
    return 0;
}

void key_end(struct key *k)
{
    if (k->type == KEY_keyring) {
        key_clear(k);
    } else {
        resize(k, 0);
        key_free_parts(k->part);
    }
}

/* --- the beginning and the end ----------------------------------------------- */

long key_make(enum key_type type, const char *name, size_t len, uint32_t perm, bool over,
              struct key **out)
{
    struct key_user *u = key_user_of(current->cred.fsuid);
    struct key *k = kzalloc(sizeof *k);

    if (k != NULL)
        k->name = kzalloc(len + 1);
    if (u == NULL || k == NULL || k->name == NULL || (!over && !has_room(u, 1, (int64_t)len + 1))) {
        bool full = u != NULL && k != NULL && k->name != NULL;
        if (k != NULL)
            kfree(k->name);
        kfree(k);
        return full ? -EDQUOT : -ENOMEM;
    }
    memcpy(k->name, name, len);
    k->name_len = (uint32_t)len;
    k->type = type;
    k->perm = perm;
    k->uid = current->cred.fsuid;
    k->gid = current->cred.fsgid;
    k->user = u;
    k->counted = true;
    u->keys++;
    u->all_keys++;
    u->bytes += charged(k);
    ref_init(&k->refs, 1);
    list_init(&k->links);
    take_number(k);
    *out = k;
    return 0;
}

/* A ring takes its keys along, and these may be rings: one after the other, not one within the other. */
void key_put(struct key *k)
{
    if (k == NULL || !ref_put(&k->refs))
        return;
    k->next = NULL;
    for (struct key *dead = k; dead != NULL;) {
        k = dead;
        dead = k->next;
        while (!list_empty(&k->links)) {
            preempt_work(WORK_LINK);
            struct key *held = key_drop_link(k, container_of(k->links.next, struct key_link, link));
            if (ref_put(&held->refs)) {
                held->next = dead;
                dead = held;
            }
        }
        k->user->keys -= k->counted;
        k->user->all_keys--;
        k->user->bytes -= k->counted ? charged(k) : 0;
        rb_erase(&numbers, &k->node);
        key_free_parts(k->part);
        kfree(k->name);
        kfree(k);
        preempt_work(WORK_KEY);
    }
}
