/* ending.c - what is done a little later.
 *
 * A task with something to do so has RETURN_ENDINGS among the reasons for which the way to user mode is left, and is
 * watched, so that its end looks, too.  The list is everybody's: who comes first does all there is. */
#include "proc/ending.h"
#include "proc/process.h"
#include "proc/watched.h"

static struct ending *todo; /* [a] */

static void mark(bool yes)
{
    struct task *t = current;

    if (yes)
        __atomic_fetch_or(&t->rseq_event, RETURN_ENDINGS, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&t->rseq_event, (uint8_t)~RETURN_ENDINGS, __ATOMIC_RELAXED);
    spin_lock(&tree_lock);
    task_watch(t);
    spin_unlock(&tree_lock);
}

void end_later(struct ending *l, void (*fn)(struct ending *l))
{
    l->fn = fn;
    l->next = __atomic_load_n(&todo, __ATOMIC_RELAXED);
    while (
        !__atomic_compare_exchange_n(&todo, &l->next, l, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    mark(true);
}

void endings_run(void)
{
    struct ending *l, *next;

    mark(false);
    while ((l = __atomic_exchange_n(&todo, NULL, __ATOMIC_ACQUIRE)) != NULL)
        for (; l != NULL; l = next) {
            next = l->next;
            l->fn(l);
        }
}
