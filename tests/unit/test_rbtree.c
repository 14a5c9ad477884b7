/* links: guest/lib/rbtree.c */
/* A red-black tree stays one: after each of many random insertions and erasures
 * its rules hold, its order is the keys' order, and walks reach every node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lib/rbtree.h"

#define KEYS 300

struct item {
    struct rb_node node;
    int key;
    bool in;
};

static struct item item[KEYS];
static struct rb_root root;

static int key_of(const struct rb_node *n) { return rb_entry(n, const struct item, node)->key; }

/* Black height; fails where a rule is broken. */
static int check(const struct rb_node *n, const struct rb_node *parent, int low, int high)
{
    if (n == NULL)
        return 1;
    assert_ptr_equal(n->parent, parent);
    assert_true(key_of(n) > low && key_of(n) < high);
    assert_false(n->red && parent != NULL && parent->red);
    int left = check(n->left, n, low, key_of(n));
    assert_int_equal(left, check(n->right, n, key_of(n), high));
    return left + !n->red;
}

static void check_all(unsigned expected)
{
    unsigned up = 0, down = 0;
    assert_true(root.node == NULL || !root.node->red);
    check(root.node, NULL, -1, KEYS);
    for (struct rb_node *n = rb_first(&root); n != NULL; n = rb_next(n))
        up++;
    for (struct rb_node *n = rb_last(&root); n != NULL; n = rb_prev(n))
        down++;
    assert_int_equal(up, expected);
    assert_int_equal(down, expected);
}

static void insert(struct item *i)
{
    struct rb_node **link = &root.node, *parent = NULL;
    while (*link != NULL) {
        parent = *link;
        link = i->key < key_of(parent) ? &parent->left : &parent->right;
    }
    rb_insert(&root, parent, link, &i->node);
    i->in = true;
}

static void random_changes(void **state)
{
    unsigned n = 0;
    (void)state;
    srandom(1);
    for (int k = 0; k < KEYS; k++)
        item[k].key = k;
    for (int step = 0; step < 20000; step++) {
        struct item *i = &item[random() % KEYS];
        if (i->in) {
            rb_erase(&root, &i->node);
            i->in = false;
            n--;
        } else if (step % 1000 < 700) { /* grows and shrinks in turn */
            insert(i);
            n++;
        }
        check_all(n);
    }
}

static void in_order(void **state)
{
    (void)state;
    root.node = NULL;
    for (int k = 0; k < KEYS; k++) {
        item[k].key = k;
        insert(&item[k]);
        check_all((unsigned)k + 1);
    }
    for (int k = 0; k < KEYS; k++) {
        assert_ptr_equal(rb_first(&root), &item[k].node);
        rb_erase(&root, &item[k].node);
        check_all(KEYS - (unsigned)k - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes),
        cmocka_unit_test(in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
