/* groups.h - supplementary groups: whom files let in besides (credentials(7)).
 *
 * A list never changes: setgroups(2) makes another one, and tasks that have the same share it.
 * task.groups is [o], written with task.lock held for others who look; NULL: none. */
#ifndef FS_GROUPS_H
#define FS_GROUPS_H

#include "lib/refcount.h"

#define GROUPS_MAX 65536u

struct groups {
    struct refcount refs;
    uint32_t n;       /* [k] 1..GROUPS_MAX */
    uint32_t *page[]; /* [k] the numbers in order, a page of the heap each */
};

#define GROUPS_IN_PAGE ((uint32_t)(PAGE_SIZE / sizeof(uint32_t)))
static inline uint32_t *groups_at(const struct groups *g, uint32_t i)
{
    return &g->page[i / GROUPS_IN_PAGE][i % GROUPS_IN_PAGE];
}

/* How many bytes of numbers are in a page of them. */
static inline size_t groups_bytes(const struct groups *g, uint32_t page)
{
    return MIN(g->n - page * GROUPS_IN_PAGE, GROUPS_IN_PAGE) * sizeof(uint32_t);
}

struct groups *groups_alloc(uint32_t n); /* n > 0, the caller fills and sorts it; NULL: no memory */
void groups_sort(struct groups *g);
void groups_put(struct groups *g);
/* Is one of them, low <= it <= high, in there?  false for NULL. */
bool groups_between(const struct groups *g, uint32_t low, uint32_t high);

#endif
