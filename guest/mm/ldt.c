/* ldt.c - local descriptor tables.
 *
 * A table never changes: who sets an entry makes a new one, with a number of its own, which takes the old one's
 * place in the address space.  So fork shares it by a count, and a number says what is in a table.
 *
 * The processor reads descriptors by a linear address, in whatever root is loaded, so each CPU has a place for a copy
 * in the kernel's part of all of them, supervisor, and remembers the number of what is there.  A task with an LDT has
 * task.segments, for switch_to(), which loads and unloads LDTR and the segment registers for such tasks only; and
 * RETURN_LDT in task.rseq_event for good, so each way to user mode looks whether the copy is the present table: after
 * a change all CPUs of the address space are interrupted, and come by there.
 *
 * A CS or SS that a program got from its table may be gone from it by the time it is to be loaded again, and IRET would
 * fault in ring 0; so it is looked at before. DS to GS become null if they are gone, as on Linux.  There are no
 * segments of 16 bits, as on a Linux without CONFIG_X86_16BIT: IRET to one would show a part of the kernel's RSP. */
#include "mm/ldt.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/regs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "sched/task.h"

#define PER_PAGE (PAGE_SIZE / 8)
#define PAGES    (LDT_ENTRIES / PER_PAGE)
#define AREA     0xffffffffa0000000ull /* 64 KiB a CPU, between the image and VMAP */

#define DESC_TYPE(d)  ((d) >> 40 & 0xf)
#define DESC_CODE     8u
#define DESC_READABLE 2u /* of data: writable */
#define DESC_PRESENT  (1ull << 47)

struct ldt {
    struct refcount refs; /* [a] */
    unsigned n;           /* [k] entries */
    uint64_t number;      /* [k] */
    pfn_t page[PAGES];    /* [k] for the n entries */
};

/* vmap_lock guards mm->ldt, with mm->lock to write it, and the fields below. */
static uint64_t last_number;
static struct area { /* to make; then [o] */
    pfn_t page[PAGES];
    uint64_t number; /* of what is there; 0: nothing yet */
    unsigned n;      /* entries of that */
    bool in_use;     /* LDTR leads there */
} areas[MAX_CPUS];

static uint64_t *entry_of(const struct ldt *l, unsigned i)
{
    return (uint64_t *)frame_va(l->page[i / PER_PAGE]) + i % PER_PAGE;
}

static void ldt_put(struct ldt *l)
{
    if (!l || !ref_put(&l->refs))
        return;
    for (unsigned i = 0; i < PAGES && l->page[i]; i++)
        frame_put(l->page[i]);
    kfree(l);
}

/* --- tables ---------------------------------------------------------------------- */

/* A copy of old, or nothing, with room for n entries. */
static struct ldt *copy_of(const struct ldt *old, unsigned n)
{
    struct ldt *l = kzalloc(sizeof *l);

    if (!l)
        return NULL;
    ref_init(&l->refs, 1);
    l->n = n;
    for (unsigned i = 0; i * PER_PAGE < n; i++) {
        l->page[i] = frame_alloc_zeroed();
        if (!l->page[i]) {
            ldt_put(l);
            return NULL;
        }
        if (old && old->page[i])
            frame_copy(l->page[i], old->page[i]);
    }
    return l;
}

/* Each CPU has a place for so many pages. */
static int make_areas(unsigned pages)
{
    const pte_t flags = PTE_P | PTE_W | PTE_A | PTE_D | (cpu_has.nx ? PTE_NX : 0);
    int err = 0;

    spin_lock(&vmap_lock);
    for (unsigned i = 0; i < ncpus * pages && !err; i++) {
        pfn_t *pfn = &areas[i / pages].page[i % pages];
        uint64_t va = AREA + i / pages * LDT_ENTRIES * 8ull + i % pages * PAGE_SIZE;
        if (*pfn)
            continue;
        pte_t *e = pt_make(&kernel_mm, va, PT_kernel_map);
        pfn_t got = e ? frame_alloc_zeroed() : 0;
        err = got ? 0 : -ENOMEM;
        if (got)
            pt_write(&kernel_mm, va, e, 1, PT_kernel_map, pte_make(got, flags));
        *pfn = got;
    }
    spin_unlock(&vmap_lock);
    return err;
}

int ldt_set(struct mm *mm, unsigned i, uint64_t descriptor)
{
    ASSERT_HELD(&mm->lock);
    unsigned n = MAX(i + 1, ldt_count(mm));
    struct ldt *old = mm->ldt, *new = copy_of(old, n);

    if (!new || make_areas((n + PER_PAGE - 1) / PER_PAGE) != 0) {
        ldt_put(new);
        return -ENOMEM;
    }
    *entry_of(new, i) = descriptor;
    spin_lock(&vmap_lock);
    new->number = ++last_number;
    mm->ldt = new;
    spin_unlock(&vmap_lock);
    ldt_put(old);
    return 0;
}

unsigned ldt_count(const struct mm *mm) { return mm->ldt ? mm->ldt->n : 0; }

void ldt_get(const struct mm *mm, unsigned from, unsigned n, uint64_t *to)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = from + i < ldt_count(mm) ? *entry_of(mm->ldt, from + i) : 0;
}

static void ldt_share(struct mm *child)
{
    spin_lock(&vmap_lock);
    child->ldt = current->mm->ldt;
    if (child->ldt)
        ref_get(&child->ldt->refs);
    spin_unlock(&vmap_lock);
}

void mm_end_rare(struct mm *mm)
{
    if (mm->askers != NULL)
        mm->askers->end(mm);
    ldt_put(mm->ldt);
}

/* --- CPUs ------------------------------------------------------------------------ */

/* This CPU gets mm's table.  False: it has it. */
static bool load(const struct mm *mm)
{
    struct cpu *c = this_cpu();
    struct area *a = &areas[c->id];

    spin_lock(&vmap_lock);
    const struct ldt *l = mm ? mm->ldt : NULL; /* a task that ends has none */
    bool stale = l && a->number != l->number;
    for (unsigned i = 0; stale && i * PER_PAGE < l->n; i++)
        memcpy(frame_va(a->page[i]), frame_va(l->page[i]),
               MIN(PER_PAGE, l->n - i * PER_PAGE) * sizeof(uint64_t));
    if (stale) {
        a->number = l->number;
        a->n = l->n;
    }
    spin_unlock(&vmap_lock);
    if (!l || (a->in_use && !stale))
        return false;
    a->in_use = true;
    segments_load_ldt(AREA + c->id * LDT_ENTRIES * 8ull, a->n);
    return true;
}

/* What this CPU finds in its LDT; 0: nothing. */
static uint64_t descriptor(uint16_t sel)
{
    const struct area *a = &areas[HERE->id];
    unsigned i = sel / 8;

    return a->in_use && i < a->n ? ((uint64_t *)frame_va(a->page[i / PER_PAGE]))[i % PER_PAGE] : 0;
}

/* A selector that a program has had, if it may still be loaded; else null. */
static uint16_t still(uint16_t sel)
{
    if (!(sel & SELECTOR_LDT))
        return sel;
    uint64_t d = descriptor(sel);
    bool data = !(DESC_TYPE(d) & DESC_CODE) || (DESC_TYPE(d) & DESC_READABLE);
    return d & DESC_PRESENT && data ? sel : 0;
}

static uint64_t pack(struct segments s)
{
    uint64_t word;

    memcpy(&word, &s, sizeof word);
    return word;
}

static struct segments unpack(uint64_t word)
{
    struct segments s;

    memcpy(&s, &word, sizeof s);
    return s;
}

struct segments segments_of(const struct task *t)
{
    return t == current ? segments_read() : unpack(t->selectors);
}

void ldt_inherit(struct task *child, bool copied)
{
    child->segments = true;
    child->selectors = pack(segments_read());
    child->rseq_event |= RETURN_LDT;
    if (copied)
        ldt_share(child->mm);
}

void ldt_leave(struct task *t)
{
    static const struct segments none;

    t->fs_base = user_fs_base();
    t->gs_base = user_gs_base();
    t->selectors = pack(segments_read());
    segments_load(&none);
    segments_load_ldt(0, 0);
    areas[HERE->id].in_use = false;
}

void ldt_enter(struct task *t)
{
    struct segments s = unpack(t->selectors);

    t->rseq_event |= RETURN_LDT; /* again: who gave it that from elsewhere may have been overrun */
    load(t->mm);
    s = (struct segments){ still(s.ds), still(s.es), still(s.fs), still(s.gs) };
    segments_load(&s);
    cpu_load_fs_base(t->fs_base);
    cpu_load_gs_base(t->gs_base);
}

void ldt_drop(void)
{
    ldt_leave(current);
    current->segments = false;
    current->rseq_event &= (uint8_t)~RETURN_LDT;
    cpu_load_fs_base(0);
    cpu_load_gs_base(0);
}

/* --- on the way out ---------------------------------------------------------------- */

/* Code, or a stack, of the LDT that IRET may load. */
static bool may_load(uint64_t d, bool code, bool *present)
{
    unsigned type = DESC_TYPE(d);

    *present = d & DESC_PRESENT || !d;
    return d & DESC_PRESENT &&
           (code ? type & DESC_CODE : (type & (DESC_CODE | DESC_READABLE)) == DESC_READABLE);
}

/* The last byte of a segment. */
static uint64_t limit_of(uint64_t d)
{
    uint64_t limit = (d & 0xffff) | (d >> 32 & 0xf0000);

    return d >> 55 & 1 ? limit << 12 | 0xfff : limit;
}

bool ldt_return(struct regs *r, uint32_t *error, bool *present)
{
    uint64_t d;

    if (load(current->mm)) {
        struct segments s = segments_read();
        segments_load_data(still(s.ds), still(s.es));
    }
    *error = r->cs & ~3u;
    *present = true;
    if (r->cs & SELECTOR_LDT) {
        d = descriptor((uint16_t)r->cs);
        if (!may_load(d, true, present) || r->rip > limit_of(d)) {
            *error = r->rip > limit_of(d) && d & DESC_PRESENT ? 0 : *error;
            return false;
        }
    } else if (r->cs != USER_CS && (r->cs != USER_CS32 || r->rip > UINT32_MAX)) {
        return false;
    }
    if (iret_interpreted()) /* it knows none of these, and code of 64 bits needs none */
        r->ss = USER_SS;
    *error = r->ss & ~3u;
    *present = true;
    if (r->ss & SELECTOR_LDT)
        return may_load(descriptor((uint16_t)r->ss), false, present);
    return r->ss == USER_SS;
}
