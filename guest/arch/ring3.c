/* ring3.c - a CPU's stub page, and hypercalls by the doorbell. */
#include "arch/ring3.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/regs.h"
#include "lib/string.h"

#define TSS_BUSY (1ull << 41)

static volatile uint32_t *doorbell; /* [k] once it is mapped, before other CPUs run */

/* A store instead of a way through the stub and an OUT there. */
long ring3_hypercall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    if (doorbell == NULL)
        return ring3_stub_hypercall(nr, a, b, c, d);
    long ret;
    register uint64_t r10 __asm__("r10") = d;
    __asm__ volatile("movl %%eax, %1"
                     : "=a"(ret), "=m"(*doorbell)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "memory");
    return ret;
}

void hypercall_init(void *(*map)(paddr_t at, size_t n))
{
    if (ring3())
        doorbell = map(HC_DOORBELL, PAGE_SIZE);
}

void ring3_init(void) { cpus[0].stub = (uint64_t)&stub_page0 + STUB_T; }

/* The stub's addresses in a copy of the boot CPU's page. */
static void move_page(struct stub_page *p, uint64_t by)
{
    p->gdtr.base += by;
    p->gdt[TSS_SEL / 8] += by << 16; /* within the low 24 bits of the base */
    p->tss.rsp[0] += by;
    for (unsigned i = 0; i < ARRAY_SIZE(p->ist); i++)
        p->tss.ist[i] += by;
}

void ring3_prepare(struct cpu *c, uint64_t stack, struct stub_page *p)
{
    memcpy(p, &stub_page0, sizeof(*p));
    move_page(p, c->id * PAGE_SIZE);
    p->gdt[TSS_SEL / 8] &= ~TSS_BUSY;
    p->start.rip = (uint64_t)start3_ap;
    p->start.rsp = stack;
    c->stub = (uint64_t)p + STUB_T;
    p->fault.rsp = p->trap.rsp = p->syscall.rsp = c->stub;
    p->cpu = c;
}
