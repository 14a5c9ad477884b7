/* pid.c - the table from PID to task.
 *
 * Two levels, so that a lookup is two loads and boot writes nothing: pages of
 * 256 entries are made when a number in them is first given out, and kept.
 * Numbers go up and wrap at PID_MAX to PID_MIN_AGAIN, so that one is not used
 * again soon after its owner is gone. */
#include "proc/pid.h"
#include "mm/heap.h"
#include "sched/task.h"

#define PER_PAGE      256u
#define PID_MIN_AGAIN 300u /* as Linux: low numbers stay with the system's first daemons */

struct pid_entry {
    struct task *task;
    uint32_t holds; /* memberships in the group or session of this number */
};
_Static_assert(sizeof(struct pid_entry) * PER_PAGE <= KMALLOC_MAX, "one heap object");

static struct pid_entry *pages[PID_MAX / PER_PAGE]; /* [T] */
static uint32_t last;                               /* [T] */
static uint64_t given;                              /* [T] */

static struct pid_entry *entry(uint32_t pid)
{
    if (pid == 0 || pid >= PID_MAX || pages[pid / PER_PAGE] == NULL)
        return NULL;
    return &pages[pid / PER_PAGE][pid % PER_PAGE];
}

int pid_claim(struct task *t, uint32_t pid)
{
    struct pid_entry **page = &pages[pid / PER_PAGE];

    if (*page == NULL && (*page = kzalloc(sizeof(struct pid_entry) * PER_PAGE)) == NULL)
        return -ENOMEM;
    struct pid_entry *e = entry(pid);
    if (e->task != NULL || e->holds != 0)
        return -EEXIST;
    e->task = t;
    given++;
    return 0;
}

uint32_t pid_alloc(struct task *t)
{
    int err = -EEXIST;

    for (uint32_t tried = 0, pid = last; tried < PID_MAX && err == -EEXIST; tried++) {
        pid = pid + 1 < PID_MAX ? pid + 1 : PID_MIN_AGAIN;
        err = pid_claim(t, pid);
        if (err == 0)
            return last = pid;
    }
    return 0;
}

void pid_set_task(uint32_t pid, struct task *t) { entry(pid)->task = t; }

void pid_free(uint32_t pid) { entry(pid)->task = NULL; }

void pid_hold(uint32_t pid)
{
    struct pid_entry *e = entry(pid);
    if (e != NULL)
        e->holds++;
}

void pid_drop(uint32_t pid)
{
    struct pid_entry *e = entry(pid);
    if (e != NULL) {
        ASSERT(e->holds > 0);
        e->holds--;
    }
}

uint32_t pid_last(void) { return last; }

uint64_t pid_given(void) { return given; }

struct task *task_find(uint32_t tid)
{
    struct pid_entry *e = entry(tid);
    return e != NULL ? e->task : NULL;
}
