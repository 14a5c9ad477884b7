/* keyctl.c - add_key(2), request_key(2), keyctl(2).
 * Left out (-EOPNOTSUPP): KEYCTL_SESSION_TO_PARENT, _GET_PERSISTENT, _DH_COMPUTE, _PKEY_* and _WATCH_KEY; KEYCTL_CAPABILITIES says so. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/inode.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/key.h"
#include "proc/process.h"
#include "sync/lock.h"
#include <linux/keyctl.h>

#define TYPE_MAX      32
#define PAYLOAD_MAX   (1024 * 1024 - 1)
#define NEGATIVE_SECS 60
#define OVERFLOW_ID   65534u
#define WORK_WORD     60u /* instructions one to the user, about (arch/preempt.h) */

/* What somebody asks for by type and name. */
struct asked {
    enum key_type type;
    bool known;
    size_t len;
    char *name; /* NULL: none was given */
};

static long get_type(struct asked *a, uaddr_t type)
{
    char name[TYPE_MAX];
    long n = strncpy_from_user(name, type, sizeof name);

    if (n == 0 || n >= TYPE_MAX || n == -ENAMETOOLONG)
        return -EINVAL;
    if (n < 0)
        return n;
    if (name[0] == '.')
        return -EPERM;
    for (unsigned i = 0; i < KEY_TYPES; i++)
        if (strcmp(name, key_type_names[i]) == 0) {
            a->type = (enum key_type)i;
            a->known = true;
        }
    return 0;
}

static long get_name(struct asked *a, uaddr_t name)
{
    if ((a->name = kmalloc(KEY_NAME_MAX + 1)) == NULL)
        return -ENOMEM;
    long n = strncpy_from_user(a->name, name, KEY_NAME_MAX + 1);
    if (n > KEY_NAME_MAX || n == -ENAMETOOLONG)
        return -EINVAL;
    if (n < 0)
        return n;
    a->len = (size_t)n;
    return 0;
}

/* After an error, too, a->name is to be freed. */
static long get_asked(struct asked *a, uaddr_t type, uaddr_t name)
{
    *a = (struct asked){ 0 };
    long err = get_type(a, type);

    return err == 0 && name != 0 ? get_name(a, name) : err;
}

/* At most what a key can hold, and one byte more. */
static long get_payload(void *part[KEY_PARTS], uaddr_t from, size_t n)
{
    n = MIN(n, (size_t)KEY_BYTES_MAX + 1);
    for (unsigned i = 0; n > 0; i++) {
        size_t now = MIN(n, (size_t)PAGE_SIZE);

        if ((part[i] = kmalloc(now)) == NULL)
            return -ENOMEM;
        if (copy_from_user(part[i], from + i * PAGE_SIZE, now) != 0)
            return -EFAULT;
        n -= now;
    }
    return 0;
}

static uint32_t default_perm(enum key_type type)
{
    return type == KEY_logon ? 0x3d010000u : 0x3f010000u;
}

/* May there be such a key, with so many bytes in it? */
static long check_key(const struct asked *a, size_t bytes)
{
    if (!a->known)
        return -ENODEV;
    if (a->len == 0 || (a->type == KEY_logon && (a->name[0] == ':' || !strchr(a->name, ':'))))
        return -EINVAL;
    return a->type == KEY_keyring ? (bytes != 0 ? -EINVAL : 0)
                                  : (bytes == 0 || bytes > KEY_BYTES_MAX ? -EINVAL : 0);
}

/* Into that ring: what is there already gets the new payload, but rings take another's place. */
static long put_key(struct key_ref *to, const struct asked *a, void *part[KEY_PARTS], size_t bytes)
{
    struct key *k;
    long err;

    if (to->key->type != KEY_keyring)
        return -ENOTDIR;
    if ((err = check_key(a, bytes)) != 0)
        return err;
    if (to->key->restricted)
        return -EPERM;
    if (a->type != KEY_keyring && (k = key_in(to->key, a->type, a->name, a->len)) != NULL &&
        !k->revoked && !k->invalid) {
        err = key_may(k, to->mine, KEY_WRITE) ? key_fill(k, part, (uint32_t)bytes) : -EACCES;
        return err != 0 ? err : k->serial;
    }
    if ((err = key_make(a->type, a->name, a->len, default_perm(a->type), false, &k)) != 0)
        return err;
    if (a->type != KEY_keyring)
        err = key_fill(k, part, (uint32_t)bytes);
    if (err == 0)
        err = key_link(to->key, k);
    int32_t serial = k->serial;
    key_put(k);
    return err != 0 ? err : serial;
}

SYSCALL5(add_key, uaddr_t, type, uaddr_t, name, uaddr_t, payload, size_t, bytes, int32_t, ring)
{
    void *part[KEY_PARTS] = { NULL };
    struct key_ref to;
    struct asked a;
    long err;

    if (bytes > PAYLOAD_MAX)
        return -EINVAL;
    err = get_asked(&a, type, name);
    if (err == 0 && a.known && a.type == KEY_keyring && a.name != NULL && a.name[0] == '.')
        err = -EPERM;
    if (err == 0)
        err = get_payload(part, payload, bytes);
    if (err == 0) {
        mutex_lock(&key_mutex);
        if ((err = key_lookup(ring, KEY_CREATE, KEY_WRITE, &to)) == 0) {
            err = put_key(&to, &a, part, bytes);
            key_put(to.key);
        }
        mutex_unlock(&key_mutex);
    }
    key_free_parts(part);
    kfree(a.name);
    return err;
}

/* --- asking ------------------------------------------------------------------ */

/* Where what was asked for goes, if nobody said so. */
static long default_ring(struct key_ref *to)
{
    static const int8_t from[] = {
        [KEY_REQKEY_DEFL_DEFAULT] = KEY_SPEC_THREAD_KEYRING,
        [KEY_REQKEY_DEFL_THREAD_KEYRING] = KEY_SPEC_THREAD_KEYRING,
        [KEY_REQKEY_DEFL_PROCESS_KEYRING] = KEY_SPEC_PROCESS_KEYRING,
        [KEY_REQKEY_DEFL_SESSION_KEYRING] = KEY_SPEC_SESSION_KEYRING,
        [KEY_REQKEY_DEFL_USER_KEYRING] = KEY_SPEC_USER_KEYRING,
        [KEY_REQKEY_DEFL_USER_SESSION_KEYRING] = KEY_SPEC_USER_SESSION_KEYRING,
    };
    unsigned which = current->keys != NULL ? current->keys->asked_into : KEY_REQKEY_DEFL_DEFAULT;
    int32_t id = which < ARRAY_SIZE(from) ? from[which] : KEY_SPEC_THREAD_KEYRING;
    long err = -ENOKEY;

    if (which != KEY_REQKEY_DEFL_DEFAULT)
        return key_lookup(id, 0, KEY_WRITE, to);
    for (; err == -ENOKEY && id >= KEY_SPEC_SESSION_KEYRING; id--)
        err = key_lookup(id, 0, KEY_WRITE, to);
    return err;
}

/* Nobody here can make the key: that is remembered for a while, so that asking again is soon answered. */
static long cannot_make(const struct asked *a, struct key_ref *to)
{
    struct key_ref other;
    struct key *k;
    long err = 0;

    if (a->type == KEY_keyring)
        return -EPERM;
    if (to == NULL && (err = default_ring(to = &other)) != 0)
        return err;
    if (to->key->type != KEY_keyring)
        err = -ENOTDIR;
    if (err == 0)
        err = key_make(a->type, a->name, a->len, default_perm(a->type), false, &k);
    if (err == 0) {
        k->negative = true;
        k->ends_ns = clock_mono_ns() + NEGATIVE_SECS * NSEC_PER_SEC;
        err = key_link(to->key, k);
        key_put(k);
    }
    if (to == &other)
        key_put(other.key);
    return err != 0 ? err : -ENOENT;
}

static long request(const struct asked *a, bool make, struct key_ref *to)
{
    struct key_ref found;

    if (!a->known)
        return -ENOKEY;
    long err = key_search(NULL, a->type, a->name, a->len, &found);
    if (err == -EAGAIN)
        return make ? cannot_make(a, to) : -ENOKEY;
    if (err != 0)
        return err;
    if (to != NULL)
        err = !key_may(found.key, found.mine, KEY_LINK) ? -EACCES
              : to->key->type != KEY_keyring            ? -ENOTDIR
                                                        : key_link(to->key, found.key);
    int32_t serial = found.key->serial;
    key_put(found.key);
    return err != 0 ? err : serial;
}

SYSCALL4(request_key, uaddr_t, type, uaddr_t, name, uaddr_t, callout, int32_t, ring)
{
    struct key_ref to = { 0 };
    struct asked a;
    char info;
    long err = get_asked(&a, type, name);

    if (err == 0 && (name == 0 || (callout != 0 && get_user(info, callout) != 0)))
        err = -EFAULT;
    if (err == 0) {
        mutex_lock(&key_mutex);
        if (ring != 0)
            err = key_lookup(ring, KEY_CREATE, KEY_WRITE, &to);
        if (err == 0)
            err = request(&a, callout != 0, ring != 0 ? &to : NULL);
        key_put(to.key);
        mutex_unlock(&key_mutex);
    }
    kfree(a.name);
    return err;
}

/* --- keyctl: what needs nothing but a key ---------------------------------------- */

static long describe(const struct key *k, uaddr_t buf, size_t room)
{
    char head[64];
    size_t n = (size_t)ksnprintf(head, sizeof head, "%s;%d;%d;%08x;", key_type_names[k->type],
                                 k->uid, k->gid == UINT32_MAX ? OVERFLOW_ID : k->gid, k->perm);
    size_t all = n + k->name_len + 1;

    if (buf != 0 && room >= all &&
        (copy_to_user(buf, head, n) != 0 || copy_to_user(buf + n, k->name, k->name_len + 1) != 0))
        return -EFAULT;
    return (long)all;
}

static long read_ring(const struct key *k, uaddr_t buf)
{
    for (struct list *l = k->links.next; l != &k->links; l = l->next, buf += sizeof(int32_t)) {
        if (put_user(container_of(l, struct key_link, link)->key->serial, buf) != 0)
            return -EFAULT;
        preempt_work(WORK_WORD);
    }
    return k->bytes;
}

/* Who possesses it may read it, whatever its rights say of him. */
static long read_key(const struct key_ref *r, uaddr_t buf, size_t room)
{
    const struct key *k = r->key;
    long err = k->negative ? -ENOKEY : 0;

    if (err == 0 && !key_may(k, r->mine, KEY_READ) && !r->mine)
        err = -EACCES;
    if (err == 0 && k->type == KEY_logon)
        err = -EOPNOTSUPP;
    if (err == 0)
        err = key_valid(k);
    if (err != 0 || buf == 0 || room < k->bytes)
        return err != 0 ? err : k->bytes;
    if (k->type == KEY_keyring)
        return read_ring(k, buf);
    for (uint32_t at = 0; at < k->bytes; at += PAGE_SIZE)
        if (copy_to_user(buf + at, k->part[at / PAGE_SIZE],
                         MIN(k->bytes - at, (uint32_t)PAGE_SIZE)) != 0)
            return -EFAULT;
    return k->bytes;
}

static long chown_key(struct key *k, uint32_t uid, uint32_t gid)
{
    long err = 0;

    if (!capable() && ((uid != UINT32_MAX && uid != k->uid) ||
                       (gid != UINT32_MAX && gid != k->gid && !in_group(gid))))
        return -EACCES;
    if (uid != UINT32_MAX && uid != k->uid)
        err = key_chown(k, uid);
    if (err == 0 && gid != UINT32_MAX)
        k->gid = gid;
    return err;
}

static long clear_ring(struct key *k)
{
    if (k->type != KEY_keyring)
        return -ENOTDIR;
    key_clear(k);
    return 0;
}

static long revoke(struct key *k)
{
    k->revoked = true;
    key_end(k);
    return 0;
}

/* It goes from all rings; who still has its number finds nothing. */
static long invalidate(struct key *k)
{
    k->invalid = true;
    key_end(k);
    key_forget(k);
    return 0;
}

static long set_timeout(struct key *k, uint32_t seconds)
{
    k->ends_ns = seconds != 0 ? clock_mono_ns() + seconds * NSEC_PER_SEC : 0;
    return 0;
}

static long set_perm(struct key *k, uint32_t perm)
{
    if (!capable() && k->uid != current->cred.fsuid)
        return -EACCES;
    k->perm = perm;
    return 0;
}

/* How the key is looked up for each, and then what. */
static const struct {
    uint8_t flags, right, or_right;
} rule[] = {
    [KEYCTL_GET_KEYRING_ID] = { 0, KEY_SEARCH, 0 },
    [KEYCTL_REVOKE] = { 0, KEY_WRITE, KEY_SETATTR },
    [KEYCTL_CHOWN] = { KEY_CREATE | KEY_PARTIAL, KEY_SETATTR, 0 },
    [KEYCTL_SETPERM] = { KEY_CREATE | KEY_PARTIAL, KEY_SETATTR, 0 },
    [KEYCTL_DESCRIBE] = { KEY_PARTIAL, KEY_VIEW, 0 },
    [KEYCTL_CLEAR] = { KEY_CREATE, KEY_WRITE, 0 },
    [KEYCTL_READ] = { 0, KEY_NO_RIGHT, 0 },
    [KEYCTL_SET_TIMEOUT] = { KEY_CREATE | KEY_PARTIAL, KEY_SETATTR, 0 },
    [KEYCTL_GET_SECURITY] = { KEY_PARTIAL, KEY_VIEW, 0 },
    [KEYCTL_INVALIDATE] = { 0, KEY_SEARCH, 0 },
};

static long with_key(int op, int32_t id, uint64_t b, uint64_t c)
{
    struct key_ref r;
    unsigned flags = rule[op].flags | (op == KEYCTL_GET_KEYRING_ID && b != 0 ? KEY_CREATE : 0);
    long err = key_lookup(id, flags, rule[op].right, &r);

    if (err == -EACCES && rule[op].or_right != 0)
        err = key_lookup(id, flags, rule[op].or_right, &r);
    if (err != 0)
        return op == KEYCTL_READ || (op == KEYCTL_GET_SECURITY && err == -EACCES) ? -ENOKEY : err;
    switch (op) {
    case KEYCTL_GET_KEYRING_ID: err = r.key->serial; break;
    case KEYCTL_REVOKE: err = revoke(r.key); break;
    case KEYCTL_CHOWN: err = chown_key(r.key, (uint32_t)b, (uint32_t)c); break;
    case KEYCTL_SETPERM: err = set_perm(r.key, (uint32_t)b); break;
    case KEYCTL_DESCRIBE: err = describe(r.key, b, c); break;
    case KEYCTL_CLEAR: err = clear_ring(r.key); break;
    case KEYCTL_READ: err = read_key(&r, b, c); break;
    case KEYCTL_SET_TIMEOUT: err = set_timeout(r.key, (uint32_t)b); break;
    case KEYCTL_GET_SECURITY:
        err = b != 0 && c > 0 && put_user((char)0, b) != 0 ? -EFAULT : 1;
        break;
    case KEYCTL_INVALIDATE: err = invalidate(r.key); break;
    }
    key_put(r.key);
    return err;
}

/* --- keyctl: what is about rings ------------------------------------------------- */

static long update(int32_t id, void *part[KEY_PARTS], size_t bytes)
{
    struct key_ref r;
    long err = key_lookup(id, 0, KEY_WRITE, &r);

    if (err != 0)
        return err;
    if (r.key->type == KEY_keyring)
        err = -EOPNOTSUPP;
    else
        err = bytes == 0 ? -EINVAL : key_fill(r.key, part, (uint32_t)bytes);
    key_put(r.key);
    return err;
}

static long update_from(int32_t id, uaddr_t payload, size_t bytes)
{
    void *part[KEY_PARTS] = { NULL };

    if (bytes > PAGE_SIZE)
        return -EINVAL;
    long err = get_payload(part, payload, bytes);
    if (err == 0) {
        mutex_lock(&key_mutex);
        err = update(id, part, bytes);
        mutex_unlock(&key_mutex);
    }
    key_free_parts(part);
    return err;
}

static long link_or_unlink(bool link, int32_t id, int32_t to)
{
    struct key_ref ring, k = { 0 };
    long err = key_lookup(to, link ? KEY_CREATE : 0, KEY_WRITE, &ring);

    if (err != 0)
        return err;
    err = link ? key_lookup(id, KEY_CREATE, KEY_LINK, &k)
               : key_lookup(id, KEY_PARTIAL, KEY_NO_RIGHT, &k);
    if (err == 0 && ring.key->type != KEY_keyring)
        err = -ENOTDIR;
    if (err == 0)
        err = link ? key_link(ring.key, k.key) : key_unlink(ring.key, k.key) ? 0 : -ENOENT;
    key_put(k.key);
    key_put(ring.key);
    return err;
}

static long move(struct key *k, struct key *from, struct key *to, unsigned flags)
{
    if (from->type != KEY_keyring || to->type != KEY_keyring)
        return -ENOTDIR;
    if (key_in(from, k->type, k->name, k->name_len) != k)
        return -ENOENT;
    if (from == to)
        return 0;
    if (flags & KEYCTL_MOVE_EXCL && key_in(to, k->type, k->name, k->name_len) != NULL)
        return -EEXIST;
    long err = key_link(to, k);
    if (err == 0)
        key_unlink(from, k);
    return err;
}

static long move_key(int32_t id, int32_t from, int32_t to, unsigned flags)
{
    struct key_ref k = { 0 }, a = { 0 }, b = { 0 };

    if (flags & ~(unsigned)KEYCTL_MOVE_EXCL)
        return -EINVAL;
    long err = key_lookup(id, KEY_CREATE, KEY_LINK, &k);
    if (err == 0)
        err = key_lookup(from, 0, KEY_WRITE, &a);
    if (err == 0)
        err = key_lookup(to, KEY_CREATE, KEY_WRITE, &b);
    if (err == 0)
        err = move(k.key, a.key, b.key, flags);
    key_put(k.key);
    key_put(a.key);
    key_put(b.key);
    return err;
}

/* No type of keys that is here has a rule about what may be in a ring with it: there is only "nothing more". */
static long restrict_with(struct key *ring, struct asked *a, uaddr_t type, uaddr_t which)
{
    long err = (type == 0) != (which == 0) ? -EINVAL : 0;

    if (err == 0 && type != 0 && (err = get_type(a, type)) == 0)
        err = get_name(a, which);
    if (err != 0)
        return err;
    if (ring->type != KEY_keyring)
        return -ENOTDIR;
    if (type != 0)
        return a->known ? -ENOENT : -ENOKEY;
    if (ring->restricted)
        return -EEXIST;
    ring->restricted = true;
    return 0;
}

static long restrict_ring(int32_t id, uaddr_t type, uaddr_t which)
{
    struct asked a = { 0 };
    struct key_ref r;
    long err = key_lookup(id, 0, KEY_SETATTR, &r);

    if (err != 0)
        return err;
    err = restrict_with(r.key, &a, type, which);
    kfree(a.name);
    key_put(r.key);
    return err;
}

static long search(int32_t ring, const struct asked *a, int32_t into)
{
    struct key_ref from, to = { 0 }, found = { 0 };
    long err = key_lookup(ring, 0, KEY_SEARCH, &from);

    if (err != 0)
        return err;
    if (into != 0)
        err = key_lookup(into, KEY_CREATE, KEY_WRITE, &to);
    if (err == 0 && !a->known)
        err = -ENOKEY;
    if (err == 0 && from.key->type != KEY_keyring)
        err = -ENOTDIR;
    if (err == 0)
        err = key_search(&from, a->type, a->name, a->len, &found);
    if (err == 0 && into != 0)
        err = !key_may(found.key, found.mine, KEY_LINK) ? -EACCES : key_link(to.key, found.key);
    if (err == 0)
        err = found.key->serial;
    key_put(found.key);
    key_put(to.key);
    key_put(from.key);
    return err == -EAGAIN ? -ENOKEY : err;
}

static long search_for(int32_t ring, uaddr_t type, uaddr_t name, int32_t into)
{
    struct asked a;
    long err = get_asked(&a, type, name);

    if (err == 0 && name == 0)
        err = -EFAULT;
    if (err == 0) {
        mutex_lock(&key_mutex);
        err = search(ring, &a, into);
        mutex_unlock(&key_mutex);
    }
    kfree(a.name);
    return err;
}

static long join(uaddr_t from)
{
    struct asked a = { 0 };
    long err = from != 0 ? get_name(&a, from) : 0;

    if (err == 0 && from != 0)
        err = a.len == 0 ? -EINVAL : a.name[0] == '.' ? -EPERM : 0;
    if (err == 0) {
        mutex_lock(&key_mutex);
        err = key_join_session(a.name);
        mutex_unlock(&key_mutex);
    }
    kfree(a.name);
    return err;
}

/* Where what request_key() makes goes: what it was. */
static long ask_into(int which)
{
    long old = current->keys != NULL ? current->keys->asked_into : KEY_REQKEY_DEFL_DEFAULT;
    struct key_ref ring;
    long err = 0;

    if (which == KEY_REQKEY_DEFL_NO_CHANGE)
        return old;
    if (which < 0 || which > KEY_REQKEY_DEFL_REQUESTOR_KEYRING ||
        which == KEY_REQKEY_DEFL_GROUP_KEYRING)
        return -EINVAL;
    if (key_rings_make() == NULL)
        return -ENOMEM;
    if (which == KEY_REQKEY_DEFL_THREAD_KEYRING || which == KEY_REQKEY_DEFL_PROCESS_KEYRING) {
        err = key_lookup(-which, KEY_CREATE, KEY_NO_RIGHT, &ring);
        if (err == 0)
            key_put(ring.key);
    }
    if (err == 0)
        current->keys->asked_into = (uint8_t)which;
    return err != 0 ? err : old;
}

static long capabilities(uaddr_t to, size_t room)
{
    static const uint8_t has[] = { KEYCTL_CAPS0_CAPABILITIES | KEYCTL_CAPS0_INVALIDATE |
                                       KEYCTL_CAPS0_RESTRICT_KEYRING | KEYCTL_CAPS0_MOVE,
                                   0 };

    for (size_t i = 0; i < room; i++) {
        if (put_user(i < sizeof has ? has[i] : (uint8_t)0, to + i) != 0)
            return -EFAULT;
        preempt_work(WORK_WORD);
    }
    return sizeof has;
}

static long under_lock(int op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    switch (op) {
    case KEYCTL_SETPERM:
        if ((uint32_t)b & ~KEY_ALL)
            return -EINVAL;
        return with_key(op, (int32_t)a, b, c);
    case KEYCTL_GET_KEYRING_ID:
    case KEYCTL_REVOKE:
    case KEYCTL_CHOWN:
    case KEYCTL_DESCRIBE:
    case KEYCTL_CLEAR:
    case KEYCTL_READ:
    case KEYCTL_SET_TIMEOUT:
    case KEYCTL_GET_SECURITY:
    case KEYCTL_INVALIDATE: return with_key(op, (int32_t)a, b, c);
    case KEYCTL_LINK: return link_or_unlink(true, (int32_t)a, (int32_t)b);
    case KEYCTL_UNLINK: return link_or_unlink(false, (int32_t)a, (int32_t)b);
    case KEYCTL_MOVE: return move_key((int32_t)a, (int32_t)b, (int32_t)c, (unsigned)d);
    case KEYCTL_RESTRICT_KEYRING: return restrict_ring((int32_t)a, b, c);
    case KEYCTL_SET_REQKEY_KEYRING: return ask_into((int)a);
    }
    return -EOPNOTSUPP;
}

SYSCALL5(keyctl, int, op, uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d)
{
    switch (op) {
    case KEYCTL_JOIN_SESSION_KEYRING: return join(a);
    case KEYCTL_UPDATE: return update_from((int32_t)a, b, c);
    case KEYCTL_SEARCH: return search_for((int32_t)a, b, c, (int32_t)d);
    case KEYCTL_CAPABILITIES: return capabilities(a, MIN(b, (uint64_t)PAGE_SIZE));
    case KEYCTL_INSTANTIATE: /* nobody is asked to make a key, so nobody may */
    case KEYCTL_INSTANTIATE_IOV:
    case KEYCTL_NEGATE:
    case KEYCTL_REJECT: return -EPERM;
    case KEYCTL_ASSUME_AUTHORITY: return a == 0 ? 0 : (int32_t)a < 0 ? -EINVAL : -ENOKEY;
    }
    mutex_lock(&key_mutex);
    long rc = under_lock(op, a, b, c, d);
    mutex_unlock(&key_mutex);
    return rc;
}
