/* pivot_root.c - pivot_root(2): another mount is the root, and the old one lies in it (fs/mount_ns.c).
 *
 * As on Linux, whoever had the old root as root or as working directory has the new one then, in every process. */
#include "arch/syscall.h"
#include "fs/dentry.h"
#include "fs/fs_ctx.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "proc/process.h"
#include "proc/task.h"

#define WORK_TASK 60u /* instructions, about (arch/preempt.h) */

static void move_threads(struct process *p, const struct path *from, const struct path *to)
{
    struct family_walk w;
    struct task *t;

    family_walk_begin(&w, &p->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_TASK) != NULL) {
        spin_lock(&t->lock);
        struct fs_ctx *c = t->fs;
        if (c != NULL)
            fs_ctx_get(c);
        spin_unlock(&t->lock);
        if (c == NULL)
            continue;
        spin_unlock(&tree_lock);
        fs_ctx_replace(c, from, to);
        fs_ctx_put(c);
        spin_lock(&tree_lock);
    }
    family_walk_end(&w);
}

static void move_all(const struct path *from, const struct path *to)
{
    struct family_walk w;
    struct process *p;

    spin_lock(&tree_lock);
    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_TASK) != NULL) {
        process_get(p);
        move_threads(p, from, to);
        process_put(p);
    }
    family_walk_end(&w);
    spin_unlock(&tree_lock);
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
            move_all(&root, &new);
        path_put(&root);
        path_put(&old);
    }
    path_put(&new);
    return err;
}
