/* vdso.h - the vDSO and its page of data in an address space. */
#ifndef MM_VDSO_H
#define MM_VDSO_H

#include "arch/pte.h"
#include "mm/mm.h"

#define VDSO_BYTES (2 * PAGE_SIZE) /* the data and the code */
#define VDSO_CODE  PAGE_SIZE       /* from the data on: AT_SYSINFO_EHDR */

void vdso_init(void); /* when all CPUs run and the clock does */
/* For exec: the entries at `at`, where the stack ends, if the stack's table has room.  How many. */
unsigned vdso_entries(const struct mm *mm, uaddr_t at, pte_t *entry);
/* The end of what goes with v: behind the stack lie entries that have no VMA yet. */
static inline uaddr_t vdso_end(const struct vma *v)
{
    return v->end == v->mm->image.vdso_due ? v->end + VDSO_BYTES : v->end;
}
/* mm->lock held.  Makes its VMAs, which are due: 0 or -ENOMEM. */
int vdso_map(struct mm *mm);
/* Is it due, and does the range have any of it? */
static inline bool vdso_due(const struct mm *mm, uaddr_t start, uaddr_t end)
{
    uaddr_t at = mm->image.vdso_due;
    return at != 0 && start < at + VDSO_BYTES && end > at;
}
/* So many VMAs are due. */
static inline unsigned vdso_vmas(const struct mm *mm) { return mm->image.vdso_due ? 2 : 0; }
/* Its name in /proc/PID/maps; NULL: v is of something else. */
const char *vdso_name(const struct vma *v);

#endif
