/* vdso.c - the vDSO: how its two pages come into an address space.
 *
 * exec chooses their place, at the upper end of the stack, and says it in AT_SYSINFO_EHDR.
 * Their two entries go into the stack's table with the stack's own, and go with them when the
 * address space ends (vdso_end()): glibc looks at the image in every program, and so it costs no
 * fault.  The VMAs, which would cost more than that, are only due.  They are made when somebody
 * faults there (a child of fork, whose entries are not copied), changes that range or asks for the
 * list of mappings.  Then they are VMAs like others, private ones of a file whose pages
 * lie in the kernel's image, as those of a root image do; a debugger that writes to the code gets
 * a copy.  Entries without a VMA are harmless: nothing else can be mapped there without
 * vdso_map(), and their frames are not counted.
 *
 * Where the kernel is interpreted, the TSC that it sees may be another one than programs
 * see; and where counters drift apart its stamps are put in order, which programs cannot
 * do.  There the page of data says that the kernel is to be asked. */
#include "mm/vdso.h"
#include "arch/clock.h"
#include "arch/hypercall.h"
#include "arch/layout.h"
#include "arch/vvar.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "mm/heap.h"
#include "mm/pt.h"
#include "mm/vma.h"

static struct inode inode = {
    .mode = S_IFREG | 0555,
    .refs = { 1 },
    .nlink = 1,
    .size = VDSO_BYTES,
    .lock = MUTEX_INIT(inode.lock, LOCK_inode),
    .pages_lock = SPINLOCK_INIT(LOCK_pages),
    .borrowed_pages = VDSO_BYTES / PAGE_SIZE,
    .mappings = LIST_INIT(inode.mappings),
};
static const struct file_ops ops;
static struct file file = { .ops = &ops, .inode = &inode, .refs = { 1 } };

static pfn_t frames_at(void) { return (pfn_t)(virt_to_phys(&vvar) >> PAGE_SHIFT); }

void vdso_init(void)
{
    vvar.tsc_base = clock_tsc_base;
    vvar.ncpus = ncpus;
    vvar.ns_per_tick = kernel_interpreted() || tsc_drifts ? 0 : clock_ns_per_tick;
    inode.borrowed = frames_at();
}

static struct vma *one(struct mm *mm, uaddr_t at, uint32_t flags, uint64_t page)
{
    struct vma *v = vma_alloc(mm, at, at + PAGE_SIZE, flags);
    if (v) {
        v->file = &file;
        v->pgoff = page;
    }
    return v;
}

int vdso_map(struct mm *mm)
{
    ASSERT_HELD(&mm->lock);
    uaddr_t at = mm->image.vdso_due;
    struct vma *data = one(mm, at, VM_READ | VM_DONTDUMP, 0);
    struct vma *code = one(mm, at + VDSO_CODE, VM_READ | VM_EXEC, VDSO_CODE / PAGE_SIZE);
    if (!data || !code) {
        kfree(data);
        kfree(code);
        return -ENOMEM;
    }
    mm->image.vdso_due = 0;
    vma_insert(mm, data);
    vma_insert(mm, code);
    return 0;
}

unsigned vdso_entries(const struct mm *mm, uaddr_t at, pte_t *entry)
{
    if (at != mm->image.vdso_due || (at & (PT_SPAN - 1)) - 1 >= PT_SPAN - VDSO_BYTES)
        return 0;
    entry[0] = pte_make(frames_at(), PTE_P | PTE_U | PTE_A | (cpu_has.nx ? PTE_NX : 0));
    entry[1] = pte_make(frames_at() + 1, PTE_P | PTE_U | PTE_A);
    return 2;
}

const char *vdso_name(const struct vma *v)
{
    if (v->file != &file)
        return NULL;
    return v->pgoff == 0 ? "[vvar]" : "[vdso]";
}
