/* path.c - from a path name to a name in the tree.
 *
 * The walk runs over text that may come from several places: the path, and the
 * targets of the symlinks in it.  While a symlink in the middle of a text is
 * being walked, what is left of the text around it waits in w->outer; a symlink
 * at the end of its text simply replaces it.  So depth is bounded by the number
 * of links, and that by PATH_LINKS_MAX (-ELOOP); nothing recurses.
 *
 * A walk that must not leave its starting point (WALK_BENEATH, WALK_IN_ROOT) has that for
 * w->root, where ".." ends: as nothing moves meanwhile, that is all there is to it.
 *
 * fs_tree is held from the first component to the last, so names stay where they
 * are, and so do the texts of tmpfs symlinks.  User memory is read before. */
#include "fs/path.h"
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/path_name.h"
#include "fs/protect.h"
#include "fs/mount.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/heap.h"

void path_get(const struct path *p)
{
    if (p->mnt)
        mount_get(p->mnt);
    if (p->dentry)
        dentry_get(p->dentry);
}

/* The name first: a mount's last put may free all names below it. */
void path_put(struct path *p)
{
    if (p->dentry)
        dentry_put(p->dentry);
    if (p->mnt)
        mount_put(p->mnt);
    p->mnt = NULL;
    p->dentry = NULL;
}

static void walk_to(struct walker *w, const struct path *p)
{
    path_get(p);
    path_put(&w->at);
    w->at = *p;
}

int path_of_file(struct file *f, struct path *out)
{
    char name[32];
    const char *text;

    *out = f->path;
    if (out->dentry) {
        path_get(out);
        return 0;
    }
    text = file_name(f, name, sizeof name);
    inode_get(f->inode);
    out->mnt = NULL;
    return dentry_new(NULL, text ? text : "", text ? strlen(text) : 0, f->inode, &out->dentry);
}

/* --- begin and end --- */

int walk_start(struct walker *w, int dfd, const char *text, size_t len, uint32_t flags)
{
    memset(w, 0, sizeof(*w));
    if (!len && !(flags & WALK_EMPTY))
        return -ENOENT;
    w->resolve = flags & WALK_RESOLVE;
    fs_get_root(&w->root);
    w->rest = text;
    w->end = text + len;
    if (len && *text == '/' && !(w->resolve & WALK_SCOPED)) {
        w->at = w->root;
        path_get(&w->at);
    } else if (len && *text == '/' && w->resolve & WALK_BENEATH) {
        path_put(&w->root);
        return -EXDEV;
    } else if (dfd == AT_FDCWD) {
        fs_get_cwd(&w->at);
    } else {
        struct file *f = fd_get(dfd);
        int err = 0;

        if (!f)
            err = -EBADF;
        else if (len && !is_dir(f->inode))
            err = -ENOTDIR;
        if (err == 0)
            err = path_of_file(f, &w->at);
        if (f)
            file_put(f);
        if (err)
            path_put(&w->root);
        if (err)
            return err;
    }
    if (w->resolve & WALK_SCOPED) {
        path_put(&w->root);
        w->root = w->at;
        path_get(&w->root);
    }
    return 0;
}

void walk_end(struct walker *w)
{
    path_put(&w->at);
    path_put(&w->root);
    kfree(w->outer);
    while (w->texts) {
        struct walk_text *t = w->texts;

        w->texts = t->next;
        kfree(t);
    }
}

/* --- one step --- */

/* Down to what is mounted on w->at, if anything is. */
static int cross_mounts(struct walker *w)
{
    struct mount *m;
    int err = mount_waiting(w->at.dentry);

    if (err)
        return err;
    while (w->at.dentry->mounted && (m = mount_on(w->at.mnt, w->at.dentry)) != NULL) {
        if (w->resolve & WALK_NO_XDEV)
            return -EXDEV;
        m->crossings++;
        walk_to(w, &(struct path){ m, m->root });
    }
    return 0;
}

static int step_up(struct walker *w)
{
    struct path p = w->at;
    int at_top = w->resolve & WALK_BENEATH ? -EXDEV : 0;

    if (p.dentry == w->root.dentry && p.mnt == w->root.mnt)
        return at_top;
    while (p.dentry == p.mnt->root) { /* from the root of a mount to what it covers */
        if (!p.mnt->on)
            return at_top;
        if (w->resolve & WALK_NO_XDEV)
            return -EXDEV;
        p = (struct path){ p.mnt->parent, p.mnt->on };
        if (p.dentry == w->root.dentry && p.mnt == w->root.mnt) {
            walk_to(w, &p);
            return at_top;
        }
    }
    p.dentry = p.dentry->parent;
    walk_to(w, &p);
    return cross_mounts(w);
}

/* The target of symlink `in` as text, which lasts until the walk ends. */
static int link_text(struct walker *w, struct inode *in, const char **text, size_t *len)
{
    struct walk_text *t;
    long n;

    if (!in->ops->readlink) {
        *text = in->private;
        *len = in->size;
        return 0;
    }
    t = kmalloc(KMALLOC_MAX);
    if (!t)
        return -ENOMEM;
    t->next = w->texts;
    w->texts = t;
    n = in->ops->readlink(in, t->text, KMALLOC_MAX - sizeof(*t));
    *text = t->text;
    *len = n < 0 ? 0 : (size_t)n;
    return n < 0 ? (int)n : 0;
}

/* The text of a symlink comes next, then what is left of the present one. */
static int push_text(struct walker *w, const char *text, size_t len)
{
    if (!len)
        return -ENOENT;
    while (w->rest < w->end && *w->rest == '/')
        w->rest++;
    if (w->rest < w->end) {
        if (!w->outer)
            w->outer = kmalloc(PATH_LINKS_MAX * sizeof(*w->outer));
        if (!w->outer)
            return -ENOMEM;
        w->outer[w->depth++] = (struct walk_rest){ w->rest, w->end };
    }
    w->rest = text;
    w->end = text + len;
    if (*text == '/') {
        if (w->resolve & WALK_BENEATH || (w->resolve & WALK_NO_XDEV && w->at.mnt != w->root.mnt))
            return -EXDEV;
        walk_to(w, &w->root);
    }
    return 0;
}

/* A link of /proc leads to `to`, wherever that is. */
static int may_jump(const struct walker *w, const struct path *to)
{
    if (w->resolve & WALK_NO_MAGIC)
        return -ELOOP;
    if (w->resolve & WALK_SCOPED || (w->resolve & WALK_NO_XDEV && to->mnt != w->at.mnt))
        return -EXDEV;
    return 0;
}

/* Nothing but slashes after the present component? */
static bool at_last(struct walker *w)
{
    const char *p = w->rest;

    if (w->depth)
        return false;
    while (p < w->end && *p == '/')
        p++;
    if (p < w->end)
        return false;
    w->slash |= p > w->rest;
    return true;
}

static int follow_link(struct walker *w, struct inode *in)
{
    const char *text;
    size_t len;
    int err;

    if (++w->links > PATH_LINKS_MAX)
        return -ELOOP;
    err = protect_follow(w->at.dentry->inode, in);
    if (err && at_last(w))
        return err;
    if (w->resolve & WALK_NO_SYMLINKS || (w->at.mnt && w->at.mnt->flags & MS_NOSYMFOLLOW))
        return -ELOOP;
    if (in->ops->follow) {
        struct path to = { 0 };

        err = in->ops->follow(in, &to);
        if (err)
            return err;
        err = may_jump(w, &to);
        if (!err) {
            struct path from = w->at;

            w->at = to;
            to = from;
        }
        path_put(&to);
        return err;
    }
    err = link_text(w, in, &text, &len);
    return err ? err : push_text(w, text, len);
}

/* To the child of that name; a symlink is followed if asked. */
static int step_down(struct walker *w, const char *name, size_t len, uint32_t flags)
{
    struct dentry *d;
    int err;

    if (len > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    err = dentry_find(w->at.dentry, name, len, &d);
    if (err)
        return err;
    if (flags & WALK_FOLLOW && S_ISLNK(d->inode->mode)) {
        err = follow_link(w, d->inode);
        dentry_put(d);
        return err;
    }
    dentry_put(w->at.dentry);
    w->at.dentry = d;
    return unlikely(d->mounted) ? cross_mounts(w) : 0;
}

/* --- the walk --- */

static enum last_kind kind_of(const char *name, size_t len)
{
    if (name[0] != '.' || len > 2)
        return LAST_NAME;
    if (len == 1)
        return LAST_DOT;
    return name[1] == '.' ? LAST_DOTDOT : LAST_NAME;
}

/* Instructions a component and a slash, about (arch/preempt.h).  Who waits for fs_tree
 * meanwhile sleeps. */
#define WORK_STEP 200u
#define WORK_BYTE 10u

/* The next component of the text: w->last, w->last_len.  False: none is left. */
static bool next_component(struct walker *w)
{
    const char *p = w->rest, *from;

    for (;;) {
        from = p;
        while (p < w->end && *p == '/')
            p++;
        if (p < w->end)
            break;
        if (!w->depth)
            return false;
        w->depth--;
        p = w->outer[w->depth].at;
        w->end = w->outer[w->depth].end;
    }
    preempt_work(WORK_STEP + WORK_BYTE * (uint32_t)(p - from));
    w->last = p;
    while (p < w->end && *p != '/')
        p++;
    w->last_len = (size_t)(p - w->last);
    w->kind = kind_of(w->last, w->last_len);
    w->rest = p;
    return true;
}

int walk_parent(struct walker *w)
{
    for (;;) {
        struct inode *dir = w->at.dentry->inode;
        int err;

        if (!next_component(w)) {
            w->kind = LAST_ROOT; /* "/", or a magic link that led here */
            return 0;
        }
        if (!is_dir(dir))
            return -ENOTDIR;
        err = inode_permission(dir, MAY_EXEC);
        if (err || at_last(w))
            return err;
        if (w->kind == LAST_DOTDOT)
            err = step_up(w);
        else if (w->kind == LAST_NAME)
            err = step_down(w, w->last, w->last_len, WALK_FOLLOW);
        if (err)
            return err;
    }
}

int walk_last(struct walker *w, uint32_t flags, bool *missing)
{
    int err;

    *missing = false;
    for (;;) {
        err = walk_parent(w);
        if (err)
            return err;
        if (w->kind != LAST_NAME) {
            err = w->kind == LAST_DOTDOT ? step_up(w) : 0;
            if (err)
                return err;
            break;
        }
        uint32_t links = w->links;
        err = step_down(w, w->last, w->last_len, w->slash ? WALK_FOLLOW : flags);
        if (err) {
            *missing = err == -ENOENT && links == w->links;
            return err;
        }
        if (links == w->links) /* not a symlink, or not followed */
            break;
    }
    if ((w->slash || flags & WALK_DIRECTORY) && !is_dir(w->at.dentry->inode))
        return -ENOTDIR;
    return 0;
}

int path_lookup(int dfd, const char *text, size_t len, uint32_t flags, struct path *out)
{
    struct walker w;
    bool missing;
    int err = walk_start(&w, dfd, text, len, flags);

    if (err)
        return err;
    mutex_lock(&fs_tree);
    err = walk_last(&w, flags, &missing);
    mutex_unlock(&fs_tree);
    if (err == 0) {
        *out = w.at;
        w.at = (struct path){ 0 };
    }
    walk_end(&w);
    return err;
}

/* --- names from user space --- */

void name_put(struct user_name *n)
{
    if (n->text != n->own) {
        kfree(n->text);
        name_empty(n);
    }
}

int name_get(struct user_name *n, uaddr_t from)
{
    long len = strncpy_from_user(n->own, from, sizeof(n->own));

    n->text = n->own;
    if (len == -ENAMETOOLONG) {
        n->text = kmalloc(PATH_MAX_BYTES);
        len = n->text ? strncpy_from_user(n->text, from, PATH_MAX_BYTES) : -ENOMEM;
    }
    if (len < 0) {
        name_put(n);
        name_empty(n);
        return (int)len;
    }
    n->len = (size_t)len;
    return 0;
}

int path_lookup_user(int dfd, uaddr_t name, uint32_t flags, struct path *out)
{
    struct user_name n;
    int err = name_get(&n, name);

    if (err)
        return err;
    err = path_lookup(dfd, n.text, n.len, flags, out);
    name_put(&n);
    return err;
}
