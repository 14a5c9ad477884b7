/* dentry.c - the tree of names.
 * A name of a tmpfs exists while its dentry hangs in its parent's tree; that
 * counts as a reference, and each dentry holds one of its parent.  So a dentry
 * without references hangs nowhere and can be freed without fs_tree.
 * Names of procfs never hang in the tree: each walk makes its own dentry.
 *
 * A name and its parent change under fs_tree and names_lock: whoever follows
 * them upwards (path_name) holds one of the two.
 *
 * Children are in a red-black tree by name, where the first eight bytes, as a
 * number, settle most comparisons, and in a list by age, which readdir follows,
 * the newest first as Linux's tmpfs has it: order numbers go down and are never
 * reused, so a position survives any change. */
#include "fs/dentry.h"
#include "arch/preempt.h"
#include "fs/dirent.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/stored.h"
#include "lib/string.h"
#include "mm/heap.h"

#define FIRST_ORDER (1ull << 62) /* positions are signed for user space */

struct mutex fs_tree;
struct spinlock names_lock = SPINLOCK_INIT(LOCK_names);
uint32_t names_changes;

/* Loads eight bytes of a shorter name, too, where they surely are mapped: not
 * across a page's end. */
__attribute__((no_sanitize_address)) uint64_t dentry_key(const char *name, size_t len)
{
    typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;
    uint64_t key = 0;

    if (likely(((uintptr_t)name & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8)) {
        key = __builtin_bswap64(*(const word_t *)name);
        if (len >= 8)
            return key;
        return len ? key & ~0ull << 8 * (8 - len) : 0;
    }
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < len ? (uint8_t)name[i] : 0);
    return key;
}

static int name_compare(uint64_t key, const char *name, size_t len, const struct dentry *d)
{
    int c;

    if (key != d->key)
        return key < d->key ? -1 : 1;
    if (len <= 8 && d->name_len <= 8) /* names hold no NUL: equal keys are equal names */
        return 0;
    c = memcmp(name, d->name, MIN(len, (size_t)d->name_len));
    return c ? c : (int)len - (int)d->name_len;
}

void dentry_set(struct dentry *d, struct dentry *parent, const char *name, size_t len,
                struct inode *in)
{
    memset(d, 0, sizeof(*d));
    ref_init(&d->refs, 1);
    d->inode = in;
    d->key = dentry_key(name, len);
    d->name_len = (uint16_t)len;
    d->name = d->own_name;
    memcpy(d->own_name, name, len);
    d->own_name[len] = 0;
    d->next_order = FIRST_ORDER;
    list_init(&d->sibling);
    list_init(&d->by_order);
    d->parent = d;
    if (parent) {
        d->parent = parent;
        dentry_get(parent);
    }
}

int dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *in,
               struct dentry **out)
{
    struct dentry *d = kmalloc(dentry_bytes(len));

    if (!d) {
        inode_put(in);
        return -ENOMEM;
    }
    dentry_set(d, parent, name, len, in);
    *out = d;
    return 0;
}

void dentry_get(struct dentry *d) { ref_get(&d->refs); }

void dentry_put(struct dentry *d)
{
    while (ref_put(&d->refs)) {
        struct dentry *parent = d->parent;
        bool root = parent == d;

        if (d->unlinked && d->inode->nlink == 0)
            notify_gone(d->inode);
        inode_put(d->inode);
        if (d->name != d->own_name)
            kfree((char *)d->name);
        if (!d->in_chunk)
            kfree(d);
        if (root)
            return;
        d = parent;
    }
}

struct dentry *dentry_hang_unless(struct dentry *d)
{
    struct dentry *dir = d->parent;
    struct rb_node **link = &dir->children.node, *at = NULL;

    while (*link) {
        at = *link;
        int c = name_compare(d->key, d->name, d->name_len, rb_entry(at, struct dentry, node));

        if (c == 0)
            return rb_entry(at, struct dentry, node);
        link = c < 0 ? &at->left : &at->right;
    }
    rb_insert(&dir->children, at, link, &d->node);
    d->order = dir->next_order--;
    list_push_front(&dir->by_order, &d->sibling);
    return NULL;
}

/* Callers have made sure that the name is free. */
static void hang(struct dentry *d) { ASSERT(!dentry_hang_unless(d)); }

static void unhang(struct dentry *d)
{
    rb_erase(&d->parent->children, &d->node);
    list_remove(&d->sibling);
}

void dentry_hang(struct dentry *d)
{
    dentry_get(d);
    hang(d);
}

void dentry_drop(struct dentry *d)
{
    unhang(d);
    d->unlinked = true;
    dentry_put(d);
}

static struct dentry *in_tree(struct dentry *dir, uint64_t key, const char *name, size_t len)
{
    struct rb_node *n = dir->children.node;

    while (n) {
        struct dentry *d = rb_entry(n, struct dentry, node);
        int c = name_compare(key, name, len, d);

        if (c == 0)
            return d;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

struct dentry *dentry_peek(struct dentry *dir, const char *name, size_t len)
{
    return in_tree(dir, dentry_key(name, len), name, len);
}

int dentry_find(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
    const struct inode_ops *ops = dir->inode->ops;
    uint64_t key = dentry_key(name, len);
    struct inode *in;
    struct dentry *d;
    int err;

    if (ops && ops->lookup) {
        d = dir->children.node ? in_tree(dir, key, name, len) : NULL; /* mount_can_cover() */
        if (d) {
            dentry_get(d);
            *out = d;
            return 0;
        }
        err = ops->lookup(dir->inode, name, len, &in);
        return err ? err : dentry_new(dir, name, len, in, out);
    }
    d = in_tree(dir, key, name, len);
    if (!d && dir->stored) {
        err = dir->stored->ops->take(dir, key, name, len);
        if (err)
            return err;
        d = in_tree(dir, key, name, len);
    }
    if (!d)
        return -ENOENT;
    dentry_get(d);
    *out = d;
    return 0;
}

int dentry_move(struct dentry *d, struct dentry *dir, const char *name, size_t len)
{
    struct dentry *old_parent = d->parent;
    const char *old_name = d->name;
    char *text = kmalloc(len + 1);

    if (!text)
        return -ENOMEM;
    memcpy(text, name, len);
    text[len] = 0;
    unhang(d);
    dentry_get(dir);
    spin_lock(&names_lock);
    names_changes++;
    d->name = text;
    d->name_len = (uint16_t)len;
    d->key = dentry_key(text, len);
    d->parent = dir;
    spin_unlock(&names_lock);
    hang(d);
    if (old_name != d->own_name)
        kfree((char *)old_name);
    dentry_put(old_parent);
    return 0;
}

/* The two change places; each keeps its children. */
int dentry_exchange(struct dentry *a, struct dentry *b)
{
    size_t alen = a->name_len, blen = b->name_len;
    char *aname = kmalloc(blen + 1), *bname = kmalloc(alen + 1);
    const char *old_a = a->name, *old_b = b->name;
    struct dentry *parent;

    if (!aname || !bname) {
        kfree(aname);
        kfree(bname);
        return -ENOMEM;
    }
    memcpy(aname, b->name, blen + 1);
    memcpy(bname, a->name, alen + 1);
    unhang(a);
    unhang(b);
    spin_lock(&names_lock);
    names_changes++;
    parent = a->parent;
    a->parent = b->parent;
    b->parent = parent;
    a->name = aname;
    a->name_len = (uint16_t)blen;
    a->key = dentry_key(aname, blen);
    b->name = bname;
    b->name_len = (uint16_t)alen;
    b->key = dentry_key(bname, alen);
    spin_unlock(&names_lock);
    hang(a);
    hang(b);
    if (old_a != a->own_name)
        kfree((char *)old_a);
    if (old_b != b->own_name)
        kfree((char *)old_b);
    return 0;
}

bool dentry_is_below(const struct dentry *d, const struct dentry *top)
{
    for (;; d = d->parent) {
        if (d == top)
            return true;
        if (d->parent == d)
            return false;
    }
}

struct dentry *dentry_next(struct dentry *d, const struct dentry *top)
{
    if (!list_empty(&d->by_order))
        return list_first(&d->by_order, struct dentry, sibling);
    for (; d != top; d = d->parent)
        if (d->sibling.next != &d->parent->by_order)
            return list_entry(d->sibling.next, struct dentry, sibling);
    return NULL;
}

#define WORK_FREE 500u /* instructions a name and its inode, about (arch/preempt.h) */

void dentry_free_tree(struct dentry *root)
{
    struct dentry *d = root;

    for (;;) {
        while (!list_empty(&d->by_order)) /* down to a leaf */
            d = list_first(&d->by_order, struct dentry, sibling);
        if (d == root)
            break;
        struct dentry *parent = d->parent;
        dentry_drop(d);
        d = parent;
        preempt_work(WORK_FREE);
    }
    dentry_put(root);
}

void dentry_readdir(struct dentry *dir, uint64_t *pos, struct dirent_sink *sink)
{
    struct dentry *d;

    if (dir->stored && dir->stored->ops->take_all(dir) != 0)
        return;
    list_for_each(d, &dir->by_order, sibling) {
        if (d->order < *pos)
            continue;
        if (!dirent_emit(sink, d->name, d->name_len, d->inode->ino, (d->inode->mode >> 12) & 15,
                         d->order + 1))
            return;
        *pos = d->order + 1;
    }
}
