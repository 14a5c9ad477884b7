/* pid.c - the table from PID to task.
 *
 * Two levels, so that a lookup is two loads and boot writes nothing: a page of
 * entries is made when a number in it is first given out, and goes with the last of them;
 * the page that numbers are given out from stays, else each fork of a lone child made it anew.
 * Numbers go up and wrap at pid_max to PID_MIN_AGAIN, so that one is not used
 * again soon after its owner is gone. */
#include "proc/pid.h"
#include "mm/heap.h"
#include "proc/pid_ns.h"
#include "sched/task.h"

#define PER_PAGE      128u
#define HAS_NAMES     0x80000000u
#define PID_MIN_AGAIN 300u /* as Linux: low numbers stay with the system's first daemons */

/* In use while one of the first three is not 0. */
struct pid_entry {
    struct task *task;
    uint32_t members;        /* of the group of this number */
    uint32_t holds;          /* members of its session */
    struct session *session; /* of the group, if it has members */
};
static struct pid_page {
    uint32_t used; /* entries; and HAS_NAMES, so that it is no small number, if there are: */
    struct pid_names **names; /* what each is called in namespaces below the first; or NULL */
    struct pid_entry entry[PER_PAGE];
} * pages[PID_MAX / PER_PAGE]; /* [T] */
uint32_t pid_max = PID_MAX;
_Static_assert(sizeof(struct pid_page) <= KMALLOC_MAX, "one heap object");

static uint32_t last;  /* [T] */
static uint64_t given; /* [T] */

static struct pid_entry *entry(uint32_t pid)
{
    if (pid == 0 || pid >= PID_MAX || pages[pid / PER_PAGE] == NULL)
        return NULL;
    return &pages[pid / PER_PAGE]->entry[pid % PER_PAGE];
}

static bool is_used(const struct pid_entry *e)
{
    return e->task != NULL || e->members != 0 || e->holds != 0;
}

static SLOW_PATH void free_if_unused(uint32_t page)
{
    if (pages[page] == NULL || (pages[page]->used & ~HAS_NAMES) != 0 || page == last / PER_PAGE)
        return;
    kfree(pages[page]->names);
    kfree(pages[page]);
    pages[page] = NULL;
}

/* And its page, perhaps, or the page has names. */
static SLOW_PATH void unused(uint32_t pid)
{
    struct pid_page *page = pages[pid / PER_PAGE];

    if (page->names != NULL)
        pid_names_drop(&page->names[pid % PER_PAGE]);
    free_if_unused(pid / PER_PAGE);
}

/* It may not be used any more. */
static void check_unused(uint32_t pid, struct pid_entry *e)
{
    if (!is_used(e) && (int32_t)--pages[pid / PER_PAGE]->used <= 0)
        unused(pid);
}

int pid_claim(struct task *t, uint32_t pid)
{
    struct pid_page **page = &pages[pid / PER_PAGE];

    if (*page == NULL && (*page = kzalloc(sizeof(struct pid_page))) == NULL)
        return -ENOMEM;
    struct pid_entry *e = entry(pid);
    if (is_used(e))
        return -EEXIST;
    e->task = t;
    (*page)->used++;
    given++;
    return 0;
}

void pid_set_last(uint32_t pid)
{
    uint32_t before = last / PER_PAGE;

    last = MIN(pid, PID_MAX - 1u);
    free_if_unused(before);
}

/* Full pages are passed over as a whole. */
uint32_t pid_alloc(struct task *t)
{
    int err = -EEXIST;

    for (uint32_t tried = 0, pid = last; tried < PID_MAX && err == -EEXIST; tried++) {
        pid = pid + 1 < pid_max ? pid + 1 : PID_MIN_AGAIN;
        struct pid_page *page = pages[pid / PER_PAGE];
        if (unlikely(page != NULL && page->used == PER_PAGE)) {
            tried += PER_PAGE - 1 - pid % PER_PAGE;
            pid |= PER_PAGE - 1;
            continue;
        }
        err = pid_claim(t, pid);
        if (err == 0) {
            uint32_t before = last / PER_PAGE;
            last = pid;
            if (unlikely(before != pid / PER_PAGE))
                free_if_unused(before);
            return pid;
        }
    }
    return 0;
}

void pid_set_task(uint32_t pid, struct task *t) { entry(pid)->task = t; }

void pid_free(uint32_t pid)
{
    struct pid_entry *e = entry(pid);

    e->task = NULL;
    check_unused(pid, e);
}

void pid_hold(uint32_t pid)
{
    struct pid_entry *e = entry(pid);
    if (e != NULL)
        e->holds++;
}

void pid_drop(uint32_t pid)
{
    struct pid_entry *e = entry(pid);
    if (e == NULL)
        return;
    ASSERT(e->holds > 0);
    if (--e->holds == 0)
        check_unused(pid, e);
}

void pid_join(uint32_t pgid, struct session *s)
{
    struct pid_entry *e = entry(pgid);
    if (e != NULL) {
        e->members++;
        e->session = s;
    }
}

void pid_part(uint32_t pgid)
{
    struct pid_entry *e = entry(pgid);
    if (e == NULL)
        return;
    ASSERT(e->members > 0);
    if (--e->members == 0)
        check_unused(pgid, e);
}

struct session *pid_group_session(uint32_t pgid)
{
    struct pid_entry *e = entry(pgid);
    return e != NULL && e->members != 0 ? e->session : NULL;
}

bool pid_has_session(uint32_t sid)
{
    struct pid_entry *e = entry(sid);
    return e != NULL && e->holds != 0;
}

struct task *pid_next_task(uint32_t *from, uint32_t looks)
{
    for (; *from < PID_MAX && looks > 0; looks--) {
        struct pid_page *page = pages[*from / PER_PAGE];
        struct task *t = page != NULL ? page->entry[*from % PER_PAGE].task : NULL;

        *from = page != NULL ? *from + 1 : (*from | (PER_PAGE - 1)) + 1;
        if (t != NULL)
            return t;
    }
    return NULL;
}

struct pid_names **pid_names(uint32_t pid, bool make)
{
    struct pid_page *page = entry(pid) != NULL ? pages[pid / PER_PAGE] : NULL;

    if (page != NULL && page->names == NULL && make &&
        (page->names = kzalloc(PER_PAGE * sizeof page->names[0])) != NULL)
        page->used |= HAS_NAMES;
    return page != NULL && page->names != NULL ? &page->names[pid % PER_PAGE] : NULL;
}

uint32_t pid_last(void) { return last; }

uint64_t pid_given(void) { return given; }

struct task *task_find(uint32_t tid)
{
    struct pid_entry *e = entry(tid);
    return e != NULL ? e->task : NULL;
}
