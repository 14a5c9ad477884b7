/* mm.c - the life of an address space.
 *
 * users counts who may still reach the user half: tasks, and whoever looks into it from outside (procfs, truncation).
 * The last put tears everything down, so a vfork child that execs or exits only drops its reference and leaves the
 * parent's memory as it is.
 *
 * A CPU keeps the root of the last user task while it runs kernel threads or idles.  Before anything is freed all
 * CPUs that still have the root go to the kernel's (tlb.c), so that the teardown itself needs no flush. */
#include "mm/mm.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "lib/string.h"
#include "mm/copy.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kmap.h"
#include "mm/kstack.h"
#include "mm/ldt.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "mm/unmap.h"
#include "trace/trace.h"

static uint32_t last_id; /* [atomic] */

/* Empty but for its root; from: the mm it is to be a copy of. */
static int mm_new(uint32_t from, struct mm **out)
{
    struct mm *mm = kzalloc(sizeof *mm);
    if (!mm)
        return -ENOMEM;
    mutex_init(&mm->lock, LOCK_mm);
    ref_init(&mm->users, 1);
    mm->image.dumpable = 1;
    mm->image.core_filter = CORE_FILTER;
    mm->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    int err = pt_root_new(mm, from);
    if (err) {
        kfree(mm);
        return err;
    }
    *out = mm;
    return 0;
}

int mm_create(struct mm **out)
{
    int err = mm_new(0, out);
    if (!err)
        kstack_replenish();
    return err;
}

int mm_fork(struct mm *from, struct mm **out)
{
    struct mm *mm;
    int err = mm_new(from->id, &mm);
    if (err)
        return err;
    mutex_lock(&from->lock);
    mutex_lock(&mm->lock); /* nobody knows it yet: never waits */
    mm->image = from->image;
    mm->kept = from->kept;
    if (mm->image.exe)
        file_get(mm->image.exe);
    err = mm_copy(mm, from);
    mutex_unlock(&mm->lock);
    mutex_unlock(&from->lock);
    if (err) {
        mm_put(mm, PT_exit_teardown);
        return err;
    }
    kstack_replenish();
    *out = mm;
    return 0;
}

void mm_get(struct mm *mm) { ref_get(&mm->users); }

bool mm_get_unless_dead(struct mm *mm) { return ref_get_unless_dead(&mm->users); }

static uint32_t teardowns; /* [a] mms without a user whose memory is not back yet */

bool mm_memory_is_coming(void) { return __atomic_load_n(&teardowns, __ATOMIC_ACQUIRE) != 0; }

static SLOW_PATH void mm_end(struct mm *mm, enum pt_reason why)
{
    __atomic_fetch_add(&teardowns, 1, __ATOMIC_RELAXED);
    if (unlikely(((uintptr_t)mm->askers | (uintptr_t)mm->ldt) != 0))
        mm_end_rare(mm);
    tlb_leave(mm);
    mm_drop(mm, 0, USER_END, why);
    pt_root_free(mm, why);
    __atomic_fetch_sub(&teardowns, 1, __ATOMIC_RELEASE);
    trace_mm_free(mm->id);
    if (mm->image.exe)
        file_put(mm->image.exe);
    kfree(mm);
}

void mm_put(struct mm *mm, enum pt_reason why)
{
    if (ref_put(&mm->users))
        mm_end(mm, why);
}
