/* oom.c - memory is out and nothing else helps: the process that has most of it
 * mapped is killed, where oom_score_adj adds thousandths of RAM to what it has.
 * Not init, and nobody as long as somebody is dying already, or an address space
 * is being torn down: that memory is about to come back, so there is nothing to do but
 * wait for it.  Two CPUs that are here at once agree on that by tree_lock. */
#include "proc/oom.h"
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

int oom_kill(void)
{
    struct process *p, *victim = NULL;
    int64_t most = INT64_MIN;

    if (mm_memory_is_coming()) /* another CPU frees an address space */
        return 0;
    spin_lock(&tree_lock);
    list_for_each(p, &all_processes, all_link) {
        int64_t badness = oom_badness(p);
        if (p->group_exit && !p->zombie) {
            spin_unlock(&tree_lock);
            return 0;
        }
        if (badness == INT64_MIN)
            continue;
        if (badness > most) {
            most = badness;
            victim = p;
        }
    }
    if (victim != NULL) {
        kprintf("out of memory: killed process %u (%s), %llu KiB mapped\n", victim->tgid,
                victim->leader->rec->comm,
                (unsigned long long)mapped_by(victim) * (PAGE_SIZE / 1024));
        signal_send_process_locked(victim, SIGKILL, NULL);
    }
    spin_unlock(&tree_lock);
    return victim != NULL ? 0 : -ENOMEM;
}
