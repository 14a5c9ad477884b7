/* mounts.c - /proc/PID/mounts and mountinfo. */
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "fs/tmpfs_mount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/namespace.h"
#include "proc/task.h"
#include "procfs/internal.h"

static void put_own_flags(struct text *t, const struct mount *m)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } named[] = {
        { MS_NOSUID, ",nosuid" },           { MS_NODEV, ",nodev" },
        { MS_NOEXEC, ",noexec" },           { MS_NOATIME, ",noatime" },
        { MS_NODIRATIME, ",nodiratime" },   { MS_RELATIME, ",relatime" },
        { MS_NOSYMFOLLOW, ",nosymfollow" },
    };
    for (size_t i = 0; i < ARRAY_SIZE(named); i++)
        if (m->flags & named[i].flag)
            text_printf(t, "%s", named[i].name);
}

static const char *ro_or_rw(bool ro) { return ro ? "ro" : "rw"; }

static const char *sync_too(const struct mount *m)
{
    return m->flags & MS_SYNCHRONOUS ? ",sync" : "";
}

static void put_super_options(struct text *t, const struct superblock *sb)
{
    char options[SB_OPTIONS_ROOM];

    sb_options(sb, options);
    text_printf(t, "%s", options);
}

/* NULL: not below that root. */
static const char *mount_point(const struct path *root, struct mount *m, char *page)
{
    struct path p = { m->parent, m->on }; /* which stand, whatever has become of what is shown */
    bool reached;

    if (root->mnt == m)
        return root->dentry == m->root ? "/" : NULL;
    const char *name = m->parent ? path_name_below(root, &p, page, PAGE_SIZE, &reached) : NULL;
    return name && reached ? name : NULL;
}

static const char *source_of(const struct mount *m) { return m->source[0] ? m->source : "none"; }

#define WORK_LINE 4000u /* instructions, about (arch/preempt.h) */

typedef void show_fn(struct text *t, struct mount *m, const struct path *root, char *page);

static int show_all(struct text *t, const struct mount_ns *ns, const struct path *root,
                    show_fn *show)
{
    struct mount *m;
    char *page = text_page(t);
    if (!page)
        return -ENOMEM;
    mutex_lock(&fs_tree);
    int err = mount_waiting(NULL);
    list_for_each(m, &mounts, link) {
        if (m->ns == ns && mount_point(root, m, page))
            show(t, m, root, page);
        preempt_work(WORK_LINE);
    }
    mutex_unlock(&fs_tree);
    kfree(page);
    return err;
}

/* Those of the task's namespace that are below its root. */
static int for_mounts(struct text *t, const struct pfs_node *n, show_fn *show)
{
    struct task *task = proc_task(n);
    struct path root;

    if (!task)
        return -ESRCH;
    struct ns *ns = task_ns(task, NS_MNT);
    int err = ns ? task_root(task, &root) : -EINVAL;
    task_put(task);
    if (!err) {
        err = show_all(t, container_of(ns, struct mount_ns, ns), &root, show);
        path_put(&root);
    }
    if (ns)
        ns_put(ns);
    return err;
}

static void mounts_line(struct text *t, struct mount *m, const struct path *root, char *page)
{
    text_escaped(t, source_of(m));
    text_printf(t, " ");
    text_escaped(t, mount_point(root, m, page));
    text_printf(t, " %s %s%s", m->sb->type, ro_or_rw(mount_readonly(m)), sync_too(m));
    put_own_flags(t, m);
    put_super_options(t, m->sb);
    text_printf(t, " 0 0\n");
}

static void put_propagation(struct text *t, const struct mount *m, const struct path *root)
{
    if (m->group)
        text_printf(t, " shared:%u", m->group);
    if (m->master) {
        uint32_t from = propagation_from(m, root);

        text_printf(t, " master:%u", m->master);
        if (from)
            text_printf(t, " propagate_from:%u", from);
    }
    if (m->unbindable)
        text_printf(t, " unbindable");
}

static void mountinfo_line(struct text *t, struct mount *m, const struct path *at, char *page)
{
    uint32_t dev = m->sb->dev;
    struct path top = { NULL, m->root }; /* its place in its own file system */
    text_printf(t, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : 0, DEV_MAJOR(dev),
                DEV_MINOR(dev));
    char *root = path_name(&top, page, PAGE_SIZE);
    if (root && m->root->unlinked)
        root[strlen(root) - strlen(" (deleted)")] = 0;
    text_escaped(t, root ? root : "/");
    text_printf(t, "%s ", m->root->unlinked ? "//deleted" : "");
    text_escaped(t, mount_point(at, m, page));
    text_printf(t, " %s", ro_or_rw(m->flags & MS_RDONLY));
    put_own_flags(t, m);
    put_propagation(t, m, at);
    text_printf(t, " - %s ", m->sb->type);
    text_escaped(t, source_of(m));
    text_printf(t, " %s%s", ro_or_rw(m->flags & MOUNT_FS_RDONLY), sync_too(m));
    put_super_options(t, m->sb);
    text_printf(t, "\n");
}

int show_mounts(struct text *t, const struct pfs_node *n) { return for_mounts(t, n, mounts_line); }

int show_mountinfo(struct text *t, const struct pfs_node *n)
{
    return for_mounts(t, n, mountinfo_line);
}
