/* cpio_stored.c - symlinks of the root image before anybody has looked for them.
 * An image has hundreds, one for each applet, and a boot meets a handful.  So a
 * directory keeps a list of those that stand in the archive; one becomes a dentry
 * with an inode when its name is looked up, all of them when the directory is
 * read.  A name is in the list or in the tree, never in both; in the list it may
 * be twice, and then the later one counts.  fs_tree held. */
#include "fs/internal.h"
#include "fs/cpio.h"
#include "lib/string.h"
#include "mm/heap.h"

struct stored { uint64_t key; const char *header; uint32_t name_at, len; };     /* len 0: taken */
struct stored_names {
    struct stored_names *older;
    uint32_t n, room;
    struct stored e[];
};

static size_t names_bytes(uint32_t room)
{
    return sizeof(struct stored_names) + room * sizeof(struct stored);
}

int stored_add(struct dentry *dir, const char *header, const char *name, size_t len)
{
    struct stored_names *s = dir->stored;

    if (!s || s->n == s->room) {
        uint32_t room = s ? (KMALLOC_MAX - sizeof(*s)) / sizeof(struct stored) : 20;

        s = kmalloc(names_bytes(room));
        if (!s)
            return -ENOMEM;
        s->older = dir->stored;
        s->n = 0;
        s->room = room;
        dir->stored = s;
    }
    s->e[s->n++] = (struct stored){ dentry_key(name, len), header, (uint32_t)(name - header), (uint32_t)len };
    return 0;
}

static int into_tree(struct dentry *dir, struct stored *e)
{
    struct cpio_attributes a;
    struct dentry *d;
    struct inode *in = inode_alloc(dir->inode->sb, S_IFLNK | 0777);
    int err;

    if (!in)
        return -ENOMEM;
    cpio_attributes(e->header, &a);
    in->uid = a.uid;
    in->gid = a.gid;
    in->atime = in->mtime = in->ctime = (struct __kernel_timespec){ .tv_sec = a.mtime };
    tmpfs_set_ops(in);
    in->size = a.size;
    in->private = (void *)cpio_data(e->header);
    in->borrowed = 1;           /* its text is not ours to free */
    err = dentry_new(dir, e->header + e->name_at, e->len, in, &d);
    if (err)
        return err;
    dentry_hang(d);
    dentry_put(d);
    return 0;
}

/* The last of that name; all others of it are forgotten. */
static struct stored *find(struct dentry *dir, uint64_t key, const char *name, size_t len)
{
    struct stored *found = NULL;

    for (struct stored_names *s = dir->stored; s; s = s->older)
        for (uint32_t i = s->n; i-- > 0; ) {
            struct stored *e = &s->e[i];

            if (e->key != key || e->len != len || memcmp(e->header + e->name_at, name, len) != 0)
                continue;
            if (found)
                e->len = 0;
            else
                found = e;
        }
    return found;
}

int stored_take(struct dentry *dir, uint64_t key, const char *name, size_t len)
{
    struct stored *e = find(dir, key, name, len);
    int err = e ? into_tree(dir, e) : 0;

    if (e && !err)
        e->len = 0;
    return err;
}

/* The newest first, so that what is in the tree then is what counts. */
int stored_take_all(struct dentry *dir)
{
    while (dir->stored) {
        struct stored_names *s = dir->stored;

        while (s->n) {
            struct stored *e = &s->e[s->n - 1];
            int err = e->len && !dentry_peek(dir, e->header + e->name_at, e->len) ? into_tree(dir, e) : 0;

            if (err)
                return err;
            s->n--;
        }
        dir->stored = s->older;
        kfree(s);
    }
    return 0;
}
