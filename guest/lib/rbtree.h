/* rbtree.h - red-black trees with the node inside the element.  The caller
 * walks to the place of insertion itself; it also does the locking. */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/base.h"

struct rb_node {
    struct rb_node *left, *right, *parent;
    bool red;
};
struct rb_root {
    struct rb_node *node;
};

/* Links n below parent at *link (NULL parent: an empty tree), then rebalances. */
void rb_insert(struct rb_root *root, struct rb_node *parent, struct rb_node **link,
               struct rb_node *n);
void rb_erase(struct rb_root *root, struct rb_node *n);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
#define rb_entry(n, type, member) container_of(n, type, member)

#endif
