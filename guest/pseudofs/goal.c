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

int goal_follow(const struct pfs_goal *g, struct path *out)
{
    if (g->guarded && !capable() && !has_cap(CAP_CHECKPOINT_RESTORE))
        return -EPERM;
    if (g->file)
        return path_of_file(g->file, out);
    *out = g->path;
    path_get(out);
    return 0;
}
