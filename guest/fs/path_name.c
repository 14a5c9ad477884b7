/* path_name.c - from a name in the tree back to its path.
 * Goes upwards with names_lock only, which guards names and parents, so that it
 * can be asked with any mutex held (/proc/PID/maps has mm.lock). */
#include "fs/path_name.h"
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/printf.h"
#include "lib/string.h"

static char *put_before(char *buf, char *at, const char *text, size_t len)
{
    if ((size_t)(at - buf) < len)
        return NULL;
    return memcpy(at - len, text, len);
}

#define AT_ONCE   64u /* names with names_lock held */
#define WORK_NAME 70u /* instructions a name, about (arch/preempt.h) */

/* A way up: it fills the buffer from its end. */
struct climb {
    const struct mount *m;
    const struct dentry *d;
    char *buf, *at; /* at NULL: no room */
    bool named, reached;
};

static void climb_begin(struct climb *c, const struct path *p, char *buf, size_t room)
{
    *c = (struct climb){ p->mnt, p->dentry, buf, room > 0 ? buf + room - 1 : NULL, false, false };
    if (c->at)
        *c->at = 0;
    if (c->at && p->dentry->unlinked)
        c->at = put_before(buf, c->at, " (deleted)", 10);
}

/* Some names further up, `root` at most.  True: there are more. */
static bool climb_on(struct climb *c, const struct path *root)
{
    for (unsigned n = 0; n < AT_ONCE && c->at; n++, c->named = true) {
        c->reached = c->d == root->dentry && c->m == root->mnt;
        while (!c->reached && c->m && c->d == c->m->root && c->m->on) {
            c->d = c->m->on;
            c->m = c->m->parent;
            c->reached = c->d == root->dentry && c->m == root->mnt;
        }
        if (c->reached || c->d->parent == c->d) {
            if (!c->reached && c->d->name_len) /* a file that never had a place */
                c->at = put_before(c->buf, c->at, c->d->name, c->d->name_len);
            else if (!c->named)
                c->at = put_before(c->buf, c->at, "/", 1);
            return false;
        }
        c->at = put_before(c->buf, c->at, c->d->name, c->d->name_len);
        if (c->at)
            c->at = put_before(c->buf, c->at, "/", 1);
        c->d = c->d->parent;
    }
    return c->at != NULL;
}

/* Up to a root; *reached: p lies below it.  While no name changes, what lies above p
 * stays, since each name holds its parent; so others may run in between, and if one has
 * changed then, we begin again. */
char *path_name_below(const struct path *root, const struct path *p, char *buf, size_t room,
                      bool *reached)
{
    struct climb c;

    spin_lock(&names_lock);
    uint32_t changes = names_changes;
    climb_begin(&c, p, buf, room);
    while (climb_on(&c, root)) {
        spin_unlock(&names_lock);
        preempt_work(AT_ONCE * WORK_NAME);
        spin_lock(&names_lock);
        if (changes != names_changes) {
            changes = names_changes;
            climb_begin(&c, p, buf, room);
        }
    }
    spin_unlock(&names_lock);
    *reached = c.reached;
    return c.at;
}

static char *climb_to_root(const struct path *p, char *buf, size_t room, bool *reached)
{
    struct path root;

    fs_get_root(&root);
    char *name = path_name_below(&root, p, buf, room, reached);
    path_put(&root);
    return name;
}

char *path_name(const struct path *p, char *buf, size_t room)
{
    bool reached = false;
    return climb_to_root(p, buf, room, &reached);
}

/* For getcwd(2): "(unreachable)" in front if p does not lie below the root. */
char *path_name_reachable(const struct path *p, char *buf, size_t room)
{
    bool reached = false;
    char *at = climb_to_root(p, buf, room, &reached);

    return at && !reached ? put_before(buf, at, "(unreachable)", 13) : at;
}

void file_last_name(struct file *f, char *buf, size_t room)
{
    const char *name;

    spin_lock(&names_lock);
    name = f->path.dentry->name;
    strlcpy(buf, *name == '/' ? name + 1 : name, room); /* "/memfd:x" has no directory */
    spin_unlock(&names_lock);
}

char *file_name(struct file *f, char *buf, size_t room)
{
    const char *type = f->inode->sb->type;
    int n;

    if (f->path.dentry)
        return path_name(&f->path, buf, room);
    if (strcmp(type, "pipefs") == 0 || strcmp(type, "sockfs") == 0)
        n = ksnprintf(buf, room, "%.*s:[%llu]", *type == 'p' ? 4 : 6,
                      *type == 'p' ? "pipe" : "socket", (unsigned long long)f->inode->ino);
    else
        n = ksnprintf(buf, room, "anon_inode:%s", type);
    return (size_t)n < room ? buf : NULL;
}
