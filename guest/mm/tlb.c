/* tlb.c - flushing translations, and freeing what they led to afterwards.
 *
 * mm->cpus_active says which CPUs have the root in CR3.  A CPU that loads it
 * later begins with a clean TLB (no PCIDs are used), so only those need a flush;
 * an address space that is active nowhere needs none.  Kernel mappings are in
 * every root: all running CPUs count.
 *
 * Up to FLUSH_PAGES pages go one by one, beyond that everything that is not
 * global goes with a reload of CR3.  One CPU runs: it is the only one that
 * flush_cpus() can find. */
#include "mm/tlb.h"
#include "mm/frame.h"

#include "arch/cpu.h"
#include "trace/trace.h"

#define FLUSH_PAGES 32

static void flush_local(uint64_t start, uint64_t end)
{
    if (end - start <= FLUSH_PAGES * PAGE_SIZE) {
        for (uint64_t va = start; va < end; va += PAGE_SIZE)
            __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
    } else {
        uint64_t root;
        __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(root) : : "memory");
    }
}

static void flush_cpus(uint64_t cpus_wanted, uint64_t start, uint64_t end)
{
    uint64_t me = 1ull << this_cpu()->id;
    ASSERT((cpus_wanted & ~me) == 0);
    if (cpus_wanted & me)
        flush_local(start, end);
}

static uint64_t cpus_with(const struct mm *mm)
{
    if (mm == &kernel_mm)
        return ncpus >= 64 ? UINT64_MAX : (1ull << ncpus) - 1;
    return __atomic_load_n(&mm->cpus_active, __ATOMIC_SEQ_CST);
}

void tlb_flush(struct mm *mm, uint64_t start, uint64_t end)
{
    uint64_t mask = cpus_with(mm);
    if (!mask)
        return;
    flush_cpus(mask, start, end);
    if (end - start > FLUSH_PAGES * PAGE_SIZE && mm != &kernel_mm)
        start = end = 0;                /* the trace tells what was done: all */
    trace_tlb_flush(mm->id, start, end, mask);
}

void tlb_flush_mm(struct mm *mm)
{
    tlb_flush(mm, 0, UINT64_MAX & PAGE_MASK);
}

void gather_start(struct gather *g, struct mm *mm, enum pt_reason why)
{
    g->mm = mm;
    g->why = why;
    g->start = UINT64_MAX;
    g->end = 0;
    g->nframes = g->ntables = 0;
}

void gather_flush(struct gather *g)
{
    if (g->start < g->end)
        tlb_flush(g->mm, g->start, g->end);
    frame_put_all(g->frame, g->nframes);
    for (unsigned i = 0; i < g->ntables; i++) {
        trace_table_free(g->mm->id, g->table[i].va, g->table[i].pfn, g->table[i].level, g->why);
        frame_put(g->table[i].pfn);
        g->mm->tables--;
    }
    gather_start(g, g->mm, g->why);
}

unsigned gather_room(struct gather *g)
{
    if (g->nframes == GATHER_FRAMES)
        gather_flush(g);
    return GATHER_FRAMES - g->nframes;
}

void gather_table(struct gather *g, uaddr_t va, pfn_t pfn, unsigned level)
{
    if (g->ntables == GATHER_TABLES)
        gather_flush(g);
    unsigned i = g->ntables++;
    g->table[i].va = va;
    g->table[i].pfn = pfn;
    g->table[i].level = (uint8_t)level;
    gather_range(g, va, va + PAGE_SIZE);    /* INVLPG drops the paging-structure caches, too */
}
