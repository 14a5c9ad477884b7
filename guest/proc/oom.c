/* oom.c - memory is out and nothing else helps: the process that has most of it
 * mapped is killed, where oom_score_adj adds thousandths of RAM to what it has.
 * Not init, and nobody as long as somebody is dying already, or an address space
 * is being torn down: that memory is about to come back, so there is nothing to do but
 * wait for it.  Two CPUs that are here at once agree on that by tree_lock. */
#include "proc/oom.h"
#include "fs/kmsg.h"
#include "lib/printf.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "proc/signal.h"

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

int64_t oom_badness(struct process *p)
{
    if (p == init_process || p->zombie || p->oom_score_adj == OOM_ADJ_NEVER)
        return INT64_MIN;
    uint64_t pages = mapped_by(p);
    if (pages == 0)
        return INT64_MIN;
    return (int64_t)pages + (int64_t)(frames_total / 1000) * p->oom_score_adj;
}

#define WORK_LOOK 120u /* instructions a process, about (arch/preempt.h) */

/* Whose end frees most, held; NULL: nobody's.  *dying: somebody is at it already.  tree_lock held, and
 * given up now and then. */
static struct process *find_victim(bool *dying)
{
    struct process *p, *victim = NULL;
    int64_t most = INT64_MIN;
    struct family_walk w;

    family_walk_begin(&w, &all_processes);
    while (!*dying && FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL) {
        int64_t badness = oom_badness(p);

        *dying = p->group_exit && !p->zombie;
        if (badness == INT64_MIN || badness <= most)
            continue;
        most = badness;
        process_get(p);
        if (victim != NULL)
            process_put(victim);
        victim = p;
    }
    family_walk_end(&w);
    return victim;
}

int oom_kill(void)
{
    bool dying = false;

    if (mm_memory_is_coming()) /* another CPU frees an address space */
        return 0;
    spin_lock(&tree_lock);
    struct process *victim = find_victim(&dying);
    if (victim != NULL && victim->group_exit)
        dying = true; /* meanwhile */
    if (victim != NULL && !dying) {
        kprintf("out of memory: killed process %u (%s), %llu KiB mapped\n", victim->tgid,
                victim->leader->rec->comm,
                (unsigned long long)mapped_by(victim) * (PAGE_SIZE / 1024));
        kmsg_wake();
        signal_send_process_locked(victim, SIGKILL, NULL);
    }
    spin_unlock(&tree_lock);
    if (victim != NULL)
        process_put(victim);
    return victim != NULL || dying ? 0 : -ENOMEM;
}
