/* mount.h - which file system covers which directory.  Tree held (dentry.h) unless said
 * otherwise. */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "lib/list.h"
#include "lib/refcount.h"
#include <linux/mount.h>

struct dentry;
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

struct mount {
    struct superblock *sb; /* [k] */
    struct dentry *root;   /* [k] */
    struct dentry *on;     /* [fs_tree + names_lock] the covered dentry, NULL for / */
    struct mount *parent;  /* same */
    struct list link;      /* [fs_tree] all mounts, in order */
    uint32_t flags;        /* [fs_tree], read without: MOUNT_* */
    struct refcount refs;  /* [a] the list's, paths' and child mounts' */
    uint32_t id;           /* [k] */
    uint32_t crossings;    /* [fs_tree] walks that came here from above, */
    uint32_t expire_at;    /*   and how many there were when it was to expire; 0: never */
    struct mount *copy;    /* [fs_tree] while mount_bind_all() runs */
    bool detached;         /* [fs_tree] it was made without a place, and has had none yet */
    char source[64];       /* [k] */
};

extern struct list mounts; /* struct mount.link, in the order in which they were made */
extern struct mount *root_mount;
void mount_get(struct mount *m); /* no lock needed */
void mount_put(struct mount *m); /* no lock needed */
/* The mount that covers d, seen from m, or NULL. */
struct mount *mount_on(const struct mount *m, const struct dentry *d);
int mount_add(struct superblock *sb, struct dentry *root, const struct path *on, uint32_t flags,
              const char *source);
/* On a directory of the root, when somebody first goes there or asks what is mounted: a boot that
 * nobody wants it of does not pay for it.  Once; d is marked as covered meanwhile. */
void mount_later(struct dentry *d, const char *type);
/* That is done now, if it is on d, or wherever it is (NULL): 0, -ENOMEM, -ENODEV. */
int mount_waiting(const struct dentry *d);
int mount_remove(struct mount *m, bool lazy);
/* umount2(2)'s MNT_EXPIRE, after a walk to m: it was asked for before, and nobody came by since. */
bool mount_expired(struct mount *m);
int mount_move(struct mount *m, const struct path *to);
/* One that covers nothing yet, in no list: with the last reference, of which the caller has the first, it is gone.
 * NULL: no memory. */
struct mount *mount_new(struct superblock *sb, struct dentry *root, uint32_t flags,
                        const char *source);
int mount_attach(struct mount *m, const struct path *to); /* a detached one: 0, -ENOTDIR */
/* m comes between `top` and what that covers. */
int mount_beneath(struct mount *m, struct mount *top);
/* A bind mount of `from`, with all that is mounted below it: 0, -ENOMEM. */
int mount_bind_all(const struct path *from, const struct path *to);
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
/* Pages that file systems hold; each counts once, however often it is mounted.  Takes the tree. */
uint64_t mounted_pages(void);

#endif
