/* msr.h - single instructions that only arch/ and entry/ use: by itself in ring 0, and
 * by the stub in ring 3 (ring3.h). */
#ifndef ARCH_MSR_H
#define ARCH_MSR_H

#include "arch/cpu.h"
#include "arch/ring3.h"

#define MSR_APIC_BASE      0x1bu
#define MSR_TSC_DEADLINE   0x6e0u
#define MSR_X2APIC         0x800u /* + register offset / 16 */
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_SFMASK         0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

static inline uint64_t rdmsr(uint32_t msr)
{
    if (ring3())
        return ring3_rdmsr(msr);
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t value)
{
    if (ring3()) {
        ring3_wrmsr(msr, value);
        return;
    }
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t *a, uint32_t *b, uint32_t *c,
                         uint32_t *d)
{
    if (ring3()) {
        uint32_t out[4];
        ring3_cpuid(leaf, sub, out);
        *a = out[0];
        *b = out[1];
        *c = out[2];
        *d = out[3];
        return;
    }
    __asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(sub));
}
static inline void xsetbv(uint32_t reg, uint64_t value)
{
    if (ring3())
        ring3_xsetbv(reg, value);
    else
        __asm__ volatile("xsetbv" : : "c"(reg), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}
static inline uint64_t rdfsbase(void)
{
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}
static inline void wrgsbase(uint64_t base) { __asm__ volatile("wrgsbase %0" : : "r"(base)); }
static inline void wrfsbase(uint64_t base) { __asm__ volatile("wrfsbase %0" : : "r"(base)); }
static inline uint64_t read_cr2(void)
{
    if (ring3())
        return this_cpu()->cr2;
    uint64_t v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
#define DR6_SINGLE_STEP (1u << 14)
#define DR6_REGISTERS   15u         /* bit n: the address in DRn was met */
#define DR6_NOTHING     0xffff0ff0u /* its value when no debug condition has been met */
/* What raised a #DB; the processor sets bits there and clears none. */
static inline uint64_t take_dr6(void)
{
    if (ring3())
        return ring3_take_dr6(DR6_NOTHING);
    uint64_t v;
    __asm__ volatile("mov %%dr6, %0" : "=r"(v));
    __asm__ volatile("mov %0, %%dr6" : : "r"((uint64_t)DR6_NOTHING));
    return v;
}
#define CR4_PGE (1u << 7)
#define CR4_TSD (1u << 2) /* RDTSC outside ring 0 is a general protection fault */

static inline uint64_t read_cr4(void)
{
    if (ring3())
        return ring3_read_cr4();
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr4(uint64_t v)
{
    if (ring3())
        ring3_write_cr4(v);
    else
        __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

/* Before user mode of a task that must not read the TSC; not where the kernel is in ring 3. */
static inline void tsc_forbid(void)
{
    uint64_t cr4 = read_cr4();
    if (!(cr4 & CR4_TSD))
        write_cr4(cr4 | CR4_TSD);
}
/* For one that may: nobody takes it off at a switch.  False: it was so already. */
static inline bool tsc_allow(void)
{
    uint64_t cr4 = read_cr4();
    if (cr4 & CR4_TSD)
        write_cr4(cr4 & ~(uint64_t)CR4_TSD);
    return cr4 & CR4_TSD;
}

static inline uint8_t inb(uint16_t port)
{
    if (ring3())
        return ring3_in(port);
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outb(uint16_t port, uint8_t v)
{
    if (ring3())
        ring3_out(port, v);
    else
        __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

#endif
