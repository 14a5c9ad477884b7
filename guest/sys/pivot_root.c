/* pivot_root.c - pivot_root(2): another mount is the root, and the old one lies in it (fs/mount_ns.c).
 *
 * As on Linux, whoever had the old root as root or as working directory has the new one then, in every process. */
#include "arch/syscall.h"
#include "fs/dentry.h"
#include "fs/fs_ctx.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "proc/namespace.h"
#include "proc/process.h"
#include "proc/task.h"

#define WORK_TASK 60u /* instructions, about (arch/preempt.h) */

struct move {
    const struct path *from, *to;
};

static void move_place(struct task *t, void *arg)
{
    const struct move *m = arg;
    struct fs_ctx *c = task_fs(t);

    if (c == NULL)
        return;
    spin_unlock(&tree_lock);
    fs_ctx_replace(c, m->from, m->to);
    fs_ctx_put(c);
    spin_lock(&tree_lock);
}

SYSCALL2(pivot_root, uaddr_t, new_root, uaddr_t, put_old)
{
    struct path new, old, root;

    if (!capable())
        return -EPERM;
    long err = path_lookup_user(AT_FDCWD, new_root, WALK_FOLLOW | WALK_DIRECTORY, &new);
    if (err)
        return err;
    err = path_lookup_user(AT_FDCWD, put_old, WALK_FOLLOW | WALK_DIRECTORY, &old);
    if (!err) {
        fs_get_root(&root);
        mutex_lock(&fs_tree);
        mount_top(&old);
        err = new.mnt &&old.mnt ? mount_pivot(&new, &old, &root) : -EINVAL;
        mutex_unlock(&fs_tree);
        if (!err)
            family_each_task(move_place, &(struct move){ &root, &new }, WORK_TASK);
        path_put(&root);
        path_put(&old);
    }
    path_put(&new);
    return err;
}
