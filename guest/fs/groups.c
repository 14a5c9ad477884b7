/* groups.c - lists of supplementary groups, sorted, so that looking into a long one is cheap. */
#include "fs/groups.h"
#include "arch/preempt.h"
#include "mm/heap.h"

#define WORK_SIFT 1000u /* instructions, about (arch/preempt.h) */

static uint32_t pages_of(uint32_t n) { return (n + GROUPS_IN_PAGE - 1) / GROUPS_IN_PAGE; }

static void free_groups(struct groups *g)
{
    for (uint32_t i = 0; i < pages_of(g->n); i++)
        kfree(g->page[i]);
    kfree(g);
}

void groups_put(struct groups *g)
{
    if (ref_put(&g->refs))
        free_groups(g);
}

/* The heap below `top` is one but for what is at `i`. */
static void sift(struct groups *g, uint32_t i, uint32_t top)
{
    uint32_t value = *groups_at(g, i), child;

    for (; (child = 2 * i + 1) < top; i = child) {
        if (child + 1 < top && *groups_at(g, child + 1) > *groups_at(g, child))
            child++;
        if (*groups_at(g, child) <= value)
            break;
        *groups_at(g, i) = *groups_at(g, child);
    }
    *groups_at(g, i) = value;
    preempt_work(WORK_SIFT);
}

/* A heap sort: nobody can choose numbers that make it slow. */
void groups_sort(struct groups *g)
{
    for (uint32_t i = g->n / 2; i-- > 0;)
        sift(g, i, g->n);
    for (uint32_t top = g->n; top-- > 1;) {
        uint32_t last = *groups_at(g, top);
        *groups_at(g, top) = *groups_at(g, 0);
        *groups_at(g, 0) = last;
        sift(g, 0, top);
    }
}

struct groups *groups_alloc(uint32_t n)
{
    struct groups *g = kzalloc(sizeof *g + pages_of(n) * sizeof g->page[0]);

    if (g == NULL)
        return NULL;
    ref_init(&g->refs, 1);
    g->n = n;
    for (uint32_t i = 0; i < pages_of(n); i++)
        if ((g->page[i] = kmalloc(groups_bytes(g, i))) == NULL) {
            free_groups(g);
            return NULL;
        }
    return g;
}

bool groups_between(const struct groups *g, uint32_t low, uint32_t high)
{
    uint32_t from = 0, to = g != NULL ? g->n : 0;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2, found = *groups_at(g, middle);
        if (found >= low && found <= high)
            return true;
        if (found < low)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}
