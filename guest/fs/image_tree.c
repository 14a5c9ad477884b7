/* image_tree.c - a tmpfs's tree out of a root image with an index.
 *
 * Nothing is made of the image at boot.  A name becomes a dentry with an inode when somebody looks it
 * up, found by bisection among its directory's entries; all of a directory's names do when it is
 * read.  From then on they are a tmpfs's like any other, so every change is made as there: the index
 * is only where names come from.  `taken` marks in it which have gone, also those that a later archive
 * has replaced.
 *
 * A file's pages are lent, as those of an archive are (pages_io.c): the frames lie where the VMM has
 * mapped the host's file, copy on write, so a guest's store stays its own.  The direct map reaches an
 * image's data only as far as files are used.
 *
 * The index is believed as much as an archive: numbers are checked against their tables where they
 * are used, and what does not fit does not exist.  So a damaged one gives a tree with holes, and no
 * address outside of the image. */
#include "fs/image_tree.h"
#include "arch/preempt.h"
#include "fs/cpio_tree.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include "fs/stored.h"
#include "fs/tmpfs.h"
#include "fs/xattr.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kmap.h"
#include "shared/root_index.h"

#define WORK_NAME 1000u /* instructions to make one, about (arch/preempt.h) */

struct image_tree image_tree;

static bool text_at(uint64_t at, uint64_t n)
{
    return n <= image_tree.text_bytes && at <= image_tree.text_bytes - n;
}

/* --- inodes ------------------------------------------------------------------------------ */

/* Lends the file's pages, if they are pages of the image. */
static int lend_pages(struct inode *in, const struct root_inode *r)
{
    uint64_t n = page_up(r->size) >> PAGE_SHIFT;

    if (n == 0)
        return 0;
    if (r->size > FILE_SIZE_MAX || n > image_tree.data_pages || r->at > image_tree.data_pages - n ||
        n > UINT32_MAX)
        return -EINVAL;
    in->borrowed = image_tree.data + (pfn_t)r->at;
    in->borrowed_pages = (uint32_t)n;
    in->private = (void *)r; /* pages_io.c asks it what is lost */
    in->npages = n;
    in->size = r->size;
    paddr_t start = (paddr_t)in->borrowed << PAGE_SHIFT;
    return kmap_direct_part(start, start + (n << PAGE_SHIFT));
}

static int set_contents(struct inode *in, const struct root_inode *r)
{
    if (S_ISREG(r->mode))
        return lend_pages(in, r);
    if (!S_ISLNK(r->mode))
        return 0;
    if (r->size > ROOT_LINK_MAX || !text_at(r->at, r->size + 1) ||
        strnlen(image_tree.text + r->at, r->size + 1) != r->size)
        return -EINVAL;
    in->private = (void *)(image_tree.text + r->at);
    in->borrowed = 1; /* its text is not ours to free */
    in->size = r->size;
    return 0;
}

/* Few files have any, most images none. */
static int set_xattrs(struct inode *in, uint32_t number)
{
    uint64_t low = 0, high = image_tree.nxattrs;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        const struct root_xattrs *x = &image_tree.xattrs[mid];

        if (x->inode == number)
            return text_at(x->at, x->bytes)
                       ? xattr_from_index(in, image_tree.text + x->at, x->bytes)
                       : 0;
        if (number < x->inode)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

static int make_inode(struct superblock *sb, const struct root_inode *r, struct inode **out)
{
    struct inode *in = inode_alloc(sb, r->mode);
    int err;

    if (!in)
        return -ENOMEM;
    in->uid = r->uid;
    in->gid = r->gid;
    in->rdev = r->rdev;
    in->atime = in->mtime = in->ctime =
        (struct __kernel_timespec){ .tv_sec = r->mtime, .tv_nsec = r->mtime_ns };
    tmpfs_set_ops(in);
    in->nlink = r->nlink;
    if (is_dir(in))
        in->size += 20ull * r->count;
    err = set_contents(in, r);
    if (!err)
        err = set_xattrs(in, (uint32_t)(r - image_tree.inode));
    if (err) {
        inode_put(in);
        return err;
    }
    *out = in;
    return 0;
}

static struct rb_node **link_place(uint32_t number, struct rb_node **parent)
{
    struct rb_node **at = &image_tree.links.node;

    *parent = NULL;
    while (*at && rb_entry(*at, struct image_link, node)->inode != number) {
        *parent = *at;
        at = number < rb_entry(*at, struct image_link, node)->inode ? &(*at)->left : &(*at)->right;
    }
    return at;
}

/* The inode of a file with several names, for one more of them. */
static int linked_inode(struct superblock *sb, uint32_t number, struct inode **out)
{
    const struct root_inode *r = &image_tree.inode[number];
    struct rb_node *parent, **at = link_place(number, &parent);
    struct image_link *l = *at ? rb_entry(*at, struct image_link, node) : NULL;
    int err;

    if (!l) {
        l = kmalloc(sizeof(*l));
        if (!l)
            return -ENOMEM;
        *l = (struct image_link){ .inode = number, .left = r->nlink };
        err = make_inode(sb, r, &l->in);
        if (err) {
            kfree(l);
            return err;
        }
        rb_insert(&image_tree.links, parent, at, &l->node);
    }
    *out = l->in;
    inode_get(l->in);
    if (--l->left == 0) {
        rb_erase(&image_tree.links, &l->node);
        inode_put(l->in);
        kfree(l);
    }
    return 0;
}

/* --- names ------------------------------------------------------------------------------- */

/* The names below a directory whose dentry is new. */
static int store_names(struct dentry *d, const struct root_inode *r)
{
    struct image_dir *s;

    if (r->count == 0)
        return 0;
    if (r->count > image_tree.entries || r->at > image_tree.entries - r->count)
        return -EINVAL;
    s = kmalloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct image_dir){ { &image_tree_ops }, (uint32_t)r->at, r->count };
    d->stored = &s->head;
    return 0;
}

static bool name_is_good(const struct root_entry *e)
{
    const char *name = image_tree.text + e->name;

    if (e->len == 0 || e->len > ROOT_NAME_MAX || !text_at(e->name, e->len))
        return false;
    for (uint16_t i = 0; i < e->len; i++)
        if (name[i] == 0 || name[i] == '/')
            return false;
    return !(name[0] == '.' && (e->len == 1 || (e->len == 2 && name[1] == '.')));
}

/* The entry as a dentry in the tree.  0, -ENOMEM, or -EINVAL: it cannot be. */
static int make_name(struct dentry *dir, const struct root_entry *e)
{
    struct superblock *sb = dir->inode->sb;
    const struct root_inode *r;
    struct inode *in;
    struct dentry *d;
    int err;

    if (e->inode == ROOT_TOP || e->inode >= image_tree.inodes || !name_is_good(e))
        return -EINVAL;
    r = &image_tree.inode[e->inode];
    if (r->nlink > 1 && !S_ISDIR(r->mode))
        err = linked_inode(sb, e->inode, &in);
    else
        err = make_inode(sb, r, &in);
    if (!err)
        err = dentry_new(dir, image_tree.text + e->name, e->len, in, &d);
    if (err)
        return err;
    if (is_dir(in) && (err = store_names(d, r)) != 0) {
        dentry_put(d);
        return err;
    }
    if (dentry_hang_unless(d)) { /* it is there twice */
        kfree(d->stored);
        dentry_put(d);
    }
    return 0;
}

static int take_entry(struct dentry *dir, struct root_entry *e)
{
    int err = make_name(dir, e);

    if (err == -ENOMEM)
        return err; /* it stays: another time */
    e->taken = 1;
    return 0;
}

static struct image_dir *dir_of(struct dentry *dir)
{
    return container_of(dir->stored, struct image_dir, head);
}

static int compare(const char *name, size_t len, const struct root_entry *e)
{
    int c = text_at(e->name, e->len)
                ? memcmp(name, image_tree.text + e->name, MIN(len, (size_t)e->len))
                : 0;

    return c ? c : (int)len - (int)e->len;
}

static int take(struct dentry *dir, uint64_t key, const char *name, size_t len)
{
    const struct image_dir *s = dir_of(dir);
    uint32_t low = s->first, high = s->first + s->count;

    (void)key;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int c = compare(name, len, &image_tree.entry[mid]);

        if (c == 0)
            return image_tree.entry[mid].taken ? 0 : take_entry(dir, &image_tree.entry[mid]);
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return 0;
}

/* From the last to the first: readdir shows the newest first. */
static int take_all(struct dentry *dir)
{
    struct image_dir *s = dir_of(dir);

    for (uint32_t i = s->count; i-- > 0;) {
        struct root_entry *e = &image_tree.entry[s->first + i];

        if (!e->taken && take_entry(dir, e) != 0)
            return -ENOMEM;
        preempt_work(WORK_NAME);
    }
    dir->stored = NULL;
    kfree(s);
    return 0;
}

const struct stored_ops image_tree_ops = { take, take_all };

/* --- the image --------------------------------------------------------------------------- */

/* Where a table of n elements lies, or NULL: not in the index. */
static char *table(char *index, uint64_t bytes, uint64_t at, uint64_t n, size_t size, size_t align)
{
    return at % align == 0 && at <= bytes && n <= (bytes - at) / size ? index + at : NULL;
}

int image_tree_place(struct superblock *sb, void *index, uint64_t bytes, pfn_t first)
{
    struct root_header h;
    const struct root_inode *r;
    struct inode *top = sb->root->inode;
    int err;

    if (bytes < sizeof(h))
        return -EINVAL;
    memcpy(&h, index, sizeof(h));
    if (h.magic != ROOT_INDEX_MAGIC || h.version != ROOT_INDEX_VERSION || h.inodes == 0 ||
        h.data_pages > first || first - h.data_pages < nframes) /* its data is no RAM */
        return -EINVAL;
    image_tree.links.node = NULL;
    image_tree.inodes = h.inodes;
    image_tree.entries = h.entries;
    image_tree.text_bytes = h.text_bytes;
    image_tree.inode =
        (void *)table(index, bytes, h.inodes_at, h.inodes, sizeof(struct root_inode), 8);
    image_tree.entry =
        (void *)table(index, bytes, h.entries_at, h.entries, sizeof(struct root_entry), 4);
    image_tree.text = table(index, bytes, h.text_at, h.text_bytes, 1, 1);
    image_tree.xattrs =
        (void *)table(index, bytes, h.xattrs_at, h.xattrs, sizeof(struct root_xattrs), 4);
    image_tree.nxattrs = image_tree.xattrs ? h.xattrs : 0;
    image_tree.data = first - (pfn_t)h.data_pages;
    image_tree.data_pages = h.data_pages;
    if (!image_tree.inode || !image_tree.entry || !image_tree.text ||
        !S_ISDIR(image_tree.inode[ROOT_TOP].mode))
        return -EINVAL;
    r = &image_tree.inode[ROOT_TOP];
    top->mode = r->mode;
    top->uid = r->uid;
    top->gid = r->gid;
    top->mtime = (struct __kernel_timespec){ .tv_sec = r->mtime, .tv_nsec = r->mtime_ns };
    top->nlink = r->nlink;
    top->size += 20ull * r->count;
    err = set_xattrs(top, ROOT_TOP);
    return err ? err : store_names(sb->root, r);
}
