/* poll.c - one task waits for several files.
 *
 * One pass asks each file, and the first pass also enters the caller into the
 * queues that the files name, before it looks: so a change after a file was asked
 * wakes the caller.  Only the first entry clears the wake token (sched/block.h);
 * the later ones must keep it, or a wake by an earlier queue would be lost.  A
 * table entry holds the file, whose queue would else go away with a close by
 * another thread.
 *
 * A time-out is a moment, not a duration, so that spurious wakes cost no time. */
#include "fs/poll.h"
#include "arch/preempt.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "mm/heap.h"
#include "sched/task.h"

#define ALWAYS_READY  (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)
#define ENTRIES_FIRST 6 /* on the stack, more in the heap */
#define ENTRIES_MORE  ((KMALLOC_MAX - sizeof(struct entries)) / sizeof(struct entry))

/* Instructions a file, about (arch/preempt.h). */
#define WORK_ASK   150u
#define WORK_JOIN  300u
#define WORK_LEAVE 80u
#define WORK_PASS  5u

struct entry {
    struct waiter waiter;
    struct waitq *queue;
    struct file *file;
};
struct entries {
    struct entries *next;
    unsigned n;
    struct entry entry[];
};

struct table {
    struct poll_table pt;
    struct file *asked;   /* whose poll operation runs */
    bool failed;          /* out of memory for entries */
    struct waitq *last;   /* that was entered */
    struct entries *more; /* newest first */
    unsigned n;
    struct entry first[ENTRIES_FIRST];
};

static struct entry *new_entry(struct table *pt)
{
    if (pt->n < ENTRIES_FIRST)
        return &pt->first[pt->n++];
    if (pt->more == NULL || pt->more->n == ENTRIES_MORE) {
        struct entries *page = kmalloc(KMALLOC_MAX);
        if (page == NULL)
            return NULL;
        page->next = pt->more;
        page->n = 0;
        pt->more = page;
    }
    return &pt->more->entry[pt->more->n++];
}

static void enter(struct poll_table *pt, struct waitq *q)
{
    struct table *t = container_of(pt, struct table, pt);
    if (q == t->last)
        return; /* many descriptors of one pipe: once is enough */
    bool is_first = t->n == 0;
    struct entry *e = new_entry(t);
    if (e == NULL) {
        t->failed = true;
        return;
    }
    e->queue = t->last = q;
    e->file = t->asked;
    file_get(e->file);
    if (is_first)
        waiter_add(q, &e->waiter);
    else
        waiter_join(q, &e->waiter);
}

static void leave_queues(struct entry *e, unsigned n)
{
    for (; n > 0; n--, e++) {
        waiter_remove(e->queue, &e->waiter);
        file_put(e->file);
    }
}

static void pass_on(struct table *pt)
{
    for (unsigned i = 0; i < pt->n; i++)
        waitq_pass_on(pt->first[i].queue);
    for (struct entries *page = pt->more; page != NULL; page = page->next) {
        for (unsigned i = 0; i < page->n; i++)
            waitq_pass_on(page->entry[i].queue);
        preempt_work(page->n * WORK_PASS);
    }
}

static void table_free(struct table *pt)
{
    leave_queues(pt->first, pt->n);
    while (pt->more != NULL) {
        struct entries *page = pt->more;
        pt->more = page->next;
        leave_queues(page->entry, page->n);
        preempt_work(page->n * WORK_LEAVE);
        kfree(page);
    }
}

long poll_ask(int fd, struct poll_table *pt)
{
    struct file *f = preempt_killed() ? NULL : fd_get(fd); /* nobody sees the answer */
    if (f == NULL)
        return -EBADF;
    if (pt != NULL)
        container_of(pt, struct table, pt)->asked = f;
    uint32_t ready = f->ops->poll != NULL ? f->ops->poll(f, pt) : ALWAYS_READY;
    file_put(f);
    preempt_work(pt != NULL ? WORK_JOIN : WORK_ASK);
    return ready;
}

long poll_files(long (*pass)(void *what, struct poll_table *pt), void *what,
                enum block_reason reason, uint64_t deadline)
{
    struct table table;
    struct poll_table *pt = deadline == 0 ? NULL : &table.pt;
    table.pt.enter = enter;
    table.n = 0;
    table.more = NULL;
    table.failed = false;
    table.last = NULL;
    bool over = deadline == 0;
    long found;
    for (;;) {
        found = pass(what, pt);
        if (table.failed)
            found = -ENOMEM;
        if (found == 0 && over && signal_pending(current))
            found = -ERESTARTNOHAND; /* as in Linux, a signal outdoes the time-out: who
                                             * polls with a mask and no time would never see it */
        if (found != 0 || over)
            break;
        pt = NULL;
        int err = block(reason, 0, BLOCK_INTERRUPTIBLE, deadline);
        if (err == -ETIMEDOUT) {
            over = true; /* and one last look */
        } else if (err != 0) {
            found = -ERESTARTNOHAND;
            break;
        }
        pass_on(&table);
    }
    table_free(&table);
    return found;
}
