/* mount.h - which file system covers which directory.  Tree held (dentry.h) unless said
 * otherwise. */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "lib/list.h"
#include "lib/refcount.h"
#include "sched/namespace.h"
#include <linux/mount.h>

struct dentry;
struct fs_ctx;
struct path;
struct superblock;

/* A mount's flags are MS_* of <linux/mount.h>.  Its own; of the times of access exactly one of the
 * first line, as Linux understands what was asked for; */
#define MOUNT_ATIME (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)
#define MOUNT_OWN \
    (MOUNT_ATIME | MS_NODIRATIME | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW)
/* and its file system's, which are the same in all mounts of that. */
#define MOUNT_FS_RDONLY (1u << 30)
#define MOUNT_OF_FS     (MOUNT_FS_RDONLY | MS_SYNCHRONOUS)
#define MOUNT_READONLY  (MS_RDONLY | MOUNT_FS_RDONLY)

/* mount(2)'s kinds of propagation */
#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

#define MOUNTS_MAX 8192u /* of all namespaces: their list is gone through */

struct mount_ns {
    struct ns ns;
    struct mount *root; /* [fs_tree] nothing is above it */
    struct ending ending;
};

struct mount {
    struct superblock *sb;  /* [k] */
    struct dentry *root;    /* [k] */
    struct dentry *on;      /* [fs_tree + names_lock] the covered dentry; NULL: none */
    struct mount *parent;   /* same */
    struct list link;       /* [fs_tree] all mounts, in order */
    uint32_t flags;         /* [fs_tree], read without: MOUNT_* */
    struct refcount refs;   /* [a] the list's, paths' and child mounts' */
    uint32_t id;            /* [k] */
    uint32_t crossings;     /* [fs_tree] walks that came here from above, */
    uint32_t expire_at;     /*   and how many there were when it was to expire; 0: never */
    struct mount_ns *ns;    /* [fs_tree] NULL: its tree has no place: not yet, or not any more */
    uint32_t group, master; /* [fs_tree] of peers, and whose slave it is; 0: none.  propagate.c */
    bool unbindable;        /* [fs_tree] */
    bool invented;          /* [fs_tree] while something is put on a shared one: the group is new */
    bool goes, may_go;      /* [fs_tree] while mount_remove() runs */
    struct mount *copy;     /* [fs_tree] while a tree is copied */
    struct mount *gets;   /* [fs_tree] while something is put on a shared one: its tree for this */
    struct ending ending; /* the end of what open_tree(2) made */
    char source[64];      /* [k] */
};

extern struct list mounts; /* struct mount.link of all namespaces, in the order they were made in */
extern struct mount_ns first_mount_ns;
struct mount_ns *mount_ns_here(void); /* current's */
void mount_get(struct mount *m);      /* no lock needed */
void mount_put(struct mount *m);      /* no lock needed */
/* The mount that covers d, seen from m, or NULL. */
struct mount *mount_on(const struct mount *m, const struct dentry *d);
int mount_add(struct superblock *sb, struct dentry *root, const struct path *on, uint32_t flags,
              const char *source); /* 0, -ENOMEM, -ENOSPC */
/* On a directory of the root, when somebody first goes there or asks what is mounted: a boot that
 * nobody wants it of does not pay for it.  Once; d is marked as covered meanwhile. */
void mount_later(struct dentry *d, const char *type);
/* That is done now, if it is on d, or wherever it is (NULL): 0, -ENOMEM, -ENODEV. */
int mount_waiting(const struct dentry *d);
/* With what is mounted below it (lazily; else there is none): 0, -EBUSY, -EINVAL.  The caller has a reference. */
int mount_remove(struct mount *m, bool lazy);
void mounts_off(const struct dentry *d); /* the name is gone: what is mounted there, too */
/* Is something mounted there in current's namespace? */
bool mounted_here(const struct dentry *d);
/* umount2(2)'s MNT_EXPIRE, after a walk to m: it was asked for before, and nobody came by since. */
bool mount_expired(struct mount *m);
int mount_move(struct mount *m, const struct path *to);
/* In no list: with the last reference, of which the caller has the first, it is gone.  NULL: no memory. */
struct mount *mount_new(struct superblock *sb, struct dentry *root, uint32_t flags,
                        const char *source);
int mount_list(struct mount *m); /* such a one: the list has a reference now; or -ENOSPC */
/* A tree without a place, of `from`, and if all, of what is mounted below it: the list has a reference to each.
 * 0, -ENOMEM, -ENOSPC, -EINVAL if it may not be copied. */
int mount_copy(const struct path *from, bool all, struct mount **out);
void mount_undo(struct mount *top); /* such a tree ends, if it has got no place */
int mount_attach(struct mount *top, const struct path *to); /* it gets one: 0, -ENOTDIR, -ENOMEM */
/* m comes between `top` and what that covers. */
int mount_beneath(struct mount *m, struct mount *top);
/* p is what lies on top of it. */
void mount_top(struct path *p);
/* May something be mounted there?  A name of /proc or /sys is in the tree from then on. */
bool mount_can_cover(const struct path *p);
bool mount_is_below(const struct mount *m, const struct mount *top); /* or equal */
static inline bool mount_is_loose(const struct mount *m) /* made, listed, and without a place yet */
{
    return !m->ns && !m->parent && !list_empty(&m->link);
}
/* Is a file of it open for writing?  Through which of several mounts nobody knows. */
bool mount_has_writers(const struct mount *m);
bool mount_alone(const struct mount *m); /* its file system has no other */
void sb_free(struct superblock *sb);     /* which has a root, and nobody uses */
static inline bool mount_readonly(const struct mount *m)
{
    return m && (m->flags & MOUNT_READONLY);
}
/* Linux numbers mounts from 2^31 on where no number may come again, as ours never do. */
static inline uint64_t mount_unique_id(uint32_t id) { return (1ull << 31) + id; }

/* Over all mounts, of which there may be thousands: others run in between (arch/preempt.h).  Tree held. */
#define WORK_LOOK 20u
#define for_each_mount(pos) \
    for ((pos) = list_entry(mounts.next, struct mount, link); ({ \
             preempt_work(WORK_LOOK); \
             &(pos)->link != &mounts; \
         }); \
         (pos) = list_entry((pos)->link.next, struct mount, link))

/* For the files below. */
void mount_put_on(struct mount *m, const struct path *on);  /* one of the list */
void mount_cover(struct mount *m, const struct path *what); /* takes over the references */
void mount_detach(struct mount *m);
int mount_copy_tree(const struct path *from, bool all, bool unbindable, struct mount **out);
bool mount_is_of_mounts(const struct mount *m); /* a namespace's file */
void mount_copied(void); /* nobody wants to know any more which copy belongs to whom */

/* propagate.c */
void propagation_set(struct mount *m, uint32_t type); /* one of PROPAGATION */
uint32_t propagation_of(const struct mount *m);       /* MS_*, and both of a slave that is shared */
/* The nearest group above its master's that `from` sees; 0: that itself, or none. */
uint32_t propagation_from(const struct mount *m, const struct path *from);
int propagation_join(struct mount *to, const struct mount *from); /* 0, -EINVAL */
/* All that gets something when tree `top` goes to `on` has it ready: 0, -ENOMEM, -ENOSPC, -EINVAL.  Then
 * one of the two others. */
int propagate_begin(struct mount *top, const struct path *on);
void propagate_end(struct mount *top, const struct path *on, bool done);
/* For what `goes`: what it was propagated to goes, too.  busy: -EBUSY if that is in use. */
int propagate_removal(bool busy);

/* mount_ns.c */
bool mount_reaches(const struct mount *m, const struct path *from); /* is it below? */
int mount_pivot(const struct path *new_root, const struct path *old, const struct path *root);
int mount_ns_copy(struct mount_ns *from, struct fs_ctx *fs, struct mount_ns **out);
void mount_ns_end(struct ns *ns);
void mount_ns_root(struct mount_ns *ns,
                   struct path *out); /* its root's top, with references; takes the tree */

#endif
