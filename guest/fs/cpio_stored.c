/* cpio_stored.c - symlinks of the root image before anybody has looked for them.
 * An image has hundreds, one for each applet, and a boot meets a handful.  Our
 * packer writes those of a directory as a run: sorted entries of one length
 * (images/cpio.c).  So boot skips a run, the directory remembers where it is, and a
 * name is found by bisection in the archive itself.  A link becomes a dentry with
 * an inode when its name is looked up, all of them when the directory is read.
 *
 * A name is in the run or in the tree, never in both: `taken` says which links
 * have gone.  The run's mark may lie: each entry is read as if it were an archive
 * of its own, and one that is no symlink does not exist.  fs_tree held. */
#include "fs/cpio_stored.h"
#include "fs/cpio.h"
#include "fs/cpio_tree.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/stored.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

static bool is_taken(const struct stored_run *s, uint32_t i)
{
    return s->taken[i / 8] >> i % 8 & 1;
}
static void set_taken(struct stored_run *s, uint32_t i)
{
    s->taken[i / 8] |= (uint8_t)(1u << i % 8);
}

static const char *header(const struct cpio_run *r, uint32_t i)
{
    return r->first + (size_t)i * r->bytes;
}

/* <, =, > 0: the name sorts before, is, sorts behind the one at p, which has a NUL
 * somewhere and eight bytes that may be read.  A lie may bring any bytes there. */
static int compare(uint64_t key, const char *name, size_t len, const char *p)
{
    uint64_t there = dentry_key(p, 8);
    int c = 0;

    if (len < 8) /* what follows a short name are NULs, in the key and there */
        return key < there ? -1 : key > there;
    if (key != there)
        return key < there ? -1 : 1;
    if (len > 8)
        c = memcmp(name + 8, p + 8, len - 8);
    return c ? c : -(p[len] != '\0');
}

/* Which entry has the name, or -1. */
static int find(const struct stored_run *s, uint64_t key, const char *name, size_t len)
{
    const struct cpio_run *r = &s->run;
    uint32_t low = 0, high = r->n;

    if (r->name_at + len >= r->bytes) /* longer than any in it */
        return -1;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int c = compare(key, name, len, header(r, mid) + r->name_at);

        if (c == 0)
            return is_taken(s, mid) ? -1 : (int)mid;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return -1;
}

int symlink_inode(struct superblock *sb, const struct cpio_entry *e, struct inode **out)
{
    struct cpio_attributes a;
    struct inode *in = inode_alloc(sb, S_IFLNK | 0777);

    if (!in)
        return -ENOMEM;
    cpio_attributes(e->header, &a);
    in->uid = a.uid;
    in->gid = a.gid;
    in->atime = in->mtime = in->ctime = (struct __kernel_timespec){ .tv_sec = a.mtime };
    tmpfs_set_ops(in);
    in->size = e->size;
    in->private = (void *)e->data;
    in->borrowed = 1; /* its text is not ours to free */
    *out = in;
    return 0;
}

/* Entries of a run that lies may be another directory's. */
static bool name_is_good(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] == '/')
            return false;
    return len <= NAME_MAX_BYTES && !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/* Entry i as a dentry, unless it is no symlink. */
static int into_tree(struct dentry *dir, struct stored_run *s, uint32_t i)
{
    uint32_t name_at = s->run.name_at;
    struct cpio_reader r;
    struct cpio_entry e;
    struct inode *in;
    struct dentry *d;
    int err;

    cpio_open(&r, header(&s->run, i), s->run.bytes);
    if (cpio_next(&r, &e) == 1 && e.header + name_at < e.name + e.name_len && cpio_is_symlink(&e) &&
        name_is_good(e.header + name_at, (size_t)(e.name + e.name_len - e.header) - name_at)) {
        err = symlink_inode(dir->inode->sb, &e, &in);
        if (err)
            return err;
        err = dentry_new(dir, e.header + name_at,
                         (size_t)(e.name + e.name_len - e.header) - name_at, in, &d);
        if (err)
            return err;
        if (dentry_hang_unless(d))
            dentry_put(d); /* twice in the run, which is not sorted then */
    }
    set_taken(s, i);
    return 0;
}

static struct stored_run *run_of(struct dentry *dir)
{
    return container_of(dir->stored, struct stored_run, head);
}

static int take(struct dentry *dir, uint64_t key, const char *name, size_t len)
{
    struct stored_run *s = run_of(dir);
    int i = find(s, key, name, len);

    return i < 0 ? 0 : into_tree(dir, s, (uint32_t)i);
}

static int take_all(struct dentry *dir)
{
    struct stored_run *s = run_of(dir);

    for (uint32_t i = 0; i < s->run.n; i++) {
        int err = is_taken(s, i) ? 0 : into_tree(dir, s, i);

        if (err)
            return err;
    }
    dir->stored = NULL;
    kfree(s);
    return 0;
}

const struct stored_ops cpio_stored_ops = { take, take_all };

/* The run's links are younger than what is there, but a directory with something in it stays. */
int stored_add(struct dentry *dir, const struct cpio_run *run)
{
    struct stored_run *s = kzalloc(sizeof(*s) + (run->n + 7) / 8);
    struct dentry *d, *next;
    int i, err = dir->stored ? dir->stored->ops->take_all(dir) : 0;

    if (!s || err) {
        kfree(s);
        return -ENOMEM;
    }
    s->head.ops = &cpio_stored_ops;
    s->run = *run;
    list_for_each_safe(d, next, &dir->by_order, sibling)
        if ((i = find(s, d->key, d->name, d->name_len)) >= 0 && !dentry_replace(d))
            set_taken(s, (uint32_t)i);
    dir->stored = &s->head;
    return 0;
}
