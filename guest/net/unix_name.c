/* unix_name.c - names of sockets: in the tree of files, or abstract.
 *
 * A bound socket stands in a table until it ends, by the inode of its node or by the bytes of its
 * abstract name.  The node in the tree is only a signpost: it stays when the socket ends, and
 * connecting to it is refused then. */
#include "fs/dentry.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/unix.h"
#include "sched/task.h"

#define PATH_AT offsetof(struct sockaddr_un, sun_path)
#define BUCKETS 64u

static struct list buckets[BUCKETS]; /* [u] */

static struct list *bucket(const struct inode *in, const char *name, uint32_t len)
{
    uint64_t h = (uintptr_t)in >> 6;

    for (uint32_t i = 0; in == NULL && i < len; i++)
        h = h * 31 + (uint8_t)name[i];
    struct list *b = &buckets[h % BUCKETS];
    if (b->next == NULL)
        list_init(b);
    return b;
}

int unix_check_name(const struct sockaddr_un *a, int len)
{
    return len <= (int)PATH_AT || len > (int)sizeof(*a) || a->sun_family != AF_UNIX ? -EINVAL : 0;
}

void unix_name_put(struct unix_name *n)
{
    if (!ref_put(&n->refs))
        return;
    if (n->inode != NULL)
        inode_put(n->inode);
    kfree(n);
}

int unix_name_out(const struct unix_name *n, struct sockaddr_un *a)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    if (n == NULL)
        return (int)PATH_AT;
    memcpy(a->sun_path, n->path, MIN(n->len, (uint32_t)sizeof(a->sun_path)));
    return (int)(PATH_AT + n->len);
}

/* --- binding ---------------------------------------------------------------------------- */

static struct unix_socket *find_abstract(const char *name, uint32_t len, int type)
{
    struct unix_socket *s;

    list_for_each(s, bucket(NULL, name, len), name_link)
        if (s->name->inode == NULL && s->type == type && s->name->len == len &&
            memcmp(s->name->path, name, len) == 0)
            return s;
    return NULL;
}

/* Gives s that name, which is taken over, also on failure. */
static int give_name(struct unix_socket *s, struct unix_name *n)
{
    int err = 0;

    spin_lock(&unix_lock);
    if (s->name != NULL)
        err = -EINVAL;
    else if (n->inode == NULL && find_abstract(n->path, n->len, s->type) != NULL)
        err = -EADDRINUSE;
    if (err == 0) {
        s->name = n;
        list_push_back(bucket(n->inode, n->path, n->len), &s->name_link);
    }
    spin_unlock(&unix_lock);
    if (err != 0)
        unix_name_put(n);
    return err;
}

void unix_unbind(struct unix_socket *s) { list_remove(&s->name_link); }

/* A new node in the tree; *in with a reference. */
static int make_node(const char *text, size_t len, struct inode **in)
{
    struct new_node node = { .mode = S_IFSOCK | (0777 & ~current->fs->umask) };
    struct dentry *d = NULL;
    struct walker w;
    int err = walk_start(&w, AT_FDCWD, text, len, 0);

    if (err != 0)
        return err;
    mutex_lock(&fs_tree);
    err = walk_parent(&w);
    if (err == 0 && w.kind != LAST_NAME)
        err = -EEXIST;
    if (err == 0 && w.last_len > NAME_MAX_BYTES)
        err = -ENAMETOOLONG;
    if (err == 0) {
        err = dentry_find(w.at.dentry, w.last, w.last_len, &d);
        if (err == 0)
            dentry_put(d);
        err = err == 0                                                     ? -EEXIST
              : err == -ENOENT && !w.slash && on_tmpfs(w.at.dentry->inode) ? 0
                                                                           : err;
    }
    if (err == 0)
        err = tmpfs_create(&w.at, w.last, w.last_len, &node, &d);
    if (err == 0) {
        *in = d->inode;
        inode_get(*in);
        dentry_put(d);
    }
    mutex_unlock(&fs_tree);
    walk_end(&w);
    return err == -EEXIST ? -EADDRINUSE : err;
}

static struct unix_name *name_alloc(const char *bytes, uint32_t len)
{
    struct unix_name *n = kzalloc(sizeof(*n));

    if (n == NULL)
        return NULL;
    ref_init(&n->refs, 1);
    n->len = len;
    memcpy(n->path, bytes, len);
    return n;
}

/* Five digits of a number that nobody has. */
int unix_autobind(struct unix_socket *s)
{
    static uint32_t last; /* [u]; a hint is enough */
    char text[8];
    int err;

    do {
        ksnprintf(text + 1, sizeof(text) - 1, "%05x",
                  __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) & 0xfffff);
        text[0] = 0;
        struct unix_name *n = name_alloc(text, 6);
        if (n == NULL)
            return -ENOMEM;
        err = give_name(s, n);
    } while (err == -EADDRINUSE && !signal_pending(current));
    return s->name != NULL ? 0 : err;
}

static bool is_there(const struct sockaddr_un *a, int len)
{
    struct path p;
    size_t n = strnlen(a->sun_path, (size_t)len - PATH_AT);
    bool is = path_lookup(AT_FDCWD, a->sun_path, n, 0, &p) == 0;

    if (is)
        path_put(&p);
    return is;
}

int unix_bind(struct unix_socket *s, const struct sockaddr_un *a, int len)
{
    if (len == (int)PATH_AT && a->sun_family == AF_UNIX)
        return unix_autobind(s);
    int err = unix_check_name(a, len);
    if (err != 0)
        return err;
    if (s->name != NULL) /* Linux makes the node first */
        return a->sun_path[0] != 0 && is_there(a, len) ? -EADDRINUSE : -EINVAL;
    size_t n = (size_t)len - PATH_AT;
    bool abstract = a->sun_path[0] == 0;
    if (!abstract)
        n = strnlen(a->sun_path, n) + 1; /* the NUL may be missing, and counts */
    struct unix_name *name = name_alloc("", 0);
    if (name == NULL)
        return -ENOMEM;
    memcpy(name->path, a->sun_path, abstract ? n : n - 1);
    name->len = (uint32_t)n;
    if (!abstract)
        err = make_node(name->path, n - 1, &name->inode);
    if (err == 0)
        return give_name(s, name);
    unix_name_put(name);
    return err;
}

/* --- finding ------------------------------------------------------------------------------ */

static struct unix_socket *by_inode(const struct inode *in)
{
    struct unix_socket *s, *found = NULL;

    spin_lock(&unix_lock);
    list_for_each(s, bucket(in, NULL, 0), name_link)
        if (s->name->inode == in) {
            found = s;
            unix_get(s);
            break;
        }
    spin_unlock(&unix_lock);
    return found;
}

static int find_in_tree(const struct sockaddr_un *a, size_t n, int type, struct unix_socket **out)
{
    char text[UNIX_PATH_MAX + 1];
    struct path p;

    n = strnlen(a->sun_path, n);
    memcpy(text, a->sun_path, n);
    text[n] = 0;
    int err = path_lookup(AT_FDCWD, text, n, WALK_FOLLOW, &p);
    if (err != 0)
        return err;
    struct inode *in = p.dentry->inode;
    err = inode_permission(in, MAY_WRITE);
    *out = err == 0 && S_ISSOCK(in->mode) ? by_inode(in) : NULL;
    path_put(&p);
    if (err != 0)
        return err;
    if (*out == NULL)
        return -ECONNREFUSED;
    if ((*out)->type == type)
        return 0;
    unix_put(*out);
    return -EPROTOTYPE;
}

int unix_find(const struct sockaddr_un *a, int len, int type, struct unix_socket **out)
{
    size_t n = (size_t)len - PATH_AT;

    if (a->sun_path[0] != 0)
        return find_in_tree(a, n, type, out);
    spin_lock(&unix_lock);
    *out = find_abstract(a->sun_path, (uint32_t)n, type);
    if (*out != NULL)
        unix_get(*out);
    spin_unlock(&unix_lock);
    return *out != NULL ? 0 : -ECONNREFUSED;
}
