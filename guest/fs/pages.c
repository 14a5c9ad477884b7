/* pages.c - which frame holds which page of a file: a radix tree.
 * Nodes have 64 slots; those of the lowest level hold frame numbers (32 bits),
 * the others pointers.  A tree of height 0 is page 0 alone, without a node, so
 * a small file costs 16 bytes beside its page.  The tree grows at its root.
 * A node that has lost its last page is freed.
 * Allocates with the caller's spinlock held: heap and frames are last in the
 * lock order. */
#include "fs/pages.h"
#include "mm/frame.h"
#include "mm/heap.h"

#define SLOT_BITS PAGES_SLOT_BITS
#define SLOTS     (1u << SLOT_BITS)

struct inner {
    void *slot[SLOTS];
};
struct leaf {
    pfn_t pfn[SLOTS];
};

static unsigned slot_at(uint64_t i, unsigned level) /* level 1: leaves */
{
    return (i >> (level - 1) * SLOT_BITS) & (SLOTS - 1);
}

/* Pages below a tree of that height: 64 to the height, or all there can be. */
static uint64_t last_of(unsigned height)
{
    return height * SLOT_BITS >= 64 ? UINT64_MAX : (1ull << height * SLOT_BITS) - 1;
}

pfn_t pages_get(const struct page_index *x, uint64_t i)
{
    const void *n;

    if (!x || i > last_of(x->height))
        return 0;
    if (x->height == 0)
        return x->pfn;
    n = x->node;
    for (unsigned level = x->height; level > 1 && n; level--)
        n = ((const struct inner *)n)->slot[slot_at(i, level)];
    return n ? ((const struct leaf *)n)->pfn[slot_at(i, 1)] : 0;
}

/* One more level on top. */
static int grow(struct page_index *x)
{
    if (x->height == 0) {
        pfn_t first = x->pfn;
        struct leaf *l = NULL;

        if (first) {
            l = kzalloc(sizeof(*l));
            if (!l)
                return -ENOMEM;
            l->pfn[0] = first;
        }
        x->node = l;
    } else if (x->node) {
        struct inner *n = kzalloc(sizeof(*n));

        if (!n)
            return -ENOMEM;
        n->slot[0] = x->node;
        x->node = n;
    }
    x->height++;
    return 0;
}

int pages_set(struct page_index **xp, uint64_t i, pfn_t pfn)
{
    struct page_index *x = *xp;
    void **at;

    if (!x) {
        x = kzalloc(sizeof(*x));
        if (!x)
            return -ENOMEM;
        *xp = x;
    }
    while (i > last_of(x->height))
        if (grow(x) != 0)
            return -ENOMEM;
    if (x->height == 0) {
        x->pfn = pfn;
        return 0;
    }
    at = &x->node;
    for (unsigned level = x->height;; level--) {
        if (!*at)
            *at = kzalloc(level > 1 ? sizeof(struct inner) : sizeof(struct leaf));
        if (!*at)
            return -ENOMEM; /* empty nodes on the way stay: the tree is right */
        if (level == 1)
            break;
        at = &((struct inner *)*at)->slot[slot_at(i, level)];
    }
    ((struct leaf *)*at)->pfn[slot_at(i, 1)] = pfn;
    return 0;
}

/* First page in [from, ...] below node n, whose first page is base. */
static pfn_t next_in(const void *n, unsigned level, uint64_t base, uint64_t from, uint64_t *found)
{
    uint64_t span = last_of(level - 1) + 1; /* pages of a slot */
    unsigned s = from > base ? (unsigned)((from - base) / span) : 0;

    for (; s < SLOTS; s++) {
        pfn_t pfn = 0;

        if (level == 1) {
            pfn = ((const struct leaf *)n)->pfn[s];
            *found = base + s;
        } else if (((const struct inner *)n)->slot[s]) {
            pfn = next_in(((const struct inner *)n)->slot[s], level - 1, base + s * span, from,
                          found);
        }
        if (pfn)
            return pfn;
    }
    return 0;
}

pfn_t pages_next(const struct page_index *x, uint64_t *i)
{
    if (!x || *i > last_of(x->height))
        return 0;
    if (x->height == 0)
        return x->pfn; /* *i is 0 */
    return x->node ? next_in(x->node, x->height, 0, *i, i) : 0;
}

static bool is_empty(const void *n, unsigned level)
{
    for (unsigned s = 0; s < SLOTS; s++)
        if (level == 1 ? ((const struct leaf *)n)->pfn[s] != 0
                       : ((const struct inner *)n)->slot[s] != NULL)
            return false;
    return true;
}

/* Takes [first, last] out of node n, which covers [base, ...].  True: n is empty and
 * was freed. */
static bool drop_in(void *n, unsigned level, uint64_t base, uint64_t first, uint64_t last,
                    uint64_t *dropped)
{
    uint64_t span = last_of(level - 1) + 1, end = base + (span * SLOTS - 1);
    unsigned s = first > base ? (unsigned)((first - base) / span) : 0;
    unsigned to = last < end ? (unsigned)((last - base) / span) : SLOTS - 1;

    for (; s <= to; s++) {
        if (level == 1) {
            pfn_t *pfn = &((struct leaf *)n)->pfn[s];

            if (*pfn) {
                frame_put(*pfn);
                *pfn = 0;
                ++*dropped;
            }
        } else {
            void **slot = &((struct inner *)n)->slot[s];

            if (*slot && drop_in(*slot, level - 1, base + s * span, first, last, dropped))
                *slot = NULL;
        }
    }
    if ((first > base || last < end) && !is_empty(n, level))
        return false;
    kfree(n);
    return true;
}

uint64_t pages_drop(struct page_index **xp, uint64_t first, uint64_t last)
{
    struct page_index *x = *xp;
    uint64_t dropped = 0;

    if (!x || first > last_of(x->height))
        return 0;
    last = MIN(last, last_of(x->height));
    if (x->height == 0) {
        if (x->pfn) {
            frame_put(x->pfn);
            dropped = 1;
        }
        x->pfn = 0;
    } else if (x->node && drop_in(x->node, x->height, 0, first, last, &dropped)) {
        x->node = NULL;
    }
    if (x->height == 0 ? x->pfn == 0 : x->node == NULL) {
        kfree(x);
        *xp = NULL;
    }
    return dropped;
}

bool pages_drop_some(struct page_index **xp, uint64_t first, uint64_t last, uint64_t *dropped)
{
    if (first > last || !pages_next(*xp, &first) || first > last)
        return false;
    *dropped += pages_drop(xp, first, MIN(last, first | (SLOTS - 1)));
    return true;
}
