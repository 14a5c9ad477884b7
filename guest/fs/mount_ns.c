/* mount_ns.c - namespaces of mounts, and pivot_root(2).
 *
 * A new one is a copy of all mounts of the one that it is made from (mount.c), and who makes it is in the copies of
 * where he was.  It has a root, above which nothing is, and which only mount_pivot() changes.  It is there while a task
 * or a file of it is (struct ns); then its mounts go, and what somebody still has open in them stays until it is closed. */
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/fs_ctx.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "mm/heap.h"
#include "proc/ending.h"
#include "sched/task.h"

bool mount_reaches(const struct mount *m, const struct path *from)
{
    const struct dentry *d = m->root;

    while (m && m != from->mnt) {
        d = m->on;
        m = m->parent;
    }
    return m && dentry_is_below(d, from->dentry);
}

/* p is below `from`, or it. */
static bool reaches(const struct path *p, const struct path *from)
{
    return p->mnt == from->mnt ? dentry_is_below(p->dentry, from->dentry)
                               : mount_reaches(p->mnt, from);
}

/* Where one of this namespace would be if its place were the copy's. */
static void to_copy(struct path *p)
{
    struct path to = { p->mnt ? p->mnt->copy : NULL, p->dentry };

    if (!to.mnt)
        return;
    path_get(&to);
    path_put(p);
    *p = to;
}

int mount_ns_copy(struct mount_ns *from, struct fs_ctx *fs, struct mount_ns **out)
{
    struct mount_ns *ns = kzalloc(sizeof(*ns));
    struct mount *top, *m;

    if (!ns)
        return -ENOMEM;
    mutex_lock(&fs_tree);
    int err = mount_copy_tree(&(struct path){ from->root, from->root->root }, true, true, &top);
    if (!err) {
        to_copy(&fs->root);
        to_copy(&fs->cwd);
        mount_copied();
        for_each_mount(m)
            if (mount_is_below(m, top))
                m->ns = ns;
        ns->root = top;
    }
    mutex_unlock(&fs_tree);
    if (err)
        kfree(ns);
    else
        *out = ns;
    return err;
}

static void end(struct ending *l)
{
    struct mount_ns *ns = container_of(l, struct mount_ns, ending);
    struct mount *m, *next;

    mutex_lock(&fs_tree);
    list_for_each_safe(m, next, &mounts, link) {
        if (m->ns == ns)
            mount_detach(m);
        preempt_work(WORK_LOOK);
    }
    mutex_unlock(&fs_tree);
    kfree(ns);
}

void mount_ns_end(struct ns *ns) { end_later(&container_of(ns, struct mount_ns, ns)->ending, end); }

void mount_ns_root(struct mount_ns *ns, struct path *out)
{
    mutex_lock(&fs_tree);
    *out = (struct path){ ns->root, ns->root->root };
    path_get(out);
    mount_top(out);
    mutex_unlock(&fs_tree);
}

static bool is_root_of_mount(const struct path *p) { return p->dentry == p->mnt->root; }

/* Whom a shared one would tell of the change does not exist. */
static bool may_pivot(const struct path *new, const struct path *old, const struct path *root)
{
    const struct mount *above = root->mnt->parent;

    return new->mnt->ns == mount_ns_here() && root->mnt->ns == new->mnt->ns &&
           old->mnt->ns == new->mnt->ns && !old->mnt->group &&new->mnt->parent &&
           !new->mnt->parent->group && !(above && above->group);
}

int mount_pivot(const struct path *new, const struct path *old, const struct path *root)
{
    struct mount_ns *ns = mount_ns_here();
    struct path place = { root->mnt->parent, root->mnt->on };
    int err = mount_waiting(NULL);

    if (err)
        return err;
    if (new->mnt == root->mnt || old->mnt == root->mnt)
        return new->mnt->ns == ns ? -EBUSY : -EINVAL;
    if (!may_pivot(new, old, root) || !is_root_of_mount(root) || !is_root_of_mount(new))
        return -EINVAL;
    if (new->dentry->unlinked)
        return -ENOENT;
    if (!reaches(old, new) || !reaches(new, root))
        return -EINVAL;
    path_get(&place);
    path_get(old);
    mount_cover(new->mnt, &place);
    mount_cover(root->mnt, old);
    if (ns->root == root->mnt)
        ns->root = new->mnt;
    if (place.dentry)
        place.dentry->mounted = new->mnt;
    return 0;
}
