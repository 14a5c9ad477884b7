/* record.c - the records of tasks, as shared/inspect.h lays them out.
 *
 * They lie in pages of their own, which are never given back, as someone may be
 * reading them from outside.  That keeps little: a record has 56 bytes, where all of a task takes
 * 22 KiB at least, stack, vector state and objects.  So what is kept of the most tasks that there ever were
 * is a quarter of a percent of what they took: 112 pages after 8000 tasks, 456 (1.8 MiB) after as many as
 * there are numbers (pid.h), for which a machine of 700 MiB is not enough.  A free record has pid 0 and keeps the next free one's
 * address in since_tsc. */
#include "sched/record.h"
#include "arch/clock.h"
#include "arch/hypercall.h"
#include "arch/layout.h"
#include "lib/string.h"
#include "mm/frame.h"

static struct inspect_root inspect;
static struct inspect_page *newest_page; /* [records_lock] */
static struct task_record *free_records; /* [records_lock] */
static uint32_t fresh_record;            /* [records_lock] first unused one of newest_page */
static struct spinlock records_lock = SPINLOCK_INIT(LOCK_records); /* innermost but frame */

static int records_grow(void)
{
    pfn_t pfn = frame_alloc_zeroed();
    if (pfn == 0)
        return -ENOMEM;
    struct inspect_page *page = frame_va(pfn);
    page->next = inspect.first_page;
    inspect.first_page = virt_to_phys(page);
    newest_page = page;
    fresh_record = 0;
    return 0;
}

struct task_record *record_alloc(void)
{
    struct task_record *rec = NULL;

    spin_lock(&records_lock);
    if (free_records != NULL) {
        rec = free_records;
        free_records = (struct task_record *)rec->since_tsc;
    } else if (fresh_record < INSPECT_RECORDS_PER_PAGE || records_grow() == 0) {
        rec = &newest_page->record[fresh_record++];
    }
    spin_unlock(&records_lock);
    if (rec != NULL) {
        memset(rec, 0, sizeof *rec);
        rec->syscall = 0xffff;
    }
    return rec;
}

void record_free(struct task_record *rec)
{
    rec->pid = 0;
    spin_lock(&records_lock);
    rec->since_tsc = (uint64_t)free_records;
    free_records = rec;
    spin_unlock(&records_lock);
}

void record_running(uint32_t cpu, uint32_t tid) { inspect.running[cpu] = tid; }

void record_fs_layout(paddr_t at) { inspect.fs_layout = at; }

void record_vain(uint32_t nr)
{
    spin_lock(&records_lock);
    struct inspect_vain *v = inspect.vain, *end = v + INSPECT_VAIN;
    while (v < end && v->count != 0 && v->nr != nr)
        v++;
    if (v == end) {
        inspect.vain_others++;
    } else if (v->count != UINT32_MAX) {
        v->nr = nr;
        v->count++;
    }
    spin_unlock(&records_lock);
}

/* More CPUs run now. */
void record_cpus(void) { inspect.ncpus = ncpus; }

void record_init(void)
{
    inspect.magic = INSPECT_MAGIC;
    inspect.vain_magic = INSPECT_VAIN_MAGIC;
    inspect.tsc_khz = tsc_khz;
    inspect.ncpus = ncpus;
    if (records_grow() != 0)
        panic("no memory for the first task");
    if (hc_present)
        hypercall(HC_INSPECT, virt_to_phys(&inspect), 0, 0, 0);
}

void task_set_state(struct task *t, enum task_state next, enum block_reason reason, uint32_t on_pid)
{
    struct task_record *rec = t->rec;
    uint8_t prev = rec->state;

    rec->reason = reason;
    rec->on_pid = on_pid;
    rec->since_tsc = tsc_stamp();
    rec->state = next;
    trace_task_state(rec->mm, t->tid, prev, next, reason, on_pid, 0);
}
