/* ring3.h - where the kernel runs in ring 3 instead of ring 0, and what it does then
 * in place of privileged instructions: docs/native.md.
 *
 * Whoever loads the image decides, by where he puts it: where it is linked, in the upper
 * half, it runs in ring 0; 2^47 below that, in root slot 255, in ring 3, behind the stub
 * (stub.asm).  Only a VMM of ours does that, so its hypercalls are there. */
#ifndef ARCH_RING3_H
#define ARCH_RING3_H

#include "lib/base.h"
#include "arch/layout.h"

static inline bool ring3(void) { return (int64_t)kernel_base >= 0; }

struct cpu;

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, iomap;
} __attribute__((packed));

struct stub_frame { /* as IRET takes it */
    uint64_t rip, cs, rflags, rsp, ss;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* A CPU's page that the stub and the kernel share.  The stub has it at STUB_PAGES.  Traps
 * push their frame at the end of trap_stack, and what the stub saves below it. */
struct stub_page {
    uint64_t gdt[12];
    struct table_pointer gdtr, idtr;
    uint32_t unused;
    uint64_t cr4;
    struct stub_frame start; /* how the CPU comes to the kernel the first time */
    struct tss tss;
    uint8_t trap_stack[256];
    struct stub_frame fault, trap, syscall; /* into the kernel: always the same */
    uint64_t out_rax;                       /* and out of it: a program's */
    struct stub_frame out;
    struct cpu *cpu;
    uint64_t halt_rsp; /* the kernel's while the stub lets interrupts in */
    uint64_t rcx, vector;
    uint8_t ist[4][128] __attribute__((aligned(16))); /* as the processor aligns them */
};
#define STUB_T offsetof(struct stub_page, fault) /* where frames end */
_Static_assert(STUB_T % 16 == 0, "the processor aligns what it pushes in ring 0");

#define STUB_PAGES 0xffffffff80010000ull /* CPU n's is page n from here */
#define STUB_ERROR 0x10000               /* with the vector: the trap has an error code */

#define RING3_CR4 0x10620 /* PAE OSFXSR OSXMMEXCPT FSGSBASE: enough to begin with */

void ring3_init(void); /* the boot CPU's, first thing in the kernel */
/* Makes p the stub page of c, which will come to ap_main() on that stack; p is to be mapped
 * at STUB_PAGES, too. */
void ring3_prepare(struct cpu *c, uint64_t stack, struct stub_page *p);

/* stub.asm: the boot CPU's */
extern struct stub_page stub_page0;

/* entry/ring3.asm: where the others come to */
extern const char start3_ap[];

/* ring3_calls.asm: by the stub */
void ring3_wrmsr(uint32_t msr, uint64_t value);
uint64_t ring3_rdmsr(uint32_t msr);
void ring3_cpuid(uint32_t leaf, uint32_t sub,
                 uint32_t out[4]); /* a b c d; ring 3 sees the host's */
uint64_t ring3_read_cr4(void);
void ring3_write_cr4(uint64_t value);
void ring3_xsetbv(uint32_t reg, uint64_t value);
uint64_t ring3_take_dr6(uint64_t after); /* what it was; what it is now */
void ring3_load_debug(const uint64_t addresses[4], uint64_t control);
void ring3_lldt(uint16_t selector);
void ring3_flush(void); /* this CPU's translations of kernel addresses */
uint8_t ring3_in(uint16_t port);
void ring3_out(uint16_t port, uint8_t value);
void ring3_halt(void); /* until an interrupt was handled */
void ring3_stop(void) __attribute__((noreturn));
long ring3_stub_hypercall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

#endif
