/* report.c - see report.h.
 *
 * Code before RIP: x86 cannot be decoded backwards, so decoding begins at the
 * start of the function if the symbols know it, or else at the nearest earlier
 * byte from which it arrives at RIP. */
#include "vmm/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/disasm.h"
#include "vmm/host.h"
#include "vmm/kvm_stats.h"
#include "vmm/pagewalk.h"
#include "vmm/report_cpus.h"
#include "vmm/symbols.h"
#include "vmm/tasks.h"
#include "vmm/tracer_audit.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

#define CODE_BEFORE        48
#define CODE_AFTER         32
#define STACK_LINES        24
#define TRACE_EVENTS_SHOWN 20

static void print_segment(FILE *out, const char *name, const struct kvm_segment *g)
{
    fprintf(out, "  %s %04x base %016llx limit %08x type %x dpl %u%s%s%s\n", name, g->selector,
            (unsigned long long)g->base, g->limit, g->type, g->dpl, g->l ? " long" : "",
            g->db ? " 32-bit" : "", g->unusable ? " unusable" : "");
}

static void print_registers(FILE *out, const struct cpu_state *st)
{
    const struct kvm_regs *r = &st->r;
    const struct kvm_sregs *s = &st->s;
    fprintf(out, "  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", r->rax, r->rbx, r->rcx,
            r->rdx);
    fprintf(out, "  rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n", r->rsi, r->rdi, r->rbp,
            r->rsp);
    fprintf(out, "  r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n", r->r8, r->r9, r->r10,
            r->r11);
    fprintf(out, "  r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n", r->r12, r->r13, r->r14,
            r->r15);
    fprintf(out, "  rip %016llx rflags %08llx\n", r->rip, r->rflags);
    fprintf(out, "  cr0 %016llx cr2 %016llx cr3 %016llx\n", s->cr0, s->cr2, s->cr3);
    fprintf(out, "  cr4 %016llx cr8 %016llx efer %016llx\n", s->cr4, s->cr8, s->efer);
    print_segment(out, "cs", &s->cs);
    print_segment(out, "ss", &s->ss);
    print_segment(out, "fs", &s->fs);
    print_segment(out, "gs", &s->gs);
    print_segment(out, "tr", &s->tr);
    fprintf(out, "  gdt base %016llx limit %04x   idt base %016llx limit %04x\n", s->gdt.base,
            s->gdt.limit, s->idt.base, s->idt.limit);
}

static void print_code(FILE *out, const struct vm *vm, const struct cpu_state *st,
                       uint64_t function)
{
    uint8_t code[CODE_BEFORE + CODE_AFTER];
    uint64_t pc = st->pc;
    size_t before = 0;

    /* as many of the bytes before as are mapped, then the ones from pc on */
    for (size_t n = CODE_BEFORE; n > 0 && before == 0; n--)
        if (pc >= n && pagewalk_read(vm->mem, &st->s, pc - n, code, n) == n)
            before = n;
    size_t after = pagewalk_read(vm->mem, &st->s, pc, code + before, CODE_AFTER);
    if (after == 0) {
        fputs("  (no code can be read at rip)\n", out);
        return;
    }
    size_t from = 0;
    if (function != 0 && function <= pc && pc - function <= before)
        from = before - (size_t)(pc - function);
    while (from < before && !disasm_arrives(code + from, before - from, st->bits))
        from++;
    if (disasm_print(out, code + from, before - from + after, pc - (before - from), pc, st->bits))
        return;
    fputs("  bytes at rip:", out);
    for (size_t i = 0; i < after && i < DISASM_INSN_MAX; i++)
        fprintf(out, " %02x", code[before + i]);
    fputs("  (no instruction)\n", out);
}

static void print_vcpu(FILE *out, const struct vm *vm, const struct vcpu *v,
                       struct symbols *symbols)
{
    struct cpu_state st;
    uint64_t gpa;
    if (!cpu_state_get(v, &st)) {
        fprintf(out, "vCPU %u: its registers cannot be read\n", v->index);
        return;
    }
    uint64_t function = cpu_print_place(out, v, &st, symbols);
    print_registers(out, &st);
    fputs("code:\n", out);
    print_code(out, vm, &st, function);
    fputs("words on the stack that are code:\n", out);
    cpu_print_stack(out, vm, &st, symbols, STACK_LINES);
    fprintf(out, "page walk of rip %016" PRIx64 ":\n", st.pc);
    pagewalk(vm->mem, &st.s, st.pc, &gpa, out);
    fprintf(out, "page walk of cr2 %016llx:\n", (unsigned long long)st.s.cr2);
    pagewalk(vm->mem, &st.s, st.s.cr2, &gpa, out);
}

static struct symbols *open_symbols(const struct vm *vm)
{
    struct symbols *symbols = symbols_open(vm->image.fd);
    symbols_shift(symbols, vm->ring3 ? vm->image.ring3_shift : 0);
    return symbols;
}

void report_death(struct vm *vm, FILE *out)
{
    struct symbols *symbols = open_symbols(vm);
    int cpu = vm->stop.cpu >= 0 ? vm->stop.cpu : 0;
    fprintf(out, "vmm: the guest kernel died: %s\n", vm->stop.text);
    fprintf(out, "host KVM: %s, kernel in ring %d; %u vCPUs, it was vCPU %d\n", host_flavour_name(),
            vm->ring3 ? 3 : 0, vm->ncpus, cpu);
    print_vcpu(out, vm, &vm->vcpu[cpu], symbols);
    cpus_print(out, vm, symbols, cpu);
    tasks_print(vm, out);
    if (vm->tracer != NULL) {
        fputs("last trace events:\n", out);
        tracer_last_events(vm->tracer, TRACE_EVENTS_SHOWN, out);
    }
    symbols_close(symbols);
    fflush(out);
}

void report_timeout(struct vm *vm, FILE *out)
{
    struct symbols *symbols = open_symbols(vm);
    fprintf(out, "vmm: %s\n", vm->stop.text);
    cpus_print(out, vm, symbols, -1);
    tasks_print(vm, out);
    symbols_close(symbols);
    fflush(out);
}

static void print_counter(FILE *out, unsigned cpu, const char *name, uint64_t n)
{
    if (n != 0)
        fprintf(out, "  vCPU %-3u %-32s %12" PRIu64 "\n", cpu, name, n);
}

void report_stats(const struct vm *vm, FILE *out)
{
    /* clang-format off */
    static const char *const calls[HC_MAX] = {
#define X(nr, name) [nr] = "HC_" #name,
        HYPERCALLS(X)
#undef X
    };
    /* clang-format on */
    fputs("exits and hypercalls:\n", out);
    for (unsigned c = 0; c < vm->ncpus; c++) {
        const struct vcpu *v = &vm->vcpu[c];
        for (unsigned i = 0; i < VCPU_EXIT_REASONS; i++)
            print_counter(out, c, vcpu_exit_name(i), atomic_load(&v->exits[i]));
        for (unsigned i = 0; i < HC_MAX; i++)
            print_counter(out, c, calls[i] != NULL ? calls[i] : "HC_(unknown)",
                          atomic_load(&v->hypercalls[i]));
        print_counter(out, c, "instructions completed", atomic_load(&v->emulated));
        print_counter(out, c, "instructions interpreted by KVM",
                      kvm_stats_read(v->stats_fd, "insn_emulation"));
    }
    fprintf(out, "  accesses to ports without a device         %12" PRIu64 "\n", vm->ports.unknown);
    fflush(out);
}
