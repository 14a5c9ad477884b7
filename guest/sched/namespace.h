/* namespace.h - in which namespaces a task is: types only; what is done with them is proc/namespace.h's.
 *
 * A task in the first namespace of every kind has task.ns NULL.  One in others shares a set with
 * whoever came from it by fork; a set never changes, so to part from one namespace is to get another set.
 * Such a task is watched (proc/watched.h), by which fork and exit know of it; they cost the others nothing. */
#ifndef SCHED_NAMESPACE_H
#define SCHED_NAMESPACE_H

#include "lib/refcount.h"

enum ns_kind { NS_MNT, NS_NET, NS_TIME, NS_CGROUP, NS_PID, NS_USER, NS_UTS, NS_IPC, NS_KINDS };

/* The first member of each namespace. */
struct ns {
    struct refcount refs; /* [a] sets' and inodes'.  The first of each kind never loses its own */
    enum ns_kind kind;    /* [k] */
    uint64_t ino;         /* [k] grows from one to the next; the first ones have Linux's numbers */
    uint32_t owner;       /* [k] the user ID that made it */
};
#define NS_FIRST_INO 4026531832ul
#define FIRST_NS(k) \
    { \
        .refs = { 1 }, .kind = (k), .ino = NS_FIRST_INO + (k) \
    }

struct ns_set {
    struct refcount refs; /* [a] */
    struct ns *of[NS_KINDS];
    struct ns *pid_children; /* the one of PIDs that its children are born in */
};

/* What a clone(2) with namespaces of its own hands to the child. */
struct ns_made {
    struct ns_set *set;
    struct fs_ctx *fs; /* its place in the tree, among the mounts of the new namespace; or NULL */
};

/* For what must end under a mutex, and whose last reference may go where none can be taken: proc/ending.h. */
struct ending {
    struct ending *next;
    void (*fn)(struct ending *l);
};

#endif
