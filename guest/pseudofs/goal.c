/* goal.c - links that lead to an object, whatever its name. */
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path_name.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "pseudofs/pseudofs.h"
#include "sched/task.h"

void goal_put(struct pfs_goal *g)
{
    if (g->file)
        file_put(g->file);
    else
        path_put(&g->path);
}

/* A name as readlink(2) gives it: not terminated, cut to the room. */
long goal_name(const struct pfs_goal *g, char *buf, size_t room)
{
    char *page = kmalloc(PAGE_SIZE);
    if (!page)
        return -ENOMEM;
    const char *name =
        g->file ? file_name(g->file, page, PAGE_SIZE) : path_name(&g->path, page, PAGE_SIZE);
    size_t n = name ? MIN(strlen(name), room) : 0;
    memcpy(buf, name, n);
    kfree(page);
    return name ? (long)n : -ENAMETOOLONG;
}

/* A pipe has no place in a tree, but can be opened again (/dev/stdin): it gets
 * a dentry of its own. */
static int go_to_pipe(struct file *f, struct path *out)
{
    char name[32];
    const char *text = file_name(f, name, sizeof name);
    if (!S_ISFIFO(f->inode->mode) || !text)
        return -ENXIO;
    inode_get(f->inode);
    out->mnt = NULL;
    return dentry_new(NULL, text, strlen(text), f->inode, &out->dentry);
}

int goal_follow(const struct pfs_goal *g, struct path *out)
{
    const struct path *p = g->file ? &g->file->path : &g->path;
    if (g->guarded && !capable() && !has_cap(CAP_CHECKPOINT_RESTORE))
        return -EPERM;
    if (!p->dentry)
        return go_to_pipe(g->file, out);
    *out = *p;
    path_get(out);
    return 0;
}
