/* tracer_calls.c - see tracer_calls.h.
 *
 * A stream has one writer, the guest or the VMM: what the VMM writes goes behind what it
 * wrote before, whatever the guest does to the window meanwhile, and only spoils its own trace
 * with.  The order within an event is the guest's (guest/trace/trace.c): the header word is
 * last, so that at each moment whole events are there and nothing else.
 *
 * All that comes from the guest is a number.  Those that choose what is read here, an
 * index, a count, an address, are checked; the others are only written down. */
#include "vmm/tracer_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/pte.h"
#include "vmm/pagewalk.h"
#include "vmm/trace/lib/schema.h"
#include "vmm/tracer_internal.h"

#define HEADER     sizeof(struct trace_packet)
#define SLOTS      512u
#define TABLES_MAX (1u << 20) /* of a kernel: more would be a trap for us */

/* The calling vCPU and what it asks for. */
struct writer {
    const struct tracer_caller *c;
    struct tracer_stream *s;
    uint64_t tsc;
    uint32_t mm;
    unsigned tables;
};

/* --- events ---------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *to, const void *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}

static int append(struct writer *w, uint32_t id, const void *fields, size_t size,
                  const uint64_t *words, unsigned n)
{
    struct tracer_stream *s = w->s;
    size_t room =
        sizeof(struct trace_header_extended) + sizeof(struct trace_context) + size + 8 * n;
    if (s->next + room > TRACE_WINDOW_BYTES) {
        int err = w->c->ring(w->c->arg, s->next, s->first_tsc, s->last_tsc);
        if (err != 0)
            return err;
    }
    struct trace_context context = { s->pid, w->mm };
    uint8_t *at = s->window + s->next, *to;
    bool is_first = s->next == HEADER, brief = false;
    if (is_first)
        s->first_tsc = w->tsc;
    else
        brief = id < TRACE_ID_EXTENDED && w->tsc - s->last_tsc < 1ull << TRACE_TSC_BITS;
    uint32_t word = brief ? id | (uint32_t)w->tsc << TRACE_ID_BITS : TRACE_ID_EXTENDED | id << 8;
    if (brief) {
        to = at + sizeof(struct trace_header_compact);
    } else {
        to = put(at + 1, &id, sizeof(id));
        to = put(to, &w->tsc, sizeof(w->tsc));
    }
    to = put(to, &context, sizeof(context));
    to = put(to, fields, size);
    if (n > 0)
        to = put(to, words, 8 * n);
    __atomic_signal_fence(__ATOMIC_RELEASE);
    memcpy(at, &word, sizeof(word));
    s->next = (size_t)(to - s->window);
    s->last_tsc = w->tsc;
    return 0;
}

/* --- contents ----------------------------------------------------------------------------
 *
 * The kernel reports an entry before it stores it and after the frame has been filled.  So a frame that
 * comes is as the program will find it, nobody else can reach it, and what it was copied from is
 * read-only for all: its owners are several, or it would not have been copied.  (A file's page may be
 * written by others meanwhile; who judges knows which it was by the old entry.) */

/* 0 if all is 0, and else not.  Two pages that differ have one hash by accident only. */
static uint64_t hash_of(const uint8_t *page, uint64_t hash)
{
    for (size_t i = 0; i < GMEM_PAGE; i += 8) {
        uint64_t word;
        memcpy(&word, page + i, sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static bool is_zero(const uint8_t *page)
{
    uint64_t all = 0;
    for (size_t i = 0; i < GMEM_PAGE; i += 8) {
        uint64_t word;
        memcpy(&word, page + i, sizeof(word));
        all |= word;
    }
    return all == 0;
}

static bool hash_frames(const struct writer *w, uint64_t pfn, unsigned pages, uint64_t *hash)
{
    bool zero = true;
    *hash = 1;
    for (unsigned i = 0; i < pages; i++) {
        const uint8_t *page = gmem_span(w->c->mem, (pfn + i) << 12, GMEM_PAGE);
        if (page == NULL)
            return false;
        zero &= is_zero(page);
        *hash = hash_of(page, *hash);
    }
    *hash = zero ? 0 : *hash != 0 ? *hash : 1;
    return true;
}

/* Before the event of the entry.  A frame outside RAM is told by nobody: it has no contents. */
static int tell_contents(struct writer *w, uint64_t va, unsigned level, unsigned reason,
                         uint64_t old, uint64_t new)
{
    uint64_t from = pte_frame(old), to = pte_frame(new);
    bool is_copy = reason == PT_cow_break && level == PT_LEVEL_PTE && from != to;
    bool is_fresh = reason == PT_demand_zero && level == PT_LEVEL_PTE;
    bool is_huge = reason == PT_huge_map && level == PT_LEVEL_PMD && (new &PTE_PS);
    struct trace_ev_contents f = { .va = va, .pages = is_huge ? SLOTS : 1 };
    uint64_t hash[2] = { 0, 0 };
    if (!w->c->tracer->contents || !(is_copy || is_fresh || is_huge) ||
        !hash_frames(w, to, f.pages, &hash[1]) || (is_copy && !hash_frames(w, from, 1, &hash[0])))
        return 0;
    f.from_pfn = is_copy ? (uint32_t)from : 0;
    f.to_pfn = (uint32_t)to;
    f.from_hash = hash[0];
    f.to_hash = hash[1];
    return append(w, TRACE_EV_contents, &f, sizeof(f), NULL, 0);
}

/* --- entries ---------------------------------------------------------------------------- */

/* Where entries are. */
struct place {
    uint64_t va;
    uint32_t table_pfn;
    uint16_t index;
    uint8_t level, reason;
};

static struct place further(struct place p, unsigned by)
{
    p.index = (uint16_t)(p.index + by);
    uint64_t va = p.va + ((uint64_t)by << (12 + 9 * (p.level - 1)));
    p.va = (uint64_t)((int64_t)(va << 16) >> 16); /* canonical */
    return p;
}

static int write_one(struct writer *w, struct place p, uint64_t old, uint64_t new)
{
    struct trace_ev_pte_write f = { p.va, p.table_pfn, p.index, p.level, p.reason, old, new };
    return append(w, TRACE_EV_pte_write, &f, sizeof(f), NULL, 0);
}

static int write_steps(struct writer *w, struct place p, unsigned n,
                       struct trace_ev_pte_range_step f)
{
    f.va = p.va;
    f.table_pfn = p.table_pfn;
    f.first = p.index;
    f.level = p.level;
    f.reason = p.reason;
    f.n = (uint16_t)n;
    return append(w, TRACE_EV_pte_range_step, &f, sizeof(f), NULL, 0);
}

static int write_range(struct writer *w, uint32_t id, struct place p, const uint64_t *words,
                       unsigned n)
{
    struct trace_ev_pte_range f = { p.va, p.table_pfn, p.index, p.level, p.reason, (uint16_t)n };
    return append(w, id, &f, sizeof(f), words, n);
}

/* Entries that were 0 (pte_range_new), or will be (pte_range_old). */
static int write_half(struct writer *w, uint32_t id, struct place p, const uint64_t *entry,
                      unsigned n)
{
    bool is_new = id == TRACE_EV_pte_range_new;
    uint32_t step;
    if (n == 0)
        return 0;
    if (n == 1)
        return is_new ? write_one(w, p, 0, entry[0]) : write_one(w, p, entry[0], 0);
    if (n >= TRACE_STEP_MIN && trace_in_steps(entry, n, &step))
        return write_steps(
            w, p, n,
            is_new ? (struct trace_ev_pte_range_step){ .new = entry[0], .new_step = step }
                   : (struct trace_ev_pte_range_step){ .old = entry[0], .old_step = step });
    return write_range(w, id, p, entry, n);
}

/* Entries get frames in a row, up to the first that is used. */
static int write_run(struct writer *w, struct place p, const uint64_t *entry, unsigned most,
                     uint64_t first)
{
    unsigned n = 0;
    while (n < most && entry[n] == 0)
        n++;
    if (n < 2)
        return n == 0 ? 0 : write_one(w, p, 0, first);
    return write_steps(w, p, n,
                       (struct trace_ev_pte_range_step){ .new = first, .new_step = GMEM_PAGE });
}

/* Entries that all change. */
static int write_changed(struct writer *w, struct place p, const uint64_t *entry, unsigned n,
                         uint64_t off, uint64_t on)
{
    uint64_t pair[2 * SLOTS], first = (entry[0] & ~off) | on;
    uint32_t step;
    if (n == 1)
        return write_one(w, p, entry[0], first);
    if (trace_in_steps(entry, n, &step) && step % GMEM_PAGE == 0)
        return write_steps(w, p, n,
                           (struct trace_ev_pte_range_step){
                               .old = entry[0], .new = first, .old_step = step, .new_step = step });
    for (unsigned i = 0; i < n; i++) {
        pair[2 * i] = entry[i];
        pair[2 * i + 1] = (entry[i] & ~off) | on;
    }
    return write_range(w, TRACE_EV_pte_range, p, pair, 2 * n);
}

static int write_change(struct writer *w, struct place p, const uint64_t *entry, unsigned n,
                        uint64_t off, uint64_t on)
{
    int err = 0;
    for (unsigned i = 0, run; err == 0 && i < n; i += run + 1) {
        for (run = 0; i + run < n; run++)
            if (((entry[i + run] & ~off) | on) == entry[i + run])
                break;
        if (run > 0)
            err = write_changed(w, further(p, i), entry + i, run, off, on);
    }
    return err;
}

/* The entries as they are.  The processor may set bits in them meanwhile. */
static bool read_table(const struct writer *w, uint64_t pfn, unsigned index, unsigned n,
                       uint64_t *entry)
{
    const uint64_t *table = gmem_span(w->c->mem, pfn << 12, GMEM_PAGE);
    for (unsigned i = 0; table != NULL && i < n; i++)
        entry[i] = __atomic_load_n(&table[index + i], __ATOMIC_RELAXED);
    return table != NULL;
}

/* As the kernel's own root has it: the same in all others. */
static struct kvm_sregs kernel_paging(const struct writer *w)
{
    return (
        struct kvm_sregs){ .cr0 = 1ull << 31, .cr3 = w->c->tracer->kernel_root, .efer = 1 << 10 };
}

static bool locate(const struct writer *w, uint64_t va, uint64_t *gpa)
{
    const struct kvm_sregs paging = kernel_paging(w);
    return pagewalk(w->c->mem, &paging, va, gpa, NULL);
}

static bool read_kernel(const struct writer *w, uint64_t va, void *to, size_t n)
{
    const struct kvm_sregs paging = kernel_paging(w);
    return pagewalk_read(w->c->mem, &paging, va, to, n) == n;
}

/* The place of an entry at a kernel address, and n entries from there on. */
static bool find_entries(const struct writer *w, uint64_t at, struct place *p, unsigned n,
                         uint64_t *entry)
{
    uint64_t gpa;
    if (!locate(w, at, &gpa) || gpa % 8 != 0 || gpa >> 12 > UINT32_MAX)
        return false;
    p->table_pfn = (uint32_t)(gpa >> 12);
    p->index = gpa % GMEM_PAGE / 8;
    return p->level >= PT_LEVEL_PTE && p->level <= PT_LEVEL_PGD && n <= SLOTS - p->index &&
           read_table(w, p->table_pfn, p->index, n, entry);
}

static int one_entry(struct writer *w, const struct kvm_regs *r)
{
    struct place p = { .va = r->rsi, .level = (uint8_t)r->rcx, .reason = (uint8_t)r->r8 };
    uint64_t old;
    if (!find_entries(w, r->rdx, &p, 1, &old))
        return -EINVAL;
    int err = tell_contents(w, p.va, p.level, p.reason, old, r->r9);
    return err != 0 ? err : write_one(w, p, old, r->r9);
}

static int event_of_entries(struct writer *w, uint32_t id, const struct kvm_regs *r)
{
    struct place p = { .va = r->rsi, .level = (uint8_t)r->rcx, .reason = (uint8_t)(r->rcx >> 8) };
    uint64_t entry[SLOTS];
    unsigned n = (uint16_t)(r->rcx >> 16);
    w->mm = (uint32_t)r->rdi;
    if (id == TRACE_EV_pte_write)
        return one_entry(w, r);
    if (!find_entries(w, r->rdx, &p, n, entry))
        return -EINVAL;
    switch (id) {
    case TRACE_EV_pte_range_step: return write_run(w, p, entry, n, r->r8);
    case TRACE_EV_pte_range_old: return write_half(w, id, p, entry, n);
    case TRACE_EV_pte_range: return write_change(w, p, entry, n, r->r8, r->r9);
    }
    if (!read_kernel(w, r->r8, entry, 8ul * n))
        return -EINVAL;
    int err = 0;
    for (unsigned i = 0; err == 0 && i < n; i++)
        err = tell_contents(w, further(p, i).va, p.level, p.reason, 0, entry[i]);
    return err != 0 ? err : write_half(w, id, p, entry, n);
}

/* --- all other events ----------------------------------------------------------------------- */

static int plain_event(struct writer *w, const struct trace_class *c, const struct kvm_regs *r)
{
    const uint64_t argument[] = { r->rsi, r->rdx, r->rcx, r->r8, r->r9 };
    uint8_t fields[8 * 5], *to = fields;
    unsigned i = 0;
    for (const struct trace_field *f = c->fields; f->name != NULL; f++) {
        if (i == sizeof(argument) / sizeof(argument[0]) || f->kind == FIELD_CHARS)
            return -EINVAL;
        to = put(to, &argument[i++], f->size);
    }
    w->mm = (uint32_t)r->rdi;
    return append(w, c->id, fields, (size_t)(to - fields), NULL, 0);
}

static int state_event(struct writer *w, const struct kvm_regs *r)
{
    struct trace_ev_task_state f = {
        .task = (uint32_t)r->rsi,
        .prev = (uint8_t)r->rdx,
        .next = (uint8_t)(r->rdx >> 8),
        .reason = (uint8_t)(r->rdx >> 16),
        .on_pid = (uint32_t)r->rcx,
        .by_pid = (uint32_t)r->r8,
    };
    w->mm = (uint32_t)r->rdi;
    return append(w, TRACE_EV_task_state, &f, sizeof(f), NULL, 0);
}

static int switch_event(struct writer *w, const struct kvm_regs *r)
{
    struct trace_ev_switch f = { (uint32_t)r->rdi, (uint32_t)r->rsi, (uint32_t)r->rdx };
    w->s->pid = f.next_pid;
    w->mm = f.next_mm;
    return append(w, TRACE_EV_switch, &f, sizeof(f), NULL, 0);
}

static int exec_event(struct writer *w, const struct kvm_regs *r)
{
    struct trace_ev_exec f = { .old_mm = (uint32_t)r->rsi };
    if (!read_kernel(w, r->rcx, f.comm, sizeof(f.comm)))
        return -EINVAL;
    w->s->pid = (uint32_t)r->rdx;
    w->mm = (uint32_t)r->rdi;
    return append(w, TRACE_EV_exec, &f, sizeof(f), NULL, 0);
}

static int exec_args_event(struct writer *w, const struct kvm_regs *r)
{
    struct trace_ev_exec_args f = { 0 };
    uint64_t n = r->rcx < sizeof(f.args) ? r->rcx : sizeof(f.args);
    for (unsigned i = 0; i < sizeof(f.path); i++) /* it may end where the memory ends */
        if (!read_kernel(w, r->rsi + i, &f.path[i], 1))
            return -EINVAL;
        else if (f.path[i] == '\0')
            break;
    if (!read_kernel(w, r->rdx, f.args, n))
        return -EINVAL;
    for (uint64_t i = 0; i + 1 < n; i++)
        if (f.args[i] == '\0')
            f.args[i] = ' ';
    w->mm = (uint32_t)r->rdi;
    return append(w, TRACE_EV_exec_args, &f, sizeof(f), NULL, 0);
}

/* In order across vCPUs, whatever the host's counters do. */
static uint64_t in_order(struct tracer *t, uint64_t tsc)
{
    uint64_t last = atomic_load_explicit(&t->stamp, memory_order_relaxed);
    while (last < tsc)
        if (atomic_compare_exchange_weak(&t->stamp, &last, tsc))
            return tsc;
    return last;
}

static bool may_write(const struct tracer *t, unsigned cpu)
{
    return cpu < t->ncpus && !t->finished && t->stream[cpu].is_open;
}

int tracer_event(const struct tracer_caller *c, const struct kvm_regs *r, uint64_t tsc)
{
    const struct trace_class *class = trace_class_of((uint32_t)r->rax);
    if (class == NULL || !may_write(c->tracer, c->cpu))
        return -EINVAL;
    struct writer w = { .c = c, .s = &c->tracer->stream[c->cpu] };
    w.tsc = in_order(c->tracer, tsc);
    switch (class->id) {
    case TRACE_EV_pte_write:
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step: return event_of_entries(&w, class->id, r);
    case TRACE_EV_task_state: return state_event(&w, r);
    case TRACE_EV_switch: return switch_event(&w, r);
    case TRACE_EV_exec: return exec_event(&w, r);
    case TRACE_EV_exec_args: return exec_args_event(&w, r);
    }
    return plain_event(&w, class, r);
}

/* --- the checkpoint ---------------------------------------------------------------------------- */

static int table_appears(struct writer *w, uint64_t va, uint32_t pfn, unsigned level)
{
    struct trace_ev_table_alloc f = { va, pfn, (uint8_t)level, PT_checkpoint };
    return append(w, TRACE_EV_table_alloc, &f, sizeof(f), NULL, 0);
}

static bool leads_on(uint64_t e, unsigned level)
{
    return level > PT_LEVEL_PTE && e != 0 && !(e & PTE_PS);
}

/* The tables below this one first, since entries may lead only to tables that are known; then
 * its entries; then what is in those. */
static int checkpoint_table(struct writer *w, uint32_t pfn, uint64_t va, unsigned level)
{
    struct place p = { va, pfn, 0, (uint8_t)level, PT_checkpoint };
    uint64_t entry[SLOTS];
    int err = 0;
    if (!read_table(w, pfn, 0, SLOTS, entry) || w->tables++ == TABLES_MAX)
        return -EINVAL;
    for (unsigned i = 0; err == 0 && i < SLOTS; i++)
        if (leads_on(entry[i], level))
            err = table_appears(w, further(p, i).va, (uint32_t)pte_frame(entry[i]), level - 1);
    for (unsigned i = 0, n; err == 0 && i < SLOTS; i += n + 1) {
        for (n = 0; i + n < SLOTS && entry[i + n] != 0; n++)
            ;
        err = write_half(w, TRACE_EV_pte_range_new, further(p, i), entry + i, n);
    }
    for (unsigned i = 0; err == 0 && i < SLOTS; i++)
        if (leads_on(entry[i], level))
            err = checkpoint_table(w, (uint32_t)pte_frame(entry[i]), further(p, i).va, level - 1);
    return err;
}

static int mark(struct writer *w, uint8_t begin)
{
    struct trace_ev_checkpoint f = { begin };
    return append(w, TRACE_EV_checkpoint, &f, sizeof(f), NULL, 0);
}

int64_t tracer_checkpoint(const struct tracer_caller *c, uint64_t root_pfn, uint64_t tsc)
{
    struct tracer *t = c->tracer;
    if (!may_write(t, c->cpu) || root_pfn > UINT32_MAX)
        return -EINVAL;
    struct writer w = { .c = c, .s = &t->stream[c->cpu], .tsc = tsc };
    if (w.s->seq != 0 || w.s->next != HEADER)
        return -EALREADY;
    t->kernel_root = root_pfn << 12;
    in_order(t, tsc);
    struct trace_ev_mm_create kernel = { .root_pfn = (uint32_t)root_pfn };
    int err = mark(&w, 1);
    if (err == 0)
        err = append(&w, TRACE_EV_mm_create, &kernel, sizeof(kernel), NULL, 0);
    if (err == 0)
        err = table_appears(&w, 0, (uint32_t)root_pfn, PT_LEVEL_PGD);
    if (err == 0)
        err = checkpoint_table(&w, (uint32_t)root_pfn, 0, PT_LEVEL_PGD);
    if (err == 0)
        err = mark(&w, 0);
    return err != 0 ? err : (int64_t)w.s->next;
}
