/* report_cpus.c - see report_cpus.h.
 *
 * KVM tells the registers; the guest's records (tasks.h) which task runs where and
 * which address space it has.  A CPU that runs no task may have another's root in CR3: it
 * is named when some CPU's task has it, too. */
#include "vmm/report_cpus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "vmm/pagewalk.h"
#include "vmm/symbols.h"
#include "vmm/tasks.h"
#include "vmm/in_kernel.h"
#include "vmm/vm.h"

#define STACK_WORDS 64
#define CALLERS     6
#define USER_SLOTS \
    255u /* of a PGD: a program has something below its stack in the next one,
                          * which is the kernel's where that runs in ring 3 */
#define RFLAGS_IF (1u << 9)
#define CR0_PG    (1u << 31)

bool cpu_state_get(const struct vcpu *v, struct cpu_state *st)
{
    if (ioctl(v->fd, KVM_GET_REGS, &st->r) != 0 || ioctl(v->fd, KVM_GET_SREGS, &st->s) != 0)
        return false;
    st->bits = st->s.cs.l ? 64 : st->s.cs.db ? 32 : 16;
    st->pc = st->r.rip + (st->bits == 64 ? 0 : st->s.cs.base);
    return true;
}

uint64_t cpu_print_place(FILE *out, const struct vcpu *v, const struct cpu_state *st,
                         struct symbols *symbols)
{
    fprintf(out, "vCPU %u at %016" PRIx64, v->index, st->pc);
    uint64_t function = vcpu_in_kernel(&st->r, &st->s) ? symbols_print(symbols, st->pc, out) : 0;
    fprintf(out, ", ring %u\n", st->s.ss.dpl);
    return function;
}

/* A function that does not return may be called by the last instruction of another:
 * then what is behind the call is the start of the next. */
static bool follows_call(const struct vm *vm, const struct cpu_state *st, uint64_t at)
{
    uint8_t insn[5];
    return pagewalk_read(vm->mem, &st->s, at - sizeof(insn), insn, sizeof(insn)) == sizeof(insn) &&
           insn[0] == 0xe8;
}

void cpu_print_stack(FILE *out, const struct vm *vm, const struct cpu_state *st,
                     struct symbols *symbols, unsigned lines)
{
    uint64_t word[STACK_WORDS];
    if (st->bits != 64 || symbols == NULL)
        return;
    size_t n = pagewalk_read(vm->mem, &st->s, st->r.rsp, word, sizeof(word)) / sizeof(word[0]);
    for (size_t i = 0; i < n && lines > 0; i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *line = open_memstream(&text, &len);
        if (line == NULL)
            return;
        uint64_t at = follows_call(vm, st, word[i]) ? word[i] - 1 : word[i];
        uint64_t function = symbols_print(symbols, at, line);
        fclose(line);
        if (function != 0 && function != word[i]) {
            fprintf(out, "  [rsp+%03zx] %016" PRIx64 "%s\n", i * sizeof(word[0]), word[i], text);
            lines--;
        }
        free(text);
    }
}

struct cpu_line {
    struct cpu_state st;
    struct kvm_mp_state mp;
    struct task_name task; /* pid 0: none */
};

/* The kernel's own root, or one not used yet: nothing of a program. */
static bool is_bare_root(const struct vm *vm, uint64_t cr3)
{
    const uint64_t *entry = gmem_span(vm->mem, cr3 & ~(GMEM_PAGE - 1), GMEM_PAGE);
    for (unsigned i = 0; entry != NULL && i < USER_SLOTS; i++)
        if (__atomic_load_n(&entry[i], __ATOMIC_RELAXED) != 0)
            return false;
    return true;
}

static void print_root(FILE *out, const struct vm *vm, const struct cpu_line *line, unsigned cpu)
{
    uint64_t cr3 = line[cpu].st.s.cr3;
    if (!(line[cpu].st.s.cr0 & CR0_PG))
        return;
    fprintf(out, ", cr3 %" PRIx64, cr3);
    if (is_bare_root(vm, cr3)) {
        fputs(" (no user memory)", out);
        return;
    }
    for (unsigned c = 0; c < vm->ncpus; c++)
        if (line[c].task.mm != 0 && line[c].st.s.cr3 == cr3) {
            fprintf(out, " (address space %u)", line[c].task.mm);
            return;
        }
}

static void print_cpu(FILE *out, const struct vm *vm, struct symbols *symbols,
                      const struct cpu_line *all, unsigned c)
{
    const struct cpu_line *l = &all[c];
    bool halted = l->mp.mp_state == KVM_MP_STATE_HALTED;
    cpu_print_place(out, &vm->vcpu[c], &l->st, symbols);
    if (l->task.pid != 0)
        fprintf(out, "    task %u %s", l->task.pid, l->task.comm);
    else
        fputs("    no task", out);
    fprintf(out, ", %s, interrupts %s", halted ? "halted" : "running",
            l->st.r.rflags & RFLAGS_IF ? "on" : "off");
    print_root(out, vm, all, c);
    fprintf(out, ", rsp %llx\n", l->st.r.rsp);
    if (!halted && vcpu_in_kernel(&l->st.r, &l->st.s))
        cpu_print_stack(out, vm, &l->st, symbols, CALLERS);
}

void cpus_print(FILE *out, const struct vm *vm, struct symbols *symbols, int but)
{
    struct cpu_line *line = calloc(vm->ncpus, sizeof(*line));
    if (line == NULL)
        return;
    for (unsigned c = 0; c < vm->ncpus; c++) {
        struct cpu_line *l = &line[c];
        l->mp.mp_state = KVM_MP_STATE_RUNNABLE;
        ioctl(vm->vcpu[c].fd, KVM_GET_MP_STATE, &l->mp);
        if (cpu_state_get(&vm->vcpu[c], &l->st))
            tasks_running(vm, c, &l->task);
    }
    for (unsigned c = 0; c < vm->ncpus; c++) {
        if ((int)c == but)
            continue;
        if (line[c].mp.mp_state == KVM_MP_STATE_UNINITIALIZED)
            fprintf(out, "vCPU %u was never started\n", c);
        else
            print_cpu(out, vm, symbols, line, c);
    }
    free(line);
}
