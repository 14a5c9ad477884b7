/* mount.c - mounts: which file system covers which directory.
 * A mount holds its parent mount and the covered dentry; each path into it
 * holds the mount.  So one with no reference but that of the list is not in
 * use.  With the last mount of a file system all its names and files go.
 * dentry.mounted only hints that some mount covers a dentry; the list says which
 * one does so seen from a given mount (a bind mount shows the same dentries). */
#include "fs/mount.h"
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/path.h"
#include "lib/string.h"
#include "mm/heap.h"

struct list mounts = LIST_INIT(mounts);
struct mount *root_mount;
static uint32_t last_id = 19; /* [fs_tree] as mountinfo numbers them */

void mount_get(struct mount *m) { ref_get(&m->refs); }

void sb_free(struct superblock *sb)
{
    dentry_free_tree(sb->root);
    kfree((char *)sb->told);
    kfree(sb);
}

static void sb_put(struct superblock *sb)
{
    if (!ref_put(&sb->refs) || sb->permanent)
        return;
    notify_unmounted(sb);
    sb_free(sb);
}

static SLOW_PATH void mount_end(struct mount *m)
{
    dentry_put(m->root);
    sb_put(m->sb);
    kfree(m);
}

void mount_put(struct mount *m)
{
    if (ref_put(&m->refs))
        mount_end(m);
}

struct mount *mount_on(const struct mount *parent, const struct dentry *d)
{
    struct mount *m;

    list_for_each(m, &mounts, link)
        if (m->on == d && m->parent == parent)
            return m;
    return NULL;
}

struct mount *mount_new(struct superblock *sb, struct dentry *root, uint32_t flags,
                        const char *source)
{
    struct mount *m = kzalloc(sizeof(*m));

    if (!m)
        return NULL;
    m->sb = sb;
    m->root = root;
    m->flags = flags;
    ref_init(&m->refs, 1);
    m->id = ++last_id;
    m->detached = true;
    list_init(&m->link);
    strlcpy(m->source, source, sizeof(m->source));
    dentry_get(root);
    ref_get_any(&sb->refs);
    return m;
}

/* m, in the list now, covers what `on` is. */
static void put_on(struct mount *m, const struct path *on)
{
    path_get(on);
    spin_lock(&names_lock);
    m->parent = on->mnt;
    m->on = on->dentry;
    spin_unlock(&names_lock);
    m->on->mounted = m;
    m->detached = false;
    list_push_back(&mounts, &m->link);
}

int mount_add(struct superblock *sb, struct dentry *root, const struct path *on, uint32_t flags,
              const char *source)
{
    struct mount *m = mount_new(sb, root, flags, source);

    if (!m)
        return -ENOMEM;
    if (on) {
        put_on(m, on);
        return 0;
    }
    m->detached = false;
    list_push_back(&mounts, &m->link);
    root_mount = m;
    return 0;
}

static struct {
    struct dentry *on; /* with a reference; NULL: nothing waits */
    const char *type;
} waits; /* [fs_tree] */

void mount_later(struct dentry *d, const char *type)
{
    static struct mount stands_for_it; /* in no list, so mount_on() never finds it */

    dentry_get(d);
    d->mounted = &stands_for_it;
    waits.on = d;
    waits.type = type;
}

int mount_waiting(const struct dentry *d)
{
    struct path on = { root_mount, waits.on };
    struct superblock *sb;
    int err;

    if (!waits.on || (d && d != waits.on))
        return 0;
    err = fs_type_get(waits.type, NULL, &sb);
    if (!err)
        err = mount_add(sb, sb->root, &on, 0, waits.type);
    if (err)
        return err;
    dentry_put(waits.on);
    waits.on = NULL;
    return 0;
}

/* m covers something else, or nothing: it takes over those references, and gives back what it had. */
static void cover(struct mount *m, const struct path *what)
{
    struct path on = { m->parent, m->on };
    struct mount *other;

    spin_lock(&names_lock);
    names_changes++;
    m->parent = what->mnt;
    m->on = what->dentry;
    spin_unlock(&names_lock);
    if (m->on)
        m->on->mounted = m;
    on.dentry->mounted = NULL;
    list_for_each(other, &mounts, link)
        if (other->on == on.dentry)
            on.dentry->mounted = other;
    path_put(&on);
}

/* m covers nothing any more; nobody new finds it. */
static void detach(struct mount *m)
{
    list_remove(&m->link);
    cover(m, &(struct path){ 0 });
    mount_put(m);
}

static struct mount *child_of(const struct mount *m)
{
    struct mount *c;

    list_for_each(c, &mounts, link)
        if (c->parent == m)
            return c;
    return NULL;
}

/* The caller has a reference to m.  Lazily: all mounts below it go, too; the
 * files in use stay until they are closed. */
int mount_remove(struct mount *m, bool lazy)
{
    struct mount *below, *c;

    if (m == root_mount)
        return -EBUSY;
    if (!m->parent)
        return -EINVAL;
    if (!lazy && ref_read(&m->refs) > 2)
        return -EBUSY;
    while ((below = child_of(m)) != NULL) { /* the deepest first */
        while ((c = child_of(below)) != NULL)
            below = c;
        detach(below);
    }
    detach(m);
    return 0;
}

static bool mount_is_below(const struct mount *m, const struct mount *top)
{
    while (m && m != top)
        m = m->parent;
    return m != NULL;
}

int mount_move(struct mount *m, const struct path *to)
{
    if (m == root_mount || !m->parent)
        return -EINVAL;
    if (is_dir(m->root->inode) != is_dir(to->dentry->inode))
        return -EINVAL;
    if (mount_is_below(to->mnt, m))
        return -ELOOP;
    path_get(to);
    cover(m, to);
    return 0;
}

int mount_attach(struct mount *m, const struct path *to)
{
    if (is_dir(m->root->inode) != is_dir(to->dentry->inode))
        return -ENOTDIR;
    mount_get(m); /* the list's */
    put_on(m, to);
    return 0;
}

int mount_beneath(struct mount *m, struct mount *top)
{
    struct path under = { top->parent, top->on }, on_m = { m, m->root };
    int err;

    if (!top->parent || top == root_mount || mount_is_below(top, m))
        return -EINVAL;
    path_get(&under);
    err = m->detached ? mount_attach(m, &under) : mount_move(m, &under);
    if (!err)
        err = mount_move(top, &on_m);
    if (!err)
        under.dentry->mounted = m;
    path_put(&under);
    return err;
}

/* One more mount that has been there before number `last`, lies in the tree of one that has a copy, and has none itself:
 * it gets one.  1, 0: there is none, or -ENOMEM. */
static int copy_one(const struct path *from, uint32_t last)
{
    struct mount *m;

    list_for_each(m, &mounts, link) {
        if (m->id > last || m->copy || !m->parent || !m->parent->copy)
            continue;
        if (m->parent == from->mnt && !dentry_is_below(m->on, from->dentry))
            continue;
        m->copy = mount_new(m->sb, m->root, m->flags, m->source);
        if (!m->copy)
            return -ENOMEM;
        put_on(m->copy, &(struct path){ m->parent->copy, m->on });
        return 1;
    }
    return 0;
}

int mount_bind_all(const struct path *from, const struct path *to)
{
    struct mount *m;
    int err = mount_waiting(NULL);
    uint32_t last = last_id;

    if (!err)
        err = mount_add(from->mnt->sb, from->dentry, to, from->mnt->flags, from->mnt->source);
    if (err)
        return err;
    struct mount *top = list_entry(mounts.prev, struct mount, link);
    from->mnt->copy = top;
    do
        err = copy_one(from, last);
    while (err > 0);
    from->mnt->copy = NULL;
    list_for_each(m, &mounts, link)
        m->copy = NULL;
    if (err)
        mount_remove(top, true);
    return err;
}

bool mount_expired(struct mount *m)
{
    bool yes = m->expire_at && m->crossings == m->expire_at + 1;

    m->expire_at = m->crossings;
    return yes;
}

bool mount_alone(const struct mount *m)
{
    struct mount *other;

    list_for_each(other, &mounts, link)
        if (other != m && other->sb == m->sb)
            return false;
    return true;
}

#define WORK_NAME 15u /* instructions a name, about (arch/preempt.h) */

bool mount_has_writers(const struct mount *m)
{
    for (struct dentry *d = m->sb->root; d; d = dentry_next(d, m->sb->root)) {
        if (__atomic_load_n(&d->inode->writers, __ATOMIC_RELAXED) > 0)
            return true;
        preempt_work(WORK_NAME);
    }
    return false;
}

uint64_t mounted_pages(void)
{
    struct mount *m, *other;
    uint64_t pages = 0;

    mutex_lock(&fs_tree);
    list_for_each(m, &mounts, link) {
        list_for_each(other, &mounts, link)
            if (other->sb == m->sb)
                break;
        pages += other == m ? m->sb->pages : 0;
    }
    mutex_unlock(&fs_tree);
    return pages;
}
