/* here.h - what GS points to in the kernel, this CPU's struct cpu, as an operand: for fields that only
 * this CPU writes.  So a counter is one instruction, and what was just read is not read again.
 *
 * A pointer to a field is made by this_cpu() (cpu.h): HERE knows no address.  Sanitizers, with which
 * kernel sources are tested in host programs, know no address spaces, and clang less of them. */
#ifndef ARCH_HERE_H
#define ARCH_HERE_H

struct cpu;

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
static inline struct cpu *cpu_here(void)
{
    struct cpu *c;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(c));
    return c;
}
#define HERE cpu_here()
#else
#define HERE ((struct cpu __seg_gs *)0)
#endif

#endif
