/* reach.c - user memory through the tables, for a kernel that has none of it mapped.
 *
 * Where the kernel runs in ring 3 its root maps no program's memory: what the MMU would do
 * is done here.  The entry is looked up with the rights of user mode, and if it does not
 * allow the access, mm/fault.c settles that as it does a program's fault; no trap is
 * needed.  mm->lock is held from the look until uaccess.c is done with the page, so the
 * frame is still that page's.  A fault of ring 0 takes that lock as well, so whoever may
 * touch user memory may do it here. */
#include "mm/reach.h"
#include "arch/uaccess.h"
#include "mm/fault.h"
#include "mm/pt.h"
#include "sched/task.h"

static reach_fault *settle;

static char *reach(uaddr_t at, bool write)
{
    struct mm *mm = current->mm;
    pte_t need = PTE_P | PTE_U | (write ? PTE_W : 0);
    while (mm != NULL) {
        mutex_lock(&mm->lock);
        pte_t entry = pt_entry(mm, at);
        if ((entry & need) == need)
            return (char *)phys_to_virt((paddr_t)pte_pfn(entry) << PAGE_SHIFT) +
                   (at & (PAGE_SIZE - 1));
        mutex_unlock(&mm->lock);
        if (settle(at, (entry & PTE_P ? FAULT_PRESENT : 0) | (write ? FAULT_WRITE : 0)) != 0)
            break;
    }
    return NULL;
}

static void release(void) { mutex_unlock(&current->mm->lock); }

static const struct user_reach by_tables = { reach, release };

void reach_init(reach_fault *fault)
{
    settle = fault;
    uaccess_reach_by(&by_tables);
}
