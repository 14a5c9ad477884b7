/* fs_ctx.c - what chdir, chroot and umask change, shared by CLONE_FS. */
#include "fs/fs_ctx.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "mm/heap.h"
#include "sched/task.h"

static struct fs_ctx *ctx_new(const struct path *cwd, const struct path *root, uint32_t umask)
{
    struct fs_ctx *c = kmalloc(sizeof(*c));

    if (!c)
        return NULL;
    *c = (struct fs_ctx){ .users = { 1 },
                          .lock = SPINLOCK_INIT(LOCK_fs_ctx),
                          .cwd = *cwd,
                          .root = *root,
                          .umask = umask };
    path_get(&c->cwd);
    path_get(&c->root);
    return c;
}

struct fs_ctx *fs_ctx_copy(struct fs_ctx *from)
{
    struct fs_ctx *c;

    spin_lock(&from->lock);
    c = ctx_new(&from->cwd, &from->root, from->umask);
    spin_unlock(&from->lock);
    return c;
}

struct fs_ctx *fs_ctx_initial(void)
{
    struct path top = { first_mount_ns.root, first_mount_ns.root->root };

    return ctx_new(&top, &top, 022);
}

void fs_ctx_go(struct fs_ctx *c, struct path *to)
{
    path_get(to); /* for both */
    spin_lock(&c->lock);
    struct path cwd = c->cwd, root = c->root;
    c->cwd = c->root = *to;
    spin_unlock(&c->lock);
    path_put(&cwd);
    path_put(&root);
}

static void replace(struct path *p, const struct path *from, const struct path *to)
{
    if (p->mnt != from->mnt || p->dentry != from->dentry)
        return;
    path_get(to);
    path_put(p);
    *p = *to;
}

void fs_ctx_replace(struct fs_ctx *c, const struct path *from, const struct path *to)
{
    spin_lock(&c->lock);
    replace(&c->root, from, to);
    replace(&c->cwd, from, to);
    spin_unlock(&c->lock);
}

void fs_ctx_get(struct fs_ctx *c) { ref_get(&c->users); }

void fs_ctx_put(struct fs_ctx *c)
{
    if (!ref_put(&c->users))
        return;
    path_put(&c->cwd);
    path_put(&c->root);
    kfree(c);
}

enum place { CWD, ROOT };

/* A kernel thread has no context: it is at the root. */
static void ctx_path(enum place place, struct path *out)
{
    struct fs_ctx *c = current->fs;

    if (!c) {
        *out = (struct path){ first_mount_ns.root, first_mount_ns.root->root };
        path_get(out);
        return;
    }
    spin_lock(&c->lock);
    *out = place == ROOT ? c->root : c->cwd;
    path_get(out);
    spin_unlock(&c->lock);
}

void fs_get_root(struct path *out) { ctx_path(ROOT, out); }

void fs_get_cwd(struct path *out) { ctx_path(CWD, out); }
