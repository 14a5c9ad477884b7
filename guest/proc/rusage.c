/* rusage.c - what the threads of a process and its dead children have used. */
#include "proc/rusage.h"
#include "arch/clock.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/times.h"

struct usage {
    uint64_t user, sys, minflt, nvcsw, nivcsw, maxrss;
};

static void add_thread(struct usage *u, struct task *t)
{
    uint64_t user, sys;

    task_times(t, &user, &sys);
    u->user += user;
    u->sys += sys;
    u->minflt += t->minflt;
    u->nvcsw += t->nvcsw;
    u->nivcsw += t->nivcsw;
    if (t->mm != NULL)
        u->maxrss = MAX(u->maxrss, t->mm->hiwater_rss);
}

#define PLAIN_MOST  64u  /* threads, more than which let others run in between, */
#define WORK_THREAD 150u /* at so many instructions each, about (arch/preempt.h) */

static void add_threads(struct usage *u, struct process *p)
{
    struct family_walk w;
    struct task *t;

    if (p->nthreads <= PLAIN_MOST) {
        list_for_each(t, &p->threads, thread_link) {
            spin_lock(&t->lock);
            add_thread(u, t);
            spin_unlock(&t->lock);
        }
        return;
    }
    family_walk_begin(&w, &p->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_THREAD) != NULL) {
        spin_lock(&t->lock);
        add_thread(u, t);
        spin_unlock(&t->lock);
    }
    family_walk_end(&w);
}

static void add_self(struct usage *u, struct process *p)
{

    u->user += p->utime_ns;
    u->sys += p->stime_ns;
    u->minflt += p->minflt;
    u->nvcsw += p->nvcsw;
    u->nivcsw += p->nivcsw;
    u->maxrss = MAX(u->maxrss, p->maxrss);
    add_threads(u, p);
}

static void add_children(struct usage *u, const struct process *p)
{
    u->user += p->cutime_ns;
    u->sys += p->cstime_ns;
    u->minflt += p->cminflt;
    u->nvcsw += p->cnvcsw;
    u->nivcsw += p->cnivcsw;
    u->maxrss = MAX(u->maxrss, p->cmaxrss);
}

static struct __kernel_old_timeval timeval_of(uint64_t ns)
{
    return (struct __kernel_old_timeval){ (__kernel_old_time_t)(ns / NSEC_PER_SEC),
                                          (__kernel_long_t)(ns % NSEC_PER_SEC / 1000) };
}

static void fill(struct rusage *ru, const struct usage *u)
{
    memset(ru, 0, sizeof *ru);
    ru->ru_utime = timeval_of(u->user);
    ru->ru_stime = timeval_of(u->sys);
    ru->ru_maxrss = (__kernel_long_t)(u->maxrss * (PAGE_SIZE / 1024));
    ru->ru_minflt = (__kernel_long_t)u->minflt;
    ru->ru_nvcsw = (__kernel_long_t)u->nvcsw;
    ru->ru_nivcsw = (__kernel_long_t)u->nivcsw;
}

void rusage_of_thread(struct task *t, struct rusage *ru)
{
    struct usage u = { 0 };

    add_thread(&u, t);
    fill(ru, &u);
}

void rusage_of_process(struct process *p, int who, struct rusage *ru)
{
    struct usage u = { 0 };

    if (who != RUSAGE_CHILDREN)
        add_self(&u, p);
    if (who != RUSAGE_SELF)
        add_children(&u, p);
    fill(ru, &u);
}
