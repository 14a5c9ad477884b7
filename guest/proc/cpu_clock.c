/* cpu_clock.c - CPU time as a clock: that of a process, with its dead threads, or of a thread.
 *
 * A clock holds a reference to whose it is, so it can be read after that has ended; it stands still then. */
#include "proc/cpu_clock.h"
#include "arch/clock.h"
#include "mm/heap.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include "sched/times.h"
#include <linux/time.h>

/* --- sums over the threads of a process ------------------------------------------- */

static void add_times(struct task *t, uint64_t *user, uint64_t *sys)
{
    uint64_t u, s;

    task_times(t, &u, &s);
    *user += u;
    *sys += s;
}

#define PLAIN_MOST  64u  /* threads, more than which let others run in between, */
#define WORK_THREAD 130u /* at so many instructions each, about (arch/preempt.h) */

/* In one step. */
static void times_now(struct process *p, uint64_t *user, uint64_t *sys)
{
    struct task *t;

    spin_lock(&tree_lock);
    *user = p->utime_ns;
    *sys = p->stime_ns;
    list_for_each(t, &p->threads, thread_link)
        add_times(t, user, sys);
    spin_unlock(&tree_lock);
}

/* In an interrupt, PLAIN_MOST of thousands of threads each time.  Time that a thread has in its turn
 * and time that one takes along that ends are counted once or not at all: the next look,
 * CPU_LOOK_NS later, has them. */
struct cpu_sum {
    struct family_walk walk;
    uint64_t user, sys;
};

static SLOW_PATH struct cpu_sum *sum_begin(struct process *p)
{
    struct cpu_sum *sum = kmalloc(sizeof(*sum));

    if (sum == NULL)
        return NULL;
    sum->user = p->utime_ns;
    sum->sys = p->stime_ns;
    family_walk_begin(&sum->walk, &p->threads);
    return sum;
}

/* tree_lock held. */
static void sum_free(struct cpu_sum **sum)
{
    family_walk_end(&(*sum)->walk);
    kfree(*sum);
    *sum = NULL;
}

void cpu_sum_end(struct cpu_sum **sum)
{
    if (*sum == NULL)
        return;
    spin_lock(&tree_lock);
    sum_free(sum);
    spin_unlock(&tree_lock);
}

static SLOW_PATH bool sum_some(struct process *p, struct cpu_sum **sum, uint64_t *user,
                               uint64_t *sys)
{
    struct list *l = NULL;

    spin_lock(&tree_lock);
    bool begun = *sum != NULL || (*sum = sum_begin(p)) != NULL;
    for (unsigned n = 0; begun && n < PLAIN_MOST; n++)
        if ((l = family_walk_step(&(*sum)->walk)) != NULL)
            add_times(list_entry(l, struct task, thread_link), &(*sum)->user, &(*sum)->sys);
        else
            break;
    if (begun && l == NULL) {
        *user = (*sum)->user;
        *sys = (*sum)->sys;
        sum_free(sum);
    }
    spin_unlock(&tree_lock);
    if (!begun) /* no memory */
        times_now(p, user, sys);
    return !begun || l == NULL;
}

bool process_cpu_times_some(struct process *p, struct cpu_sum **sum, uint64_t *user, uint64_t *sys)
{
    if (p->nthreads > PLAIN_MOST || *sum != NULL)
        return sum_some(p, sum, user, sys);
    times_now(p, user, sys);
    return true;
}

/* Did no thread end meanwhile?  Else its time is in the process's or was added, or both. */
static bool sum_times(struct process *p, uint64_t *user, uint64_t *sys)
{
    struct family_walk w;
    struct task *t;
    uint64_t before_user = p->utime_ns, before_sys = p->stime_ns;

    *user = before_user;
    *sys = before_sys;
    family_walk_begin(&w, &p->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_THREAD) != NULL)
        add_times(t, user, sys);
    family_walk_end(&w);
    return p->utime_ns == before_user && p->stime_ns == before_sys;
}

void process_cpu_times(struct process *p, uint64_t *user, uint64_t *sys)
{
    if (p->nthreads <= PLAIN_MOST) {
        times_now(p, user, sys);
        return;
    }
    spin_lock(&tree_lock);
    for (unsigned tries = 0; tries < 4 && !sum_times(p, user, sys); tries++)
        ;
    spin_unlock(&tree_lock);
}

/* --- clocks ------------------------------------------------------------------------ */

/* A clock of a task is ~PID << 3, 4 for a thread, and which of three (2: what the scheduler says; the
 * other two are the same here but for 1, user time). */
#define CLOCK_THREAD 4
#define CLOCK_KIND   3
#define CLOCK_VIRT   1
#define CLOCK_OWN    ((int)(~0u << 3) | 2)

bool is_cpu_clock(int id)
{
    return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}

static int by_number(int id)
{
    return id == CLOCK_PROCESS_CPUTIME_ID  ? CLOCK_OWN
           : id == CLOCK_THREAD_CPUTIME_ID ? CLOCK_OWN | CLOCK_THREAD
                                           : id;
}

bool cpu_clock_own_thread(int id)
{
    uint32_t tid = (uint32_t) ~(by_number(id) >> 3);

    return is_cpu_clock(id) && (by_number(id) & CLOCK_THREAD) &&
           (tid == 0 || pid_named(tid) == current->tid);
}

int cpu_clock_open(int id, bool to_read, struct cpu_clock *c)
{
    struct task *me = current;

    id = by_number(id);
    uint32_t pid = (uint32_t) ~(id >> 3);
    *c = (struct cpu_clock){ .user_only = (id & CLOCK_KIND) == CLOCK_VIRT };
    if ((id & CLOCK_KIND) == CLOCK_KIND)
        return -EINVAL;
    spin_lock(&tree_lock);
    if (id & CLOCK_THREAD) {
        struct task *t = pid == 0 ? me : task_named(pid);
        c->thread = t != NULL && t->proc == me->proc ? t : NULL;
    } else {
        c->proc = pid == 0 || (to_read && pid_named(pid) == me->tid) ? me->proc
                                                                     : process_find(pid_named(pid));
    }
    cpu_clock_get(c);
    spin_unlock(&tree_lock);
    return c->thread != NULL || c->proc != NULL ? 0 : -EINVAL;
}

void cpu_clock_get(const struct cpu_clock *c)
{
    if (c->thread != NULL)
        task_get(c->thread);
    if (c->proc != NULL)
        process_get(c->proc);
}

void cpu_clock_put(const struct cpu_clock *c)
{
    if (c->thread != NULL)
        task_put(c->thread);
    if (c->proc != NULL)
        process_put(c->proc);
}

bool cpu_clock_gone(const struct cpu_clock *c)
{
    return c->thread != NULL ? c->thread->exiting : c->proc->zombie;
}

uint32_t cpu_clock_speed(const struct cpu_clock *c)
{
    return c->thread != NULL ? 1 : MAX(MIN(c->proc->nthreads, ncpus), 1u);
}

uint64_t cpu_clock_read(const struct cpu_clock *c)
{
    uint64_t user, sys;

    if (c->thread != NULL)
        task_times(c->thread, &user, &sys);
    else
        process_cpu_times(c->proc, &user, &sys);
    return c->user_only ? user : user + sys;
}

bool cpu_clock_read_some(const struct cpu_clock *c, struct cpu_sum **sum, uint64_t *ns)
{
    uint64_t user, sys;

    if (c->thread != NULL)
        task_times(c->thread, &user, &sys);
    else if (!process_cpu_times_some(c->proc, sum, &user, &sys))
        return false;
    *ns = c->user_only ? user : user + sys;
    return true;
}
