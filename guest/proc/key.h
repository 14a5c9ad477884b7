/* key.h - keys and keyrings, keyrings(7): secrets by type and name, in rings that a thread, a process,
 * a session or a user has.
 *
 * A key has a number for all, and rights: of who possesses it (reaches it from rings of his own), of its
 * user, its group and others.  It lives as long as a ring holds it.  All of it is under one mutex, for
 * nothing here is done often: the functions below expect key_mutex, but where something else is said.
 *
 * A task that has a ring of its own is watched (watched.h), which is how fork, exec and exit know of it;
 * all other tasks pay nothing. */
#ifndef PROC_KEY_H
#define PROC_KEY_H

#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "sched/task.h"

#define KEY_BYTES_MAX 32767
#define KEY_NAME_MAX  4095
#define KEY_PARTS     ((KEY_BYTES_MAX + PAGE_SIZE) / PAGE_SIZE)
#define KEY_ALL       0x3f3f3f3fu /* every right of possessor, user, group and others */

/* What a right is asked for: bits of each of the four. */
enum key_right {
    KEY_VIEW = 0x01,
    KEY_READ = 0x02,
    KEY_WRITE = 0x04,
    KEY_SEARCH = 0x08,
    KEY_LINK = 0x10,
    KEY_SETATTR = 0x20,
    KEY_NO_RIGHT = 0, /* the caller sees to it */
};
enum key_type { KEY_keyring, KEY_user, KEY_logon, KEY_TYPES };

/* What uid has: in keys that count, and in bytes. */
struct key_user {
    struct key_user *next;
    uint32_t uid, keys, bytes, all_keys;
    struct key *ring, *session; /* _uid.N, _uid_ses.N; made when asked for */
};

struct key {
    struct rb_node node; /* by serial */
    struct refcount refs;
    int32_t serial;
    uint32_t uid, gid, perm;
    uint8_t type;
    bool revoked, invalid; /* it has no payload any more */
    bool negative;         /* it was asked for and could not be made */
    bool counted;          /* in what its user has */
    bool restricted;       /* a ring that takes no further key */
    uint64_t ends_ns;      /* 0: never */
    struct key_user *user;
    char *name;
    uint32_t name_len, bytes; /* bytes: of the payload; of a ring 4 for each key */
    void *part[KEY_PARTS];    /* of the payload, a page each */
    struct list links;        /* struct key_link: what a ring holds */
    uint64_t walk;            /* the last search that met this ring */
    struct key *next;         /* in that search's row, or in that of dead keys */
    uint32_t depth;
};
struct key_link {
    struct list link;
    struct key *key;
};

/* What a task has; NULL each: none.  Not inherited by a child: the first two (a thread has its
 * maker's process's).  What the program execs keeps: the last. */
struct key_rings {
    struct key *thread, *process, *session;
    uint8_t asked_into; /* KEY_REQKEY_DEFL_*: where what request_key() makes goes */
};

/* A key, and whether the caller possesses it. */
struct key_ref {
    struct key *key;
    bool mine;
};

extern struct mutex key_mutex;
extern uint32_t key_max_keys, key_max_bytes, key_root_max_keys, key_root_max_bytes;

/* key.c */
bool key_may(const struct key *k, bool mine, unsigned right);
long key_valid(
    const struct key *k); /* 0, -EKEYREVOKED, -EKEYEXPIRED, -ENOKEY: invalid or negative */
void key_put(struct key *k);

/* A key of current's user that no ring holds yet: the name is copied, the payload in part[] becomes
 * its own.  over: even where the user has too many. */
long key_make(enum key_type type, const char *name, size_t len, uint32_t perm, bool over,
              struct key **out);
/* The payload becomes this, and the key is good again.  -EDQUOT: part[] is still the caller's. */
long key_fill(struct key *k, void *part[KEY_PARTS], uint32_t bytes);
void key_free_parts(void *part[KEY_PARTS]);
long key_chown(struct key *k, uint32_t uid);
void key_end(struct key *k); /* revoked, or invalid: its payload goes */

/* For /proc/keys: by number, from NULL on. */
struct key *key_next(const struct key *k);
extern const char *const key_type_names[KEY_TYPES];

/* For /proc/key-users: what each has in turn, from NULL on. */
const struct key_user *key_user_next(const struct key_user *u);

/* key_ring.c */
bool key_visible(const struct key *k); /* may current see it in /proc/keys? */
#define KEY_CREATE  1u                 /* a ring of current's that is not there is made */
#define KEY_PARTIAL 2u                 /* a negative key will do */
/* What `id` means, with that right on it: 0 or -errno.  The reference is the caller's. */
long key_lookup(int32_t id, unsigned flags, unsigned right, struct key_ref *out);
/* In a ring itself: the key of that type and name, or NULL. */
struct key *key_in(const struct key *ring, enum key_type type, const char *name, size_t len);
/* In place of what has its type and name there.  -EPERM: the ring takes none; -EDEADLK, -ELOOP: a circle; -EDQUOT, -ENOMEM. */
long key_link(struct key *ring, struct key *k);
bool key_unlink(struct key *ring, struct key *k); /* false: it was not there */
void key_clear(struct key *ring);
void key_forget(struct key *k); /* out of all rings */
/* From that ring on, which is searched if it may be; or with top NULL from current's own.
 * 0, or -EAGAIN: there is none, -EKEYREVOKED and so on: there is, but. */
long key_search(struct key_ref *top, enum key_type type, const char *name, size_t len,
                struct key_ref *out);
long key_join_session(const char *name); /* NULL: a new one; its number or -errno */
struct key_rings *key_rings_make(void);  /* current's; NULL: no memory */

void key_rings_leave(struct task *t); /* exit: key_mutex not held */
void key_rings_exec(void);            /* the same of exec */
/* tree_lock held: 0 or -ENOMEM; and what undoes it. */
int key_rings_inherit(struct task *child, bool thread);
void key_rings_disinherit(struct task *child);

#endif
