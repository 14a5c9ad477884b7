/* tree.c - see tree.h.
 *
 * Nodes are names, in an array; a hash finds one by its directory and name, and each directory has its
 * names in a list, the youngest first.  What has gone stays in both and is passed over. */
#include "vmm/root/tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/root_index.h"
#include "vmm/root/tree_priv.h"

static bool fail(struct root_tree *t, const char *why)
{
    if (t->wrong == NULL)
        t->wrong = why;
    return false;
}

/* Room for one more element. */
static bool grow(struct root_tree *t, void **array, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return true;
    uint32_t more = *room != 0 ? *room * 2 : 256;
    void *at = more <= 2 * ROOT_NODES_MAX ? realloc(*array, more * size) : NULL;
    if (at == NULL)
        return fail(t, "out of memory");
    *array = at;
    *room = more;
    return true;
}

static bool add_text(struct root_tree *t, const char *text, size_t len, uint32_t *at)
{
    if (t->text_bytes + len + 1 > t->text_room) {
        size_t more = (t->text_room != 0 ? t->text_room * 2 : 65536) + len;
        char *p = more < UINT32_MAX ? realloc(t->text, more) : NULL;
        if (p == NULL)
            return fail(t, "out of memory for names");
        t->text = p;
        t->text_room = more;
    }
    *at = (uint32_t)t->text_bytes;
    memcpy(t->text + t->text_bytes, text, len);
    t->text[t->text_bytes + len] = '\0';
    t->text_bytes += len + 1;
    return true;
}

/* --- finding ----------------------------------------------------------------------------- */

static uint32_t hash(uint32_t dir, const char *name, size_t len)
{
    uint32_t h = 2166136261u ^ dir * 2654435761u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t *bucket_of(const struct root_tree *t, const struct node *n)
{
    return &t->bucket[hash(n->parent, t->text + n->name, n->len) & (t->buckets - 1)];
}

static bool more_buckets(struct root_tree *t)
{
    uint32_t more = t->buckets != 0 ? t->buckets * 4 : 1024;
    uint32_t *b = malloc(more * sizeof(*b));
    if (b == NULL)
        return fail(t, "out of memory");
    memset(b, 0xff, more * sizeof(*b));
    free(t->bucket);
    t->bucket = b;
    t->buckets = more;
    for (uint32_t i = 1; i < t->nodes; i++)
        if (!t->node[i].gone) {
            uint32_t *at = bucket_of(t, &t->node[i]);
            t->node[i].chain = *at;
            *at = i;
        }
    return true;
}

uint32_t root_tree_find(const struct root_tree *t, uint32_t dir, const char *name, size_t len)
{
    for (uint32_t i = t->bucket[hash(dir, name, len) & (t->buckets - 1)]; i != ROOT_NODE_NONE;
         i = t->node[i].chain) {
        const struct node *n = &t->node[i];
        if (!n->gone && n->parent == dir && n->len == len &&
            memcmp(t->text + n->name, name, len) == 0)
            return i;
    }
    return ROOT_NODE_NONE;
}

static struct root_inode *inode_of(const struct root_tree *t, uint32_t node)
{
    return &t->inode[t->node[node].inode];
}

uint32_t root_tree_parent(const struct root_tree *t, uint32_t node) { return t->node[node].parent; }
uint32_t root_tree_mode(const struct root_tree *t, uint32_t node)
{
    return inode_of(t, node)->mode;
}
bool root_tree_is_dir(const struct root_tree *t, uint32_t node)
{
    return S_ISDIR(inode_of(t, node)->mode);
}
const char *root_tree_text(const struct root_tree *t, uint32_t node)
{
    return S_ISLNK(root_tree_mode(t, node)) ? t->text + inode_of(t, node)->at : "";
}
const char *root_tree_wrong(const struct root_tree *t) { return t->wrong; }
uint32_t root_tree_count(const struct root_tree *t) { return t->nodes; }

/* --- adding ------------------------------------------------------------------------------ */

static bool name_is_good(const char *name, size_t len)
{
    return len > 0 && len <= ROOT_NAME_MAX && memchr(name, '/', len) == NULL &&
           memchr(name, '\0', len) == NULL &&
           !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/* A node with that inode at the head of its directory's list. */
static uint32_t new_node(struct root_tree *t, uint32_t dir, const char *name, size_t len,
                         uint32_t inode)
{
    struct node n = { .parent = dir,
                      .inode = inode,
                      .child = ROOT_NODE_NONE,
                      .sibling = ROOT_NODE_NONE,
                      .chain = ROOT_NODE_NONE,
                      .len = (uint16_t)len,
                      .layer = t->layer };
    if (t->nodes == ROOT_NODES_MAX)
        fail(t, "has more than 4 million names");
    if (t->wrong != NULL ||
        !grow(t, (void **)&t->node, t->nodes, &t->nodes_room, sizeof(*t->node)) ||
        !add_text(t, name, len, &n.name) || (t->nodes >= t->buckets && !more_buckets(t)))
        return ROOT_NODE_NONE;
    uint32_t i = t->nodes++;
    t->node[i] = n;
    if (i != ROOT_NODE_TOP) {
        t->node[i].sibling = t->node[dir].child;
        t->node[dir].child = i;
        uint32_t *at = bucket_of(t, &t->node[i]);
        t->node[i].chain = *at;
        *at = i;
    }
    return i;
}

void root_tree_set(struct root_tree *t, uint32_t node, const struct root_attributes *a)
{
    struct root_inode *in = inode_of(t, node);
    in->mode = a->mode;
    in->uid = a->uid;
    in->gid = a->gid;
    in->rdev = a->rdev;
    in->mtime = a->mtime;
    in->mtime_ns = a->mtime_ns;
}

static uint32_t add(struct root_tree *t, uint32_t dir, const char *name, size_t len,
                    const struct root_attributes *a)
{
    if (!grow(t, (void **)&t->inode, t->inodes, &t->inodes_room, sizeof(*t->inode)))
        return ROOT_NODE_NONE;
    uint32_t node = new_node(t, dir, name, len, t->inodes);
    if (node == ROOT_NODE_NONE)
        return node;
    t->inode[t->inodes++] = (struct root_inode){ 0 };
    root_tree_set(t, node, a);
    return node;
}

uint32_t root_tree_add(struct root_tree *t, uint32_t dir, const char *name, size_t len,
                       const struct root_attributes *a)
{
    if (t->wrong != NULL || !name_is_good(name, len) || !root_tree_is_dir(t, dir))
        return ROOT_NODE_NONE;
    uint32_t old = root_tree_find(t, dir, name, len);
    if (old != ROOT_NODE_NONE && S_ISDIR(a->mode) && root_tree_is_dir(t, old)) {
        root_tree_set(t, old, a);
        t->node[old].layer = t->layer;
        return old;
    }
    if (old != ROOT_NODE_NONE)
        root_tree_remove(t, old);
    return add(t, dir, name, len, a);
}

uint32_t root_tree_link(struct root_tree *t, uint32_t dir, const char *name, size_t len,
                        uint32_t node)
{
    if (t->wrong != NULL || !name_is_good(name, len) || !root_tree_is_dir(t, dir) ||
        root_tree_is_dir(t, node))
        return ROOT_NODE_NONE;
    uint32_t old = root_tree_find(t, dir, name, len);
    if (old == node)
        return old;
    if (old != ROOT_NODE_NONE)
        root_tree_remove(t, old);
    return new_node(t, dir, name, len, t->node[node].inode);
}

void root_tree_set_data(struct root_tree *t, uint32_t node, uint64_t first_page, uint64_t bytes)
{
    inode_of(t, node)->at = first_page;
    inode_of(t, node)->size = bytes;
}

void root_tree_data(const struct root_tree *t, uint32_t node, uint64_t *first_page, uint64_t *bytes)
{
    *first_page = inode_of(t, node)->at;
    *bytes = inode_of(t, node)->size;
}

bool root_tree_set_text(struct root_tree *t, uint32_t node, const char *text, size_t len)
{
    uint32_t at;
    if (len == 0 || len > ROOT_LINK_MAX || memchr(text, '\0', len) != NULL ||
        !add_text(t, text, len, &at))
        return false;
    inode_of(t, node)->at = at;
    inode_of(t, node)->size = len;
    return true;
}

static bool xattrs_are_good(const uint8_t *at, size_t n)
{
    while (n > 0) {
        struct root_xattr x;
        if (n < sizeof(x))
            return false;
        memcpy(&x, at, sizeof(x));
        if (x.name_len == 0 || n - sizeof(x) < x.name_len + (size_t)x.size)
            return false;
        at += sizeof(x) + x.name_len + x.size;
        n -= sizeof(x) + x.name_len + x.size;
    }
    return true;
}

bool root_tree_set_xattrs(struct root_tree *t, uint32_t node, const void *at, size_t n)
{
    struct root_xattrs x = { .inode = t->node[node].inode, .bytes = (uint32_t)n };
    if (n == 0 && t->xattrs == 0)
        return true; /* of nothing that was there before */
    if (n > ROOT_XATTRS_MAX || !xattrs_are_good(at, n))
        return false;
    if (!grow(t, (void **)&t->xattr, t->xattrs, &t->xattrs_room, sizeof(*t->xattr)) ||
        !add_text(t, n > 0 ? at : "", n, &x.at))
        return false;
    t->xattr[t->xattrs++] = x;
    return true;
}

/* --- layers ------------------------------------------------------------------------------ */

void root_tree_next_layer(struct root_tree *t) { t->layer++; }

/* What is below it cannot be reached then. */
void root_tree_remove(struct root_tree *t, uint32_t node) { t->node[node].gone = true; }

void root_tree_remove_lower(struct root_tree *t, uint32_t dir, const char *name, size_t len)
{
    uint32_t i = root_tree_find(t, dir, name, len);
    if (i == ROOT_NODE_NONE)
        return;
    if (t->node[i].layer != t->layer)
        t->node[i].gone = true;
    else if (root_tree_is_dir(t, i)) /* made again by this layer, before or after */
        root_tree_clear_lower(t, i);
}

void root_tree_clear_lower(struct root_tree *t, uint32_t dir)
{
    for (uint32_t i = t->node[dir].child; i != ROOT_NODE_NONE; i = t->node[i].sibling) {
        if (t->node[i].layer != t->layer)
            t->node[i].gone = true;
        else if (root_tree_is_dir(t, i))
            root_tree_clear_lower(t, i);
    }
}

struct root_tree *root_tree_new(void)
{
    struct root_attributes a = { .mode = S_IFDIR | 0755 };
    struct root_tree *t = calloc(1, sizeof(*t));
    if (t != NULL && (!more_buckets(t) || add(t, ROOT_NODE_TOP, "", 0, &a) != ROOT_NODE_TOP)) {
        root_tree_free(t);
        return NULL;
    }
    return t;
}

void root_tree_free(struct root_tree *t)
{
    if (t == NULL)
        return;
    free(t->node);
    free(t->inode);
    free(t->text);
    free(t->bucket);
    free(t->order);
    free(t->xattr);
    free(t);
}
