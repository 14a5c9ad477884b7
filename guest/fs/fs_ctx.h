/* fs_ctx.h - where a task is in the tree: working directory, root, umask (CLONE_FS shares them). */
#ifndef FS_FS_CTX_H
#define FS_FS_CTX_H

#include "fs/path.h"
#include "lib/refcount.h"
#include "sync/lock.h"

struct fs_ctx {
    struct refcount users; /* [a] */
    struct spinlock lock;
    struct path cwd, root; /* [lock] */
    uint32_t umask;        /* [lock], read without */
};
struct fs_ctx *fs_ctx_copy(struct fs_ctx *from); /* NULL: no memory */
void fs_ctx_get(struct fs_ctx *c);
void fs_ctx_put(struct fs_ctx *c);
struct fs_ctx *fs_ctx_initial(void);                 /* at / */
void fs_ctx_go(struct fs_ctx *c, struct path *root); /* to that root; takes over its references */
/* Who is at `from` is at `to` from now on.  Others hold `from`, too. */
void fs_ctx_replace(struct fs_ctx *c, const struct path *from, const struct path *to);
void fs_get_root(struct path *out); /* current's, with references */
void fs_get_cwd(struct path *out);

#endif
