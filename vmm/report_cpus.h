/* report_cpus.h - where each vCPU is, for the reports.  All vCPUs have stopped. */
#ifndef VMM_REPORT_CPUS_H
#define VMM_REPORT_CPUS_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct symbols;
struct vcpu;
struct vm;

struct cpu_state {
    struct kvm_regs r;
    struct kvm_sregs s;
    unsigned bits; /* 16, 32 or 64 */
    uint64_t pc;   /* linear address of the next instruction */
};
bool cpu_state_get(const struct vcpu *v, struct cpu_state *st);

/* One line.  Returns the start of the function it is in, if that is known, else 0. */
uint64_t cpu_print_place(FILE *out, const struct vcpu *v, const struct cpu_state *st,
                         struct symbols *symbols);
/* At most `lines` of the words on the stack that could be return addresses, because they
 * have a symbol. */
void cpu_print_stack(FILE *out, const struct vm *vm, const struct cpu_state *st,
                     struct symbols *symbols, unsigned lines);

/* Every vCPU but one: its place, the task that runs there, whether it is halted, the
 * address space, and the callers if it is busy in the kernel. */
void cpus_print(FILE *out, const struct vm *vm, struct symbols *symbols, int but);

#endif
