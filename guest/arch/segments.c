/* segments.c - loads and reads segment registers.  Loading GS also sets the base that the kernel itself reaches
 * struct cpu by: where that is the active one it is put back in the same asm statement. */
#include "arch/segments.h"
#include "arch/cpu.h"
#include "arch/regs.h"
#include "arch/ring3.h"

struct segments segments_read(void)
{
    struct segments s;

    __asm__ volatile("mov %%ds, %0" : "=r"(s.ds));
    __asm__ volatile("mov %%es, %0" : "=r"(s.es));
    __asm__ volatile("mov %%fs, %0" : "=r"(s.fs));
    __asm__ volatile("mov %%gs, %0" : "=r"(s.gs));
    return s;
}

void segments_load_data(uint16_t ds, uint16_t es)
{
    __asm__ volatile("mov %0, %%ds; mov %1, %%es" : : "r"(ds), "r"(es) : "memory");
}

/* No interrupt comes in between.  A descriptor's base is that of user mode afterwards. */
static void load_gs(uint16_t sel)
{
    uint64_t kernels, users;

    if (!ring3()) {
        __asm__ volatile("swapgs; mov %0, %%gs; swapgs" : : "r"(sel) : "memory");
        return;
    }
    __asm__ volatile("rdgsbase %0; mov %2, %%gs; rdgsbase %1; wrgsbase %0"
                     : "=&r"(kernels), "=&r"(users)
                     : "r"(sel)
                     : "memory");
    cpu_load_gs_base(users);
}

void segments_load(const struct segments *s)
{
    segments_load_data(s->ds, s->es);
    __asm__ volatile("mov %0, %%fs" : : "r"(s->fs) : "memory");
    load_gs(s->gs);
}

static uint64_t *this_gdt(void)
{
    struct table_pointer at;

    if (ring3())
        return ((struct stub_page *)(this_cpu()->stub - STUB_T))->gdt;
    __asm__ volatile("sgdt %0" : "=m"(at));
    return (uint64_t *)at.base;
}

void segments_load_ldt(uint64_t base, unsigned entries)
{
    uint64_t *gdt = this_gdt() + LDT_SEL / 8, limit = entries * 8ull - 1;
    uint16_t sel = entries ? LDT_SEL : 0;

    if (entries) {
        gdt[0] =
            (limit & 0xffff) | (base & 0xffffff) << 16 | 0x82ull << 40 | (base >> 24 & 0xff) << 56;
        gdt[1] = base >> 32;
    }
    if (ring3())
        ring3_lldt(sel);
    else
        __asm__ volatile("lldt %0" : : "r"(sel) : "memory");
}
