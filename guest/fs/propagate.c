/* propagate.c - mounts that tell each other: peers (MS_SHARED) and slaves.
 *
 * A group is a number.  What is mounted on a member appears on all members of its group, and on their slaves,
 * whose `master` is that group; a slave may be in a group of its own, and so on down.  A mount's line is its group,
 * that one's master, and up from there.  All members of a group have the same master, and a group that loses
 * its last member gives its slaves to its own master, so a line has no gap; and as a mount becomes a slave only of
 * a group that there was before its own, no line is a circle.
 *
 * Something new goes to all whose line has the group, the nearest first: so a mount finds what it is to copy with
 * its own group, or else, the nearest group up its line that has got some.  Nothing is in a namespace before all
 * copies are there: if one cannot be made, they go again and nothing has happened.
 *
 * All this is a look through the list of mounts, for each mount: shared ones are few.  Tree held. */
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/path.h"

#include <linux/fs.h>

static uint32_t last_group;

static struct mount *member(uint32_t group)
{
    struct mount *m;

    for_each_mount(m)
        if (m->group == group)
            return m;
    return NULL;
}

static uint32_t master_of(uint32_t group)
{
    const struct mount *m = member(group);

    return m ? m->master : 0;
}

/* How far up m's line the group is; -1: not in it. */
static int distance(const struct mount *m, uint32_t group)
{
    int n = 1;

    if (m->group == group)
        return 0;
    for (uint32_t up = m->master; up; up = master_of(up), n++)
        if (up == group)
            return n;
    return -1;
}

/* --- what a mount is ----------------------------------------------------------------------- */

/* m is out of its group.  False: that was the last member, and there is no such group any more. */
static bool leave(struct mount *m)
{
    uint32_t group = m->group;
    struct mount *other;

    m->group = 0;
    if (member(group))
        return true;
    for_each_mount(other)
        if (other->master == group)
            other->master = m->master;
    return false;
}

void propagation_set(struct mount *m, uint32_t type)
{
    uint32_t group = m->group;

    if (type == MS_SHARED) {
        m->unbindable = false;
        if (!group)
            m->group = ++last_group;
        return;
    }
    if (group && leave(m))
        m->master = group;
    if (type == MS_SLAVE)
        return;
    m->master = 0;
    m->unbindable = type == MS_UNBINDABLE;
}

uint32_t propagation_of(const struct mount *m)
{
    uint32_t type = (m->group ? MS_SHARED : 0) | (m->master ? MS_SLAVE : 0) |
                    (m->unbindable ? MS_UNBINDABLE : 0);
    return type ? type : MS_PRIVATE;
}

uint32_t propagation_from(const struct mount *m, const struct path *from)
{
    const struct mount *other;

    for (uint32_t up = m->master; up; up = master_of(up))
        for_each_mount(other)
            if (other->group == up && mount_reaches(other, from))
                return up != m->master ? up : 0;
    return 0;
}

int propagation_join(struct mount *to, const struct mount *from)
{
    if (to->sb != from->sb || !dentry_is_below(to->root, from->root))
        return -EINVAL;
    if (to->group || to->master || !(from->group || from->master))
        return -EINVAL;
    to->group = from->group;
    to->master = from->master;
    return 0;
}

/* --- something is put on a shared mount -------------------------------------------------- */

static bool has_unbindable(const struct mount *top)
{
    struct mount *m;

    for_each_mount(m)
        if (m->unbindable && mount_is_below(m, top))
            return true;
    return false;
}

static void invent_groups(struct mount *top)
{
    struct mount *m;

    for_each_mount(m) {
        m->gets = NULL;
        m->invented = !m->group && mount_is_below(m, top);
        if (m->invented)
            m->group = ++last_group;
    }
}

/* A member of that group that has got something. */
static struct mount *has_got(uint32_t group)
{
    struct mount *m;

    for_each_mount(m)
        if (m->gets && m->group == group)
            return m;
    return NULL;
}

/* The copies are slaves of what they are copies of; and shared among each other if `to` is. */
static void enslave(const struct mount *to)
{
    struct mount *m;

    for_each_mount(m) {
        if (!m->copy)
            continue;
        m->copy->master = m->group;
        m->copy->group = to->group ? ++last_group : 0;
    }
}

static int copy_for(struct mount *to)
{
    struct mount *from = to->group ? has_got(to->group) : NULL;
    bool slave = !from;

    for (uint32_t up = to->master; !from && up; up = master_of(up))
        from = has_got(up);
    int err =
        mount_copy_tree(&(struct path){ from->gets, from->gets->root }, true, true, &to->gets);
    if (err) {
        to->gets = NULL;
        return err;
    }
    if (slave)
        enslave(to);
    mount_copied();
    return 0;
}

int propagate_begin(struct mount *top, const struct path *on)
{
    uint32_t group = on->mnt->group;
    bool further = true;
    struct mount *m;
    int err = 0;

    if (likely(!group))
        return 0;
    if (has_unbindable(top) || mount_is_of_mounts(top))
        return -EINVAL;
    invent_groups(top);
    on->mnt->gets = top;
    for (int at = 0; further && !err; at++) {
        further = false;
        for_each_mount(m) {
            int far = m->ns && !m->gets && !err ? distance(m, group) : -1;

            further |= far > at;
            if (far == at && dentry_is_below(on->dentry, m->root))
                err = copy_for(m);
        }
    }
    if (err)
        propagate_end(top, on, false);
    return err;
}

/* What was there already lies on top of it: who mounted that goes on seeing it. */
static void put_beneath(struct mount *copy, const struct path *on)
{
    struct mount *above = mount_on(on->mnt, on->dentry), *m;
    struct path place = { copy, copy->root };

    mount_put_on(copy, on);
    for_each_mount(m)
        if (mount_is_below(m, copy))
            m->ns = on->mnt->ns;
    if (!above)
        return;
    path_get(&place);
    mount_cover(above, &place);
    on->dentry->mounted = copy;
}

void propagate_end(struct mount *top, const struct path *on, bool done)
{
    struct mount *m, *copy;

    if (likely(!on->mnt->group))
        return;
    for_each_mount(m) { /* m stays: those that go have got nothing */
        copy = m->gets;
        m->gets = NULL;
        if (m->invented && !done)
            m->group = 0;
        m->invented = false;
        if (copy && copy != top && done)
            put_beneath(copy, &(struct path){ m, on->dentry });
        else if (copy && copy != top)
            mount_undo(copy);
    }
}

/* --- something is taken from one ---------------------------------------------------------- */

static struct mount *on_its_root(const struct mount *m)
{
    return m->root->mounted ? mount_on(m, m->root) : NULL;
}

static uint32_t children(const struct mount *m)
{
    struct mount *c;
    uint32_t n = 0;

    for_each_mount(c)
        n += c->parent == m;
    return n;
}

/* In use by somebody, who would be left without it?  With mounts in it, it stays anyway. */
static bool in_use(const struct mount *m)
{
    uint32_t n = children(m);

    return (n == 0 || (n == 1 && on_its_root(m))) && ref_read(&m->refs) > 1 + (int32_t)n;
}

/* Marks what m, which goes, was propagated to. */
static int mark_copies(const struct mount *m, bool busy)
{
    uint32_t group = m->parent ? m->parent->group : 0;
    struct mount *other, *copy;

    if (!group)
        return 0;
    for_each_mount(other) {
        if (!other->ns || other == m->parent || distance(other, group) < 0)
            continue;
        copy = mount_on(other, m->on);
        if (copy && !copy->goes && busy && in_use(copy))
            return -EBUSY;
        if (copy && !copy->goes)
            copy->may_go = true;
    }
    return 0;
}

/* One that may go stays, as another is mounted in it that does not: true.  One on its root is no reason. */
static bool keep_one(void)
{
    struct mount *m;

    for_each_mount(m) {
        struct mount *p = m->parent;

        if (p && p->may_go && !m->goes && !m->may_go && m->on != p->root) {
            p->may_go = false;
            return true;
        }
    }
    return false;
}

/* What lay on the root of one that goes is where that was. */
static void let_down(struct mount *m)
{
    struct path to = { m->parent, m->on };

    while (to.mnt->may_go && to.dentry == to.mnt->root)
        to = (struct path){ to.mnt->parent, to.mnt->on };
    path_get(&to);
    mount_cover(m, &to);
}

int propagate_removal(bool busy)
{
    struct mount *m;
    int err = 0;

    for_each_mount(m)
        m->may_go = false;
    for_each_mount(m)
        if (m->goes && !err)
            err = mark_copies(m, busy);
    if (err)
        return err;
    while (keep_one())
        ;
    for_each_mount(m)
        if (!m->goes && !m->may_go && m->parent && m->parent->may_go)
            let_down(m);
    for_each_mount(m)
        m->goes |= m->may_go;
    return 0;
}
