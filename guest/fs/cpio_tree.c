/* cpio_tree.c - makes a tmpfs's tree from an archive that stays in memory.
 *
 * Boot waits for this, so it does little: the data of regular files is lent
 * from the archive, page by page (pages_io.c); a run of symlinks, which is what most
 * entries of a root image are in, is only noted in its directory (cpio_stored.c);
 * names come from chunks; and the directories of the last entries are remembered.
 *
 * A later entry replaces an earlier one of the same name; only a directory stays
 * one.  Missing parents are made with mode 0755.  Names with ".." in them are
 * refused, as nothing may lie outside the root. */
#include "fs/cpio_tree.h"
#include "fs/cpio.h"
#include "fs/cpio_stored.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/pages.h"
#include "fs/stored.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

struct hard_link {
    struct hard_link *next;
    uint32_t ino, dev;
    struct inode *inode;
};

struct unpack {
    struct superblock *sb;
    struct cpio_reader reader;
    const char *image;
    pfn_t first; /* frame of the image's start; 0: not at a page */
    struct known_dir {
        struct dentry *dir;
        const char *name;
        size_t len;
    } known[8];              /* by length */
    char *chunk, *chunk_end; /* memory for names */
    struct hard_link *links; /* of this archive: */
    uint32_t archive;        /* inode numbers mean nothing to the next */
};

static struct dentry *take_dentry(struct unpack *u, size_t name_len)
{
    size_t n = dentry_bytes(name_len);
    struct dentry *d;

    if ((size_t)(u->chunk_end - u->chunk) < n) {
        u->chunk = kmalloc(KMALLOC_MAX);
        if (!u->chunk) {
            u->chunk_end = NULL;
            return NULL;
        }
        u->chunk_end = u->chunk + KMALLOC_MAX;
    }
    d = (struct dentry *)u->chunk;
    u->chunk += n;
    return d;
}

bool dentry_replace(struct dentry *d)
{
    struct inode *dir = d->parent->inode;

    if (is_dir(d->inode)) {
        if (!list_empty(&d->by_order) || d->stored)
            return false;
        dir->nlink--;
        d->inode->nlink--; /* "." */
    }
    d->inode->nlink--;
    dentry_drop(d);
    dir->size -= 20;
    return true;
}

/* A directory that is among them may have been replaced. */
static void forget_known(struct unpack *u) { memset(u->known, 0, sizeof(u->known)); }

/* A name in dir; its dentry, or that of the directory that stays, in *out.  Takes over in. */
static int add_name(struct unpack *u, struct dentry *dir, const char *name, size_t len,
                    struct inode *in, struct dentry **out)
{
    struct dentry *d = take_dentry(u, len), *old;

    if (!d || (dir->stored && dir->stored->ops->take(dir, dentry_key(name, len), name, len) != 0)) {
        inode_put(in);
        return -ENOMEM;
    }
    dentry_set(d, dir, name, len, in);
    d->in_chunk = true;
    while ((old = dentry_hang_unless(d)) != NULL) {
        if ((is_dir(old->inode) && is_dir(in)) || !dentry_replace(old)) {
            dentry_put(d);
            *out = old;
            return 0;
        }
        forget_known(u);
    }
    dir->inode->size += 20;
    *out = d;
    return 0;
}

static void set_attributes(struct inode *in, const struct cpio_attributes *a)
{
    in->uid = a->uid;
    in->gid = a->gid;
    in->mtime = in->ctime = in->atime = (struct __kernel_timespec){ .tv_sec = a->mtime };
}

static int make_dir(struct unpack *u, struct dentry *dir, const char *name, size_t len,
                    uint32_t mode, struct dentry **out)
{
    struct new_node n = { .mode = S_IFDIR | mode };
    struct inode *in = tmpfs_inode(u->sb, &n, NULL);
    int err;

    if (!in)
        return -ENOMEM;
    err = add_name(u, dir, name, len, in, out);
    if (err == 0)
        dir->inode->nlink++;
    return err;
}

/* The directory of that name in `dir`, made if it is missing. */
static int subdir(struct unpack *u, struct dentry *dir, const char *name, size_t len,
                  struct dentry **out)
{
    struct dentry *d = dentry_peek(dir, name, len);

    if (!d && dir->stored) {
        if (dir->stored->ops->take(dir, dentry_key(name, len), name, len) != 0)
            return -ENOMEM;
        d = dentry_peek(dir, name, len);
    }
    *out = d;
    return d && is_dir(d->inode) ? 0 : make_dir(u, dir, name, len, 0755, out);
}

/* The directory of that name below the root; missing ones are made. */
static int find_dir(struct unpack *u, const char *name, size_t len, struct dentry **out)
{
    struct known_dir *known = &u->known[len % ARRAY_SIZE(u->known)];
    struct dentry *at = u->sb->root, *next;
    const char *p = name, *end = name + len;
    int err;

    if (known->dir && len == known->len && memcmp(name, known->name, len) == 0) {
        *out = known->dir;
        return 0;
    }
    while (p < end) {
        const char *slash = p;

        while (slash < end && *slash != '/')
            slash++;
        size_t n = (size_t)(slash - p);
        if (n > NAME_MAX_BYTES || (n == 2 && p[0] == '.' && p[1] == '.'))
            return -EINVAL;
        if (n && !(n == 1 && *p == '.')) {
            err = subdir(u, at, p, n, &next);
            if (err)
                return err;
            at = next;
        }
        p = slash + 1;
    }
    *known = (struct known_dir){ at, name, len };
    *out = at;
    return 0;
}

/* Copies what cannot be lent, from page i of the file on. */
static int copy_pages(struct inode *in, const struct cpio_entry *e, uint64_t i)
{
    for (; i << PAGE_SHIFT < e->size; i++) {
        size_t off = i << PAGE_SHIFT, n = MIN(PAGE_SIZE, e->size - off);
        pfn_t pfn = frame_alloc_zeroed(); /* at boot there is nothing to clear */

        if (!pfn)
            return -ENOMEM;
        memcpy(frame_va(pfn), e->data + off, n);
        spin_lock(&in->pages_lock);
        int err = pages_set(&in->pages, i, pfn);
        spin_unlock(&in->pages_lock);
        if (err) {
            frame_put(pfn);
            return err;
        }
        in->npages++;
    }
    return 0;
}

static int set_contents(struct unpack *u, struct inode *in, const struct cpio_entry *e)
{
    size_t offset = (size_t)(e->data - u->image);
    int err;

    if (u->first && !(offset & (PAGE_SIZE - 1))) {
        /* The last page, too, if only zeros follow in it: a mapping shows them. */
        bool whole = (size_t)(e->next - u->image) >= page_up(offset + e->size);

        in->borrowed = u->first + (pfn_t)(offset >> PAGE_SHIFT);
        in->borrowed_pages =
            (uint32_t)((whole ? page_up(e->size) : page_down(e->size)) >> PAGE_SHIFT);
        in->npages = in->borrowed_pages;
    }
    err = copy_pages(in, e, in->borrowed_pages);
    in->size = e->size;
    sb_count_pages(u->sb, (int64_t)in->npages);
    return err;
}

/* The inode for an entry that is neither directory nor symlink. */
static int make_inode(struct unpack *u, const struct cpio_entry *e, struct inode **out)
{
    struct cpio_attributes a;
    struct cpio_identity id = { 0 };
    struct hard_link *l;
    struct new_node n = { .mode = e->mode };
    struct inode *in = NULL;
    bool linked;

    cpio_attributes(e->header, &a);
    linked = a.nlink > 1 && S_ISREG(e->mode);
    if (linked || !S_ISREG(e->mode))
        cpio_identity(e->header, &id);
    n.rdev = id.rdev;
    for (l = linked ? u->links : NULL; l; l = l->next)
        if (l->ino == id.ino && l->dev == id.dev)
            in = l->inode;
    if (in) { /* one more name of a file that is there */
        inode_get(in);
        in->nlink++;
    } else {
        in = tmpfs_inode(u->sb, &n, NULL);
        if (!in)
            return -ENOMEM;
        set_attributes(in, &a);
        if (linked && (l = kmalloc(sizeof(*l))) != NULL) {
            *l = (struct hard_link){ u->links, id.ino, id.dev, in };
            inode_get(in);
            u->links = l;
        }
    }
    *out = in;
    /* Of a file with several names, one entry carries the data. */
    return S_ISREG(e->mode) && e->size && !in->size ? set_contents(u, in, e) : 0;
}

static int add_directory(struct unpack *u, struct dentry *dir, const char *name, size_t len,
                         const struct cpio_entry *e)
{
    struct cpio_attributes a;
    struct dentry *d = dir;
    int err = 0;

    if (len)
        err = subdir(u, dir, name, len, &d);
    if (err)
        return err;
    cpio_attributes(e->header, &a);
    set_attributes(d->inode, &a);
    d->inode->mode = S_IFDIR | (e->mode & 07777);
    return 0;
}

/* name_at: where the name's last component begins in the entry. */
static int add_symlink(struct unpack *u, struct dentry *dir, uint32_t name_at, size_t len,
                       const struct cpio_entry *e)
{
    struct cpio_run run;
    struct inode *in;
    int err;

    if (!cpio_is_symlink(e))
        return -EINVAL;
    if (cpio_run_at(&u->reader, e, &run) && name_at + 8 <= run.bytes) {
        run.name_at = name_at;
        cpio_skip_run(&u->reader, &run);
        dir->inode->size += 20 * run.n;
        forget_known(u);
        return stored_add(dir, &run);
    }
    err = symlink_inode(u->sb, e, &in);
    return err ? err : add_name(u, dir, e->header + name_at, len, in, &dir);
}

static int add_entry(struct unpack *u, const struct cpio_entry *e)
{
    const char *name = e->name, *end = e->name + e->name_len, *last;
    struct dentry *dir;
    struct inode *in;
    int err;

    while (name < end && (*name == '/' || (*name == '.' && (name + 1 == end || name[1] == '/'))))
        name++;
    while (end > name && end[-1] == '/')
        end--;
    for (last = end; last > name && last[-1] != '/';)
        last--;
    size_t len = (size_t)(end - last);
    if (len > NAME_MAX_BYTES || (len == 2 && last[0] == '.' && last[1] == '.') ||
        (len == 1 && *last == '.'))
        return -EINVAL;
    err = find_dir(u, name, (size_t)(last - name), &dir);
    if (err)
        return err;
    if (S_ISDIR(e->mode))
        return add_directory(u, dir, last, len, e);
    if (!len)
        return -EINVAL;
    if (S_ISLNK(e->mode))
        return add_symlink(u, dir, (uint32_t)(last - e->header), len, e);
    err = make_inode(u, e, &in);
    return err ? err : add_name(u, dir, last, len, in, &dir);
}

static void forget_links(struct unpack *u)
{
    while (u->links) {
        struct hard_link *l = u->links;

        u->links = l->next;
        inode_put(l->inode);
        kfree(l);
    }
    u->archive = u->reader.trailers;
}

int cpio_unpack(struct superblock *sb, const char *image, size_t bytes, pfn_t first)
{
    struct unpack u = { .sb = sb, .image = image, .first = first };
    struct cpio_entry e;
    int err, bad = 0;

    cpio_open(&u.reader, image, bytes);
    while ((err = cpio_next(&u.reader, &e)) == 1) {
        if (u.archive != u.reader.trailers)
            forget_links(&u);
        err = add_entry(&u, &e);
        if (err == -ENOMEM)
            break;
        if (err)
            bad = err; /* an entry that cannot be: the others still count */
    }
    forget_links(&u);
    return err ? err : bad;
}
