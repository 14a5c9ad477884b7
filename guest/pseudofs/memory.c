/* memory.c - what memory is used for. */
#include "pseudofs/memory.h"
#include "fs/inode.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/huge.h"
#include "mm/kstack.h"
#include "mm/mm.h"
#include "proc/process.h"

#define KB(pages) ((uint64_t)(pages) << (PAGE_SHIFT - 10))

/* slab_used is exact: objects in use, whatever pages they keep from being freed.  So
 * total - free - reclaimable is what is in use, to the KiB. */
void memory_use_ask(struct memory_use *m)
{
    struct frame_counts c;
    uint64_t heap, in_use, stacks, kept;

    frame_count(&c);
    heap_count(&heap, &in_use);
    kstack_count(&stacks, &kept);
    stacks *= KSTACK_BYTES / PAGE_SIZE;
    kept *= KSTACK_BYTES / PAGE_SIZE;
    m->total = KB(c.total);
    m->free = KB(c.free);
    m->available = KB(c.free + kept);
    m->files = KB(__atomic_load_n(&file_pages, __ATOMIC_RELAXED));
    m->slab = KB(heap);
    m->slab_used = (in_use + 1023) / 1024;
    m->slab_reclaimable = m->slab - m->slab_used;
    m->reclaimable = m->slab_reclaimable + KB(kept);
    m->stacks = KB(stacks - kept);
    m->tables = KB(c.tables_used);
    m->huge = KB(huge_count() * HUGE_FRAMES);
}

struct promise {
    struct mm *last;
    uint64_t pages;
};

/* The memory of a process counts once; whose maker has the same one (vfork) is left out. */
static void add_promised(struct task *t, void *arg)
{
    struct promise *sum = arg;
    const struct process *maker = t->proc->parent;

    spin_lock(&t->lock);
    if (t->mm && t->mm != sum->last && !(maker && maker->leader && maker->leader->mm == t->mm))
        sum->pages += t->mm->data_vm + t->mm->stack_vm;
    sum->last = t->mm ? t->mm : sum->last;
    spin_unlock(&t->lock);
}

uint64_t memory_promised(void)
{
    struct promise sum = { .pages = __atomic_load_n(&file_pages, __ATOMIC_RELAXED) };

    family_each_task(add_promised, &sum, 60);
    return sum.pages;
}
