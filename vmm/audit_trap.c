/* audit_trap.c - see audit_trap.h.
 *
 * The pages of tables are in memslots that are read-only to the guest, so each store to one is an exit
 * (KVM_EXIT_MMIO, with address and bytes), wherever in the kernel it is made.  Here it is compared with
 * what the kernel has reported, and made.  Two things have to be right.
 *
 * Which event a store belongs to.  The kernel reports just before it stores, on the same CPU, with
 * interrupts off.  So what a vCPU has told and not yet stored are entries of one table, for one reason:
 * those of the page-table events at the end of its stream.  (Several, as what changes many neighbours
 * reports all and then stores all.)  A store takes away the entry that it is about, of its own vCPU:
 *
 *   none such                      a store without its event
 *   another value                  a store that differs from its event; the entry still waits for its own
 *   when another event comes, or
 *   at the end, an entry waits     an event without its store (unless it changes nothing)
 *
 * Nothing lies between two exits but instructions that do not store to tables, so an entry that is set wrong
 * and put right is seen however short that was: twice, if neither was reported.  Who stored is told by
 * RIP, which KVM leaves behind the instruction (audit_proof.c wants that, too): the function by the kernel's
 * symbols, the instruction by decoding from the function's start until one ends there.
 *
 * What programs see.  KVM looks at its shadow of a table when the guest stores to it; these stores are
 * ours.  So its shadows may show an entry as it was, and that is no more than a processor's TLB
 * may do: until the guest flushes.  We need not forget translations when there is nothing to forget, that is
 * if no entry that was present has changed since the last time (`stale`): what was not present is in no
 * shadow, which is filled from memory at a fault.  Otherwise we do
 *
 *   - at each flush, which the kernel marks (HC_CAP_MARKS), before its caller goes on: no one can know before
 *     that it was done.  On all vCPUs at once, for those, too, that were asked or skipped as lazy;
 *   - at each load of another root (HC_CAP_ROOT_MARKS), which is a flush on a processor.  What the
 *     kernel does between the load and the mark needs its own half only, which has marks of its own;
 *   - when an entry is set that leads to a table.  KVM keeps a shadow by its table's frame, where a
 *     processor keeps translations by address: a table that was emptied in an address space that ran nowhere,
 *     freed without a flush and linked into another one would bring its old shadow along.  And where
 *     the link to one table is exchanged for that to another, KVM would go on filling the first one's.
 *
 * No vCPU is in the guest meanwhile, and each begins anew with an empty shadow.  In ring 3 the kernel loads CR3
 * on each way out, which a processor takes for a flush, but it reports and marks flushes as in
 * ring 0 (docs/native.md), and relies on no other.  Accessed and Dirty are never set by KVM in
 * such a slot; the kernel makes entries with both. */
#include "vmm/audit_trap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/audit_slots.h"
#include "vmm/disasm.h"
#include "vmm/gmem.h"
#include "vmm/say.h"
#include "vmm/symbols.h"
#include "vmm/trace/lib/changes.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/tracer_audit.h"
#include "vmm/vm.h"

#define WORDS (PT_SLOTS / 64)

struct told { /* by one vCPU, and not yet stored */
    uint32_t table;
    uint8_t reason;
    uint64_t waits[WORDS];
    uint64_t old[PT_SLOTS], new[PT_SLOTS];
};

enum fault {
    STORE_UNREPORTED,
    STORE_DIFFERS,
    STORE_NO_TABLE,
    STORE_NO_ENTRY,
    STORE_BY_CALL,
    EVENT_NOT_STORED
};

struct finding {
    enum fault fault;
    unsigned cpu;
    uint64_t rip; /* behind the instruction; 0: no store */
    uint32_t table, mm;
    unsigned level, index;
    uint64_t va, held, is, expected;
    uint64_t event, ns; /* the last event before */
};

struct trap {
    const struct vm *vm;
    const struct replay *mirror;
    const struct audit_report *at;
    struct slots *slots;
    bool stale; /* KVM may show an entry as it was */
    uint64_t stores, forgotten, violations;
    unsigned nfound;
    struct finding found[AUDIT_LINES_MAX];
    struct told told[];
};

struct trap *trap_new(const struct vm *vm, const struct replay *mirror,
                      const struct audit_report *told)
{
    struct trap *t = calloc(1, sizeof(*t) + vm->ncpus * sizeof(t->told[0]));
    if (t == NULL)
        return NULL;
    t->vm = vm;
    t->mirror = mirror;
    t->at = told;
    t->slots = slots_new(vm);
    if (t->slots == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

void trap_free(struct trap *t)
{
    if (t == NULL)
        return;
    slots_free(t->slots);
    free(t);
}

/* --- what was found ----------------------------------------------------------------------------- */

/* f has the fault, whose it is, what the entry held, is and should be. */
static void found(struct trap *t, struct finding f, uint32_t pfn, unsigned index)
{
    const struct replay_table *table = replay_table(t->mirror, pfn);
    t->violations++;
    if (t->nfound == AUDIT_LINES_MAX)
        return;
    f.table = pfn;
    f.index = index;
    if (table != NULL) {
        f.mm = table->mm;
        f.level = table->level;
        f.va = table->va + index * entry_span(table->level);
    }
    f.event = t->at->event;
    f.ns = trace_ns(t->at->meta, vm_guest_tsc(t->vm) - t->at->first_tsc);
    t->found[t->nfound++] = f;
}

/* --- what was told -------------------------------------------------------------------------------- */

static bool waits(const struct told *told, unsigned index)
{
    return told->waits[index / 64] >> index % 64 & 1;
}

static void no_store(struct trap *t, unsigned cpu, unsigned index)
{
    struct told *told = &t->told[cpu];
    told->waits[index / 64] &= ~(1ull << index % 64);
    if (!((told->old[index] ^ told->new[index]) & ~PTE_AD))
        return;
    found(t,
          (struct finding){ .fault = EVENT_NOT_STORED,
                            .cpu = cpu,
                            .held = told->old[index],
                            .expected = told->new[index] },
          told->table, index);
}

static void no_stores(struct trap *t, unsigned cpu)
{
    for (unsigned w = 0; w < WORDS; w++)
        for (uint64_t bits; (bits = t->told[cpu].waits[w]) != 0;)
            no_store(t, cpu, w * 64 + (unsigned)__builtin_ctzll(bits));
}

void trap_event(struct trap *t, const struct trace_event *e)
{
    struct told *told = &t->told[e->cpu];
    const struct entries x = entries_of(e);
    if (x.n == 0 || x.table_pfn != told->table || x.reason != told->reason)
        no_stores(t, e->cpu);
    if (x.n == 0 || x.reason == PT_checkpoint) /* this one the VMM has read from memory */
        return;
    told->table = x.table_pfn;
    told->reason = (uint8_t)x.reason;
    for (uint32_t i = 0; i < x.n; i++) {
        const struct trace_change c = entries_change(e, i);
        unsigned index = x.first + i;
        if (waits(told, index))
            no_store(t, e->cpu, index);
        told->waits[index / 64] |= 1ull << index % 64;
        told->old[index] = c.old;
        told->new[index] = c.new;
    }
}

/* --- stores --------------------------------------------------------------------------------------- */

bool trap_is_about(const struct trap *t, uint64_t gpa)
{
    return slots_has(t->slots, gpa / GMEM_PAGE);
}

static void judge(struct trap *t, struct finding f, uint32_t pfn, unsigned index)
{
    struct told *told = &t->told[f.cpu];
    if (replay_table(t->mirror, pfn) == NULL) {
        f.fault = STORE_NO_TABLE;
    } else if (told->table != pfn || !waits(told, index)) {
        f.fault = STORE_UNREPORTED;
    } else if ((told->new[index] ^ f.is) & ~PTE_AD) {
        f.fault = STORE_DIFFERS;
        f.expected = told->new[index];
    } else {
        told->waits[index / 64] &= ~(1ull << index % 64);
        return;
    }
    found(t, f, pfn, index);
}

static int forget(struct trap *t)
{
    if (!t->stale)
        return 0;
    t->stale = false;
    t->forgotten++;
    return slots_forget(t->slots);
}

static bool leads_to_table(const struct trap *t, uint32_t pfn, uint64_t entry)
{
    const struct replay_table *table = replay_table(t->mirror, pfn);
    return (entry & PTE_P) && (table == NULL || (table->level > PT_LEVEL_PTE && !(entry & PTE_PS)));
}

int trap_store(struct trap *t, const struct vcpu *v)
{
    const struct kvm_run *run = v->run;
    uint64_t gpa = run->mmio.phys_addr, at = gpa & ~7ull;
    uint32_t pfn = (uint32_t)(gpa / GMEM_PAGE), len = run->mmio.len;
    struct finding f = { .cpu = v->index, .rip = run->s.regs.regs.rip };
    uint8_t *entry = gmem_span(t->vm->mem, at, sizeof(f.held));
    if (entry == NULL)
        return -EFAULT;
    memcpy(&f.held, entry, sizeof(f.held));
    bool is_entry = at == gpa && len == sizeof(f.held);
    uint64_t room = 8 - (gpa - at); /* KVM cuts stores at pages, and to 8 bytes */
    memcpy(entry + (gpa - at), run->mmio.data, len < room ? len : room);
    if (len > room && gmem_span(t->vm->mem, at + 8, 8) != NULL)
        memcpy(entry + 8, run->mmio.data + room, len - room);
    memcpy(&f.is, entry, sizeof(f.is));
    t->stores++;
    if (is_entry) {
        judge(t, f, pfn, (unsigned)(at % GMEM_PAGE / 8));
    } else {
        f.fault = STORE_NO_ENTRY;
        found(t, f, pfn, (unsigned)(at % GMEM_PAGE / 8));
    }
    t->stale |= !is_entry || ((f.held & PTE_P) && f.held != f.is);
    return leads_to_table(t, pfn, f.is) ? forget(t) : 0;
}

uint64_t trap_first_table(const struct trap *t, uint64_t gpa, uint64_t bytes)
{
    return bytes == 0 ? 0 : slots_first(t->slots, gpa / GMEM_PAGE, (gpa + bytes - 1) / GMEM_PAGE);
}

void trap_written(struct trap *t, const struct vcpu *v, uint32_t pfn)
{
    struct finding f = { .fault = STORE_BY_CALL, .cpu = v->index, .rip = v->run->s.regs.regs.rip };
    found(t, f, pfn, 0);
    t->stale = true;
}

int trap_flush(struct trap *t) { return forget(t); }

void trap_stop(struct trap *t)
{
    for (unsigned c = 0; c < t->vm->ncpus; c++)
        if (!t->vm->vcpu[c].is_amid)
            no_stores(t, c);
}

/* --- the tables ------------------------------------------------------------------------------------- */

struct adding {
    struct slots *slots;
    bool ok;
};

static void add_table(void *arg, const struct replay_table *table)
{
    struct adding *a = arg;
    a->ok = a->ok && slots_add(a->slots, table->pfn, (uint64_t)table->pfn + 1);
}

int trap_tables(struct trap *t, uint64_t first, uint64_t end)
{
    if (first >= end || end > gmem_end(t->vm->mem) / GMEM_PAGE)
        return -EINVAL;
    struct adding a = { t->slots, slots_add(t->slots, first, end) };
    replay_each(t->mirror, add_table, &a);
    if (!a.ok) {
        say("audit: the kernel's tables are in too many places");
        return -ENOSPC;
    }
    return slots_install(t->slots);
}

/* --- the report --------------------------------------------------------------------------------------- */

static const char *text_of(enum fault fault)
{
    static const char *const text[] = {
        [STORE_UNREPORTED] = "a store without its event",
        [STORE_DIFFERS] = "a store that differs from its event",
        [STORE_NO_TABLE] = "a store to a frame for tables that is none",
        [STORE_NO_ENTRY] = "a store to a part of an entry, or to two",
        [STORE_BY_CALL] = "a hypercall that writes to a table",
        [EVENT_NOT_STORED] = "an event without its store",
    };
    return text[fault];
}

static void print_storer(struct symbols *symbols, const struct finding *f, FILE *out)
{
    char insn[80];
    size_t n;
    uint64_t start;
    const uint8_t *code = symbols_code(symbols, f->rip, &start, &n);
    size_t last = code != NULL ? disasm_last(code, n, start, insn, sizeof(insn)) : n;
    fprintf(out, "audit:   by");
    if (code == NULL || symbols_print(symbols, start + (last < n ? last : n - 1), out) == 0)
        fprintf(out, " code before %#" PRIx64, f->rip);
    if (code != NULL && last < n)
        fprintf(out, ": %s", insn);
    fputc('\n', out);
}

static void print_finding(struct symbols *symbols, const struct finding *f, FILE *out)
{
    char when[24];
    fprintf(out, "audit: %s: mm %u table %#x (%s) index %u va %#" PRIx64, text_of(f->fault), f->mm,
            f->table, f->level != 0 ? trace_value_name("pt_level", f->level) : "no level", f->index,
            f->va);
    if (f->fault == STORE_DIFFERS || f->fault == EVENT_NOT_STORED) {
        fputs(" expected ", out);
        format_pte(out, f->expected);
        fputc(',', out);
    }
    if (f->fault != STORE_BY_CALL) {
        fputs(" held ", out);
        format_pte(out, f->held);
    }
    if (f->fault != EVENT_NOT_STORED && f->fault != STORE_BY_CALL) {
        fputs(", got ", out);
        format_pte(out, f->is);
    }
    fputc('\n', out);
    if (f->rip != 0)
        print_storer(symbols, f, out);
    fprintf(out, "audit:   on vCPU %u, after event %" PRIu64 ", %s\n", f->cpu, f->event,
            format_seconds(when, f->ns));
}

uint64_t trap_finish(const struct trap *t, FILE *out)
{
    struct symbols *symbols = t->nfound > 0 ? symbols_open(t->vm->image.fd) : NULL;
    symbols_shift(symbols, t->vm->ring3 ? t->vm->image.ring3_shift : 0);
    for (unsigned i = 0; i < t->nfound; i++)
        print_finding(symbols, &t->found[i], out);
    symbols_close(symbols);
    fprintf(out,
            "audit: trap: %" PRIu64 " stores trapped, translations forgotten %" PRIu64
            " times, %" PRIu64 " violations\n",
            t->stores, t->forgotten, t->violations);
    return t->violations;
}

uint64_t trap_stores(const struct trap *t) { return t->stores; }
