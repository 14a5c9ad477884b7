/* tree_index.c - the index of a tree.  It is written from a walk in breadth: the names of a directory come
 * one behind the other in it, so its n-th step is entry n - 1. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/root/tree.h"
#include "vmm/root/tree_priv.h"

static struct root_inode *inode_of(const struct root_tree *t, uint32_t node)
{
    return &t->inode[t->node[node].inode];
}

static int by_name(const void *a, const void *b, void *tree)
{
    const struct root_tree *t = tree;
    const struct node *x = &t->node[*(const uint32_t *)a], *y = &t->node[*(const uint32_t *)b];
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(t->text + x->name, t->text + y->name, n);
    return c != 0 ? c : (int)x->len - (int)y->len;
}

/* One more name of its inode, which gets its number with the first. */
static void count_name(struct root_tree *t, uint32_t node)
{
    struct root_inode *in = inode_of(t, node), *up = inode_of(t, t->node[node].parent);
    if (in->lost == 0) {
        in->lost = ++t->kept;
        in->nlink = S_ISDIR(in->mode) ? 2 : 0;
    }
    if (!S_ISDIR(in->mode))
        in->nlink++;
    else if (node != ROOT_NODE_TOP)
        up->nlink++;
}

static void walk(struct root_tree *t)
{
    t->order[0] = ROOT_NODE_TOP;
    t->steps = 1;
    count_name(t, ROOT_NODE_TOP);
    for (uint32_t at = 0; at < t->steps; at++) {
        struct root_inode *dir = inode_of(t, t->order[at]);
        if (!S_ISDIR(dir->mode))
            continue;
        uint32_t first = t->steps;
        for (uint32_t i = t->node[t->order[at]].child; i != ROOT_NODE_NONE; i = t->node[i].sibling)
            if (!t->node[i].gone)
                t->order[t->steps++] = i;
        qsort_r(t->order + first, t->steps - first, sizeof(*t->order), by_name, t);
        for (uint32_t i = first; i < t->steps; i++)
            count_name(t, t->order[i]);
        dir->at = first - 1;
        dir->count = t->steps - first;
    }
}

uint32_t root_tree_number(const struct root_tree *t, uint32_t node)
{
    return inode_of(t, node)->lost - 1;
}

/* --- extended attributes ----------------------------------------------------------------- */

static int by_inode(const void *a, const void *b)
{
    const struct root_xattrs *x = a, *y = b;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at; /* the later behind */
}

/* Numbers instead of places; of each file that is kept the last. */
static void sort_xattrs(struct root_tree *t)
{
    uint32_t n = 0, kept = 0;
    for (uint32_t i = 0; i < t->xattrs; i++) {
        uint32_t number = t->inode[t->xattr[i].inode].lost;
        if (number != 0) {
            t->xattr[n] = t->xattr[i];
            t->xattr[n++].inode = number - 1;
        }
    }
    if (n > 0)
        qsort(t->xattr, n, sizeof(*t->xattr), by_inode);
    for (uint32_t i = 0; i < n; i++)
        if ((i + 1 == n || t->xattr[i + 1].inode != t->xattr[i].inode) && t->xattr[i].bytes > 0)
            t->xattr[kept++] = t->xattr[i];
    t->xattrs = kept;
}

/* --- the index --------------------------------------------------------------------------- */

static void lay_out(const struct root_tree *t, struct root_header *h)
{
    *h = (struct root_header){ .magic = ROOT_INDEX_MAGIC,
                               .version = ROOT_INDEX_VERSION,
                               .inodes = t->kept,
                               .entries = t->steps - 1,
                               .text_bytes = (uint32_t)t->text_bytes,
                               .inodes_at = sizeof(*h) };
    h->entries_at = h->inodes_at + (uint64_t)h->inodes * sizeof(struct root_inode);
    h->xattrs = t->xattrs;
    h->xattrs_at = h->entries_at + (uint64_t)h->entries * sizeof(struct root_entry);
    h->text_at = h->xattrs_at + h->xattrs * sizeof(struct root_xattrs);
}

size_t root_tree_index_bytes(struct root_tree *t)
{
    struct root_header h;
    t->order = malloc(t->nodes * sizeof(*t->order));
    if (t->order == NULL) {
        t->wrong = "out of memory";
        return 0;
    }
    walk(t);
    sort_xattrs(t);
    lay_out(t, &h);
    return h.text_at + h.text_bytes;
}

void root_tree_index_write(struct root_tree *t, uint64_t data_pages, void *to)
{
    struct root_header h;
    lay_out(t, &h);
    h.data_pages = data_pages;
    struct root_inode *inode = (void *)((char *)to + h.inodes_at);
    struct root_entry *entry = (void *)((char *)to + h.entries_at);
    memcpy(to, &h, sizeof(h));
    for (uint32_t i = 0; i < t->steps; i++) {
        const struct node *n = &t->node[t->order[i]];
        const struct root_inode *in = &t->inode[n->inode];
        inode[in->lost - 1] = *in;
        inode[in->lost - 1].lost = 0;
        if (i > 0)
            entry[i - 1] = (struct root_entry){ in->lost - 1, n->name, n->len, 0 };
    }
    if (t->xattrs > 0)
        memcpy((char *)to + h.xattrs_at, t->xattr, t->xattrs * sizeof(*t->xattr));
    memcpy((char *)to + h.text_at, t->text, t->text_bytes);
}
