/* rbtree.c - red-black trees.  Source: Cormen et al., Introduction to Algorithms,
 * chapter 13, with NULL in place of the sentinel: so the fix-up after an erasure
 * is told the parent of a child that may not exist.
 *
 * What holds between calls: the root is black, a red node has black children,
 * every path from a node down to NULL has equally many black nodes. */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *n) { return n != NULL && n->red; }

/* Puts `with` (NULL too) where n hangs. */
static void replace(struct rb_root *root, struct rb_node *n, struct rb_node *with)
{
    struct rb_node *p = n->parent;
    if (p == NULL)
        root->node = with;
    else if (p->left == n)
        p->left = with;
    else
        p->right = with;
    if (with != NULL)
        with->parent = p;
}

static void rotate_left(struct rb_root *root, struct rb_node *n)
{
    struct rb_node *up = n->right;
    n->right = up->left;
    if (up->left != NULL)
        up->left->parent = n;
    replace(root, n, up);
    up->left = n;
    n->parent = up;
}

static void rotate_right(struct rb_root *root, struct rb_node *n)
{
    struct rb_node *up = n->left;
    n->left = up->right;
    if (up->right != NULL)
        up->right->parent = n;
    replace(root, n, up);
    up->right = n;
    n->parent = up;
}

void rb_insert(struct rb_root *root, struct rb_node *parent, struct rb_node **link,
               struct rb_node *n)
{
    n->left = n->right = NULL;
    n->parent = parent;
    n->red = true;
    *link = n;
    while (is_red(n->parent)) { /* red, so it is not the root */
        struct rb_node *p = n->parent, *g = p->parent;
        bool left = p == g->left;
        struct rb_node *uncle = left ? g->right : g->left;
        if (is_red(uncle)) {
            p->red = uncle->red = false;
            g->red = true;
            n = g;
            continue;
        }
        if (n == (left ? p->right : p->left)) { /* inner grandchild: make it outer */
            if (left)
                rotate_left(root, p);
            else
                rotate_right(root, p);
            p = n;
        }
        p->red = false;
        g->red = true;
        if (left)
            rotate_right(root, g);
        else
            rotate_left(root, g);
        break;
    }
    root->node->red = false;
}

/* The paths through n, a child of p, lack one black node. */
static void fix_erased(struct rb_root *root, struct rb_node *n, struct rb_node *p)
{
    while (p != NULL && !is_red(n)) {
        bool left = n == p->left;
        struct rb_node *s = left ? p->right : p->left; /* exists: it has a black to spare */
        if (s->red) {
            s->red = false;
            p->red = true;
            if (left)
                rotate_left(root, p);
            else
                rotate_right(root, p);
            s = left ? p->right : p->left;
        }
        if (!is_red(s->left) && !is_red(s->right)) {
            s->red = true;
            n = p;
            p = n->parent;
            continue;
        }
        if (!is_red(left ? s->right : s->left)) { /* the inner nephew is the red one */
            (left ? s->left : s->right)->red = false;
            s->red = true;
            if (left)
                rotate_right(root, s);
            else
                rotate_left(root, s);
            s = left ? p->right : p->left;
        }
        s->red = p->red;
        p->red = false;
        (left ? s->right : s->left)->red = false;
        if (left)
            rotate_left(root, p);
        else
            rotate_right(root, p);
        return;
    }
    if (n != NULL)
        n->red = false;
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
    struct rb_node *child, *parent;
    bool lost_red;
    if (n->left != NULL && n->right != NULL) {
        struct rb_node *next = n->right; /* takes n's place and colour */
        while (next->left != NULL)
            next = next->left;
        lost_red = next->red;
        child = next->right;
        parent = next->parent == n ? next : next->parent;
        if (next->parent != n) {
            replace(root, next, child);
            next->right = n->right;
            next->right->parent = next;
        }
        replace(root, n, next);
        next->left = n->left;
        next->left->parent = next;
        next->red = n->red;
    } else {
        lost_red = n->red;
        child = n->left != NULL ? n->left : n->right;
        parent = n->parent;
        replace(root, n, child);
    }
    if (!lost_red)
        fix_erased(root, child, parent);
}

struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *n = root->node;
    while (n != NULL && n->left != NULL)
        n = n->left;
    return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
    struct rb_node *n = root->node;
    while (n != NULL && n->right != NULL)
        n = n->right;
    return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
    if (n->right != NULL) {
        for (n = n->right; n->left != NULL; n = n->left)
            ;
        return (struct rb_node *)n;
    }
    while (n->parent != NULL && n == n->parent->right)
        n = n->parent;
    return n->parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
    if (n->left != NULL) {
        for (n = n->left; n->right != NULL; n = n->right)
            ;
        return (struct rb_node *)n;
    }
    while (n->parent != NULL && n == n->parent->left)
        n = n->parent;
    return n->parent;
}
