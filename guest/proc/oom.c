/* oom.c - memory is out and nothing else helps: the process that has most of it
 * mapped is killed.  Not init, and nobody who is dying already: that one's
 * memory is about to come back, so there is nothing to do but wait for it. */
#include "proc/internal.h"
#include "lib/printf.h"

static uint64_t mapped_by(struct process *p)
{
    struct task *t;

    list_for_each(t, &p->threads, thread_link) {
        spin_lock(&t->lock);
        uint64_t pages = t->mm != NULL ? t->mm->pages_mapped : 0;
        spin_unlock(&t->lock);
        if (pages != 0)
            return pages;
    }
    return 0;
}

int oom_kill(void)
{
    struct process *p, *victim = NULL;
    uint64_t most = 0;

    spin_lock(&tree_lock);
    list_for_each(p, &all_processes, all_link) {
        uint64_t pages = p == init_process || p->zombie ? 0 : mapped_by(p);
        if (pages == 0)
            continue;
        if (p->group_exit) {
            spin_unlock(&tree_lock);
            return 0;
        }
        if (pages > most) {
            most = pages;
            victim = p;
        }
    }
    if (victim != NULL) {
        kprintf("out of memory: killed process %u (%s), %llu KiB mapped\n", victim->tgid,
                victim->leader->rec->comm, (unsigned long long)most * (PAGE_SIZE / 1024));
        signal_send_process(victim, SIGKILL, NULL);
    }
    spin_unlock(&tree_lock);
    return victim != NULL ? 0 : -ENOMEM;
}
