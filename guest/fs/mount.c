/* mount.c - mounts: which file system covers which directory.
 * A mount holds its parent mount and the covered dentry; each path into it
 * holds the mount, and the list of all mounts holds each that is mounted or will be.  So one with no reference but that
 * of the list is not in use.  With the last mount of a file system all its names and files go.
 * dentry.mounted only hints that some mount covers a dentry; the list says which
 * one does so seen from a given mount (a bind mount shows the same dentries).
 *
 * So a walk needs not know in which namespace it is: it begins in a mount of it, and what covers a dentry of that
 * mount belongs to the same one (mount.ns).  Trees that have no place yet, of open_tree(2) and fsmount(2), are made
 * alike, with mount.ns NULL; closing the descriptor undoes what has got none. */
#include "fs/mount.h"
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/path.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include <linux/magic.h>

struct list mounts = LIST_INIT(mounts);
struct mount_ns first_mount_ns = { .ns = FIRST_NS(NS_MNT) };
static uint32_t last_id = 19; /* [fs_tree] as mountinfo numbers them */
static uint32_t nmounts;      /* [fs_tree] in the list */

struct mount_ns *mount_ns_here(void)
{
    struct ns_set *s = current->ns;

    return s ? container_of(s->of[NS_MNT], struct mount_ns, ns) : &first_mount_ns;
}

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
    struct mount *m = d->mounted;

    if (m && m->on == d && m->parent == parent) /* there are seldom others */
        return m;
    for_each_mount(m)
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
    list_init(&m->link);
    strlcpy(m->source, source, sizeof(m->source));
    dentry_get(root);
    ref_get_any(&sb->refs);
    return m;
}

int mount_list(struct mount *m)
{
    if (nmounts >= MOUNTS_MAX)
        return -ENOSPC;
    nmounts++;
    mount_get(m);
    list_push_back(&mounts, &m->link);
    return 0;
}

void mount_put_on(struct mount *m, const struct path *on)
{
    path_get(on);
    spin_lock(&names_lock);
    m->parent = on->mnt;
    m->on = on->dentry;
    spin_unlock(&names_lock);
    m->on->mounted = m;
}

/* It is in a namespace from now on. */
static void settle(struct mount *top, struct mount_ns *ns)
{
    struct mount *m;

    top->ns = ns;
    for_each_mount(m)
        if (m->ns != ns && mount_is_below(m, top))
            m->ns = ns;
}

int mount_add(struct superblock *sb, struct dentry *root, const struct path *on, uint32_t flags,
              const char *source)
{
    struct mount *m = nmounts < MOUNTS_MAX ? mount_new(sb, root, flags, source) : NULL;
    int err = 0;

    if (!m) {
        if (!sb->permanent && ref_read(&sb->refs) == 0)
            sb_free(sb);
        return nmounts < MOUNTS_MAX ? -ENOMEM : -ENOSPC;
    }
    mount_list(m);
    if (on) {
        err = mount_attach(m, on);
    } else {
        first_mount_ns.root = m;
        m->ns = &first_mount_ns;
    }
    if (err)
        mount_undo(m);
    mount_put(m);
    return err;
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
    struct path on = { first_mount_ns.root, waits.on };
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
void mount_cover(struct mount *m, const struct path *what)
{
    struct path on = { m->parent, m->on };
    struct mount *other, *last = NULL;

    spin_lock(&names_lock);
    names_changes++;
    m->parent = what->mnt;
    m->on = what->dentry;
    spin_unlock(&names_lock);
    if (m->on)
        m->on->mounted = m;
    if (!on.dentry)
        return;
    for_each_mount(other)
        if (other->on == on.dentry)
            last = other;
    on.dentry->mounted = last;
    path_put(&on);
}

/* m covers nothing any more; nobody new finds it. */
void mount_detach(struct mount *m)
{
    list_remove(&m->link);
    nmounts--;
    propagation_set(m, MS_PRIVATE);
    m->ns = NULL;
    mount_cover(m, &(struct path){ 0 });
    mount_put(m);
}

static bool has_child(const struct mount *m)
{
    struct mount *c;

    for_each_mount(c)
        if (c->parent == m)
            return true;
    return false;
}

/* What `goes`.  Parents are held by those that are still in the list. */
static void remove_marked(void)
{
    struct mount *m, *next;

    list_for_each_safe(m, next, &mounts, link) {
        if (m->goes)
            mount_detach(m);
        preempt_work(WORK_LOOK);
    }
}

static void mark_tree(struct mount *top)
{
    struct mount *m;

    for_each_mount(m)
        m->goes = mount_is_below(m, top);
}

int mount_remove(struct mount *m, bool lazy)
{
    int err;

    if (m->ns && m == m->ns->root)
        return -EBUSY;
    if (!m->parent)
        return -EINVAL;
    if (!lazy && (ref_read(&m->refs) > 2 || has_child(m)))
        return -EBUSY;
    mark_tree(m);
    err = propagate_removal(!lazy);
    if (!err)
        remove_marked();
    return err;
}

void mounts_off(const struct dentry *d)
{
    struct mount *m, *top;

    for_each_mount(m)
        for (top = m, m->goes = false; top && !m->goes; top = top->parent)
            m->goes = top->on == d;
    remove_marked();
}

bool mounted_here(const struct dentry *d)
{
    struct mount *m = d->mounted, *other;
    struct mount_ns *here;

    if (!m)
        return false;
    here = mount_ns_here();
    for_each_mount(other)
        if (other->on == d && other->ns == here)
            return true;
    return !m->parent; /* it waits for somebody who goes there */
}

/* A name of a file system that makes its names when they are looked up is found again if it, and all above it,
 * hang in the tree.  False: it leads to what may be gone, or another one hangs there. */
static bool hang_all(struct dentry *d)
{
    for (; d->parent != d && list_empty(&d->sibling); d = d->parent) {
        if (!d->inode->ops || !d->inode->ops->stays || !d->inode->ops->stays(d->inode))
            return false;
        if (dentry_hang_unless(d) != NULL)
            return false;
        dentry_get(d);
    }
    return true;
}

bool mount_can_cover(const struct path *p)
{
    return p->mnt && p->mnt->ns == mount_ns_here() && !p->dentry->unlinked && hang_all(p->dentry);
}

bool mount_is_below(const struct mount *m, const struct mount *top)
{
    while (m && m != top)
        m = m->parent;
    return m != NULL;
}

void mount_top(struct path *p)
{
    struct mount *m;

    while (p->dentry->mounted && (m = mount_on(p->mnt, p->dentry)) != NULL) {
        path_put(p);
        *p = (struct path){ m, m->root };
        path_get(p);
    }
}

int mount_move(struct mount *m, const struct path *to)
{
    int err;

    if (!m->ns || m == m->ns->root || m->parent->group)
        return -EINVAL;
    if (is_dir(m->root->inode) != is_dir(to->dentry->inode))
        return -EINVAL;
    if (mount_is_below(to->mnt, m))
        return -ELOOP;
    err = propagate_begin(m, to);
    if (err)
        return err;
    path_get(to);
    mount_cover(m, to);
    propagate_end(m, to, true);
    return 0;
}

/* A file of a namespace of mounts, which one of its own would keep for ever. */
static bool is_ns_of_mounts(const struct dentry *d)
{
    struct inode *in = d->inode;

    return in->sb->magic == NSFS_MAGIC && ((struct ns *)in->private)->kind == NS_MNT;
}

bool mount_is_of_mounts(const struct mount *m) { return is_ns_of_mounts(m->root); }

/* Would the namespace hold itself?  It does not where each holds younger ones only. */
static bool holds_older(const struct mount *top, const struct mount_ns *ns)
{
    struct mount *m;

    for_each_mount(m)
        if (is_ns_of_mounts(m->root) && mount_is_below(m, top) &&
            ((struct ns *)m->root->inode->private)->ino <= ns->ns.ino)
            return true;
    return false;
}

int mount_attach(struct mount *top, const struct path *to)
{
    int err;

    if (is_dir(top->root->inode) != is_dir(to->dentry->inode))
        return -ENOTDIR;
    if (to->mnt->ns && holds_older(top, to->mnt->ns))
        return -ELOOP;
    err = propagate_begin(top, to);
    if (err)
        return err;
    mount_put_on(top, to);
    settle(top, to->mnt->ns);
    propagate_end(top, to, true);
    return 0;
}

int mount_beneath(struct mount *m, struct mount *top)
{
    struct path under = { top->parent, top->on }, on_m = { m, m->root };
    int err;

    if (!top->parent || mount_is_below(top, m) || top->parent->group)
        return -EINVAL;
    path_get(&under);
    err = mount_is_loose(m) ? mount_attach(m, &under) : mount_move(m, &under);
    if (!err) {
        path_get(&on_m);
        mount_cover(top, &on_m);
        under.dentry->mounted = m;
    }
    path_put(&under);
    return err;
}

/* --- copies of trees --------------------------------------------------------------------- */

static int copy_one(struct mount *m, const struct path *on)
{
    m->copy = nmounts < MOUNTS_MAX ? mount_new(m->sb, m->root, m->flags, m->source) : NULL;
    if (!m->copy)
        return nmounts < MOUNTS_MAX ? -ENOMEM : -ENOSPC;
    m->copy->group = m->group;
    m->copy->master = m->master;
    m->copy->unbindable = m->unbindable;
    mount_list(m->copy);
    mount_put(m->copy);
    mount_put_on(m->copy, on);
    return 0;
}

/* One or more mounts get their copies whose parents have theirs.  1, 0: there is none, or -errno. */
static int copy_some(const struct path *from, uint32_t last, bool unbindable)
{
    struct mount *m;
    int some = 0;

    for_each_mount(m) {
        if (m->id > last || m->copy || !m->parent || !m->parent->copy)
            continue;
        if ((m->parent == from->mnt && !dentry_is_below(m->on, from->dentry)) ||
            (m->unbindable && !unbindable) || is_ns_of_mounts(m->root))
            continue;
        int err = copy_one(m, &(struct path){ m->parent->copy, m->on });
        if (err)
            return err;
        some = 1;
    }
    return some;
}

int mount_copy_tree(const struct path *from, bool all, bool unbindable, struct mount **out)
{
    struct mount *m = from->mnt, *top;
    int err = mount_waiting(NULL);
    uint32_t last = last_id;

    if (err)
        return err;
    if (nmounts >= MOUNTS_MAX)
        return -ENOSPC;
    top = mount_new(m ? m->sb : from->dentry->inode->sb, from->dentry, m ? m->flags : 0,
                    m ? m->source : "nsfs");
    if (!top)
        return -ENOMEM;
    mount_list(top);
    mount_put(top);
    *out = top;
    if (!m)
        return 0;
    m->copy = top;
    top->group = m->group;
    top->master = m->master;
    top->unbindable = m->unbindable;
    for (err = all; err > 0;)
        err = copy_some(from, last, unbindable);
    if (err) {
        mount_copied();
        mount_undo(top);
    }
    return err;
}

void mount_copied(void)
{
    struct mount *m;

    for_each_mount(m)
        m->copy = NULL;
}

int mount_copy(const struct path *from, bool all, struct mount **out)
{
    const struct mount *m = from->mnt;
    int err;

    if (m ? m->unbindable || (m->ns != mount_ns_here() && !mount_is_loose(m))
          : from->dentry->inode->sb->magic != NSFS_MAGIC)
        return -EINVAL;
    if (is_ns_of_mounts(from->dentry) &&
        ((struct ns *)from->dentry->inode->private)->ino <= mount_ns_here()->ns.ino)
        return -EINVAL;
    err = mount_copy_tree(from, all, false, out);
    if (!err)
        mount_copied();
    return err;
}

void mount_undo(struct mount *top)
{
    if (!mount_is_loose(top))
        return;
    mark_tree(top);
    remove_marked();
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

    for_each_mount(other)
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
