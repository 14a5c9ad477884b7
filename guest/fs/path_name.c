/* path_name.c - from a name in the tree back to its path.
 * Goes upwards with names_lock only, which guards names and parents, so that it
 * can be asked with any mutex held (/proc/PID/maps has mm.lock). */
#include "fs/path_name.h"
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

/* Fills from the end of buf.  *reached: `root` lies above p. */
static char *climb(const struct path *p, const struct path *root, char *buf, size_t room,
                   bool *reached)
{
    const struct mount *m = p->mnt;
    const struct dentry *d = p->dentry;
    char *at = buf + room;

    if (room == 0)
        return NULL;
    *--at = 0;
    if (d->unlinked)
        at = put_before(buf, at, " (deleted)", 10);
    for (bool named = false; at; named = true) {
        *reached = d == root->dentry && m == root->mnt;
        while (!*reached && m && d == m->root && m->on) {
            d = m->on;
            m = m->parent;
            *reached = d == root->dentry && m == root->mnt;
        }
        if (*reached || d->parent == d) {
            if (!*reached && d->name_len) /* a file that never had a place */
                return put_before(buf, at, d->name, d->name_len);
            return named ? at : put_before(buf, at, "/", 1);
        }
        at = put_before(buf, at, d->name, d->name_len);
        if (at)
            at = put_before(buf, at, "/", 1);
        d = d->parent;
    }
    return NULL;
}

/* climb() up to current's root; *reached: p lies below it. */
static char *climb_to_root(const struct path *p, char *buf, size_t room, bool *reached)
{
    struct path root;
    char *at;

    fs_get_root(&root);
    spin_lock(&names_lock);
    at = climb(p, &root, buf, room, reached);
    spin_unlock(&names_lock);
    path_put(&root);
    return at;
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
        n = ksnprintf(buf, room, "anon_inode:[%s]", type);
    return (size_t)n < room ? buf : NULL;
}
