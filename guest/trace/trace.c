/* trace.c - writes events into this CPU's window.
 *
 * The window is a packet that the VMM will give a header: events start behind
 * it.  When one does not fit, the doorbell closes the packet, and the same
 * addresses show the next, empty one.  So nothing is copied and nothing lost.
 *
 * An event's header word is stored last.  A packet is all zero at first, hence
 * whoever looks at a packet that was never closed sees where the whole events
 * end.  For the same reason the first event of a packet has an extended header:
 * its time needs no packet header to be understood.
 *
 * The TSC is kept apart in an epoch, its bits from TRACE_TSC_BITS on, and the
 * rest: an event in the epoch of the one before has a compact header, any other
 * an extended one.  That is a little stricter than the schema's rule and takes
 * no 64-bit arithmetic.  trace_emit_pte_write() runs for most events; where
 * ring 0 is interpreted its instructions are what tracing costs. */
#include "trace/trace.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/machine.h"
#include "lib/string.h"

bool trace_on;

#define NO_EPOCH   UINT32_MAX
#define CONTEXT    sizeof(struct trace_context)
#define HEAD_SHORT sizeof(struct trace_header_compact)
#define HEAD_LONG  sizeof(struct trace_header_extended)
/* More than any event without a sequence or long texts takes. */
#define FIXED_MAX 80u
#define X(id, name, fields) \
    _Static_assert(HEAD_LONG + CONTEXT + sizeof(struct trace_ev_##name) <= FIXED_MAX, #name);
TRACE_ENTRY_EVENTS(X)
TRACE_RUNNING_EVENTS(X)
TRACE_PLAIN_EVENTS(X)
#undef X

typedef uint32_t __attribute__((aligned(1), may_alias)) trace_head_t;
typedef uint64_t __attribute__((aligned(1), may_alias)) trace_word_t;

/* An event under way: its context and fields go to body, then commit() stores
 * the header word, whose low five bits say which header it belongs to. */
struct slot {
    uint8_t *body;
    uint32_t head;
};

static void doorbell(struct cpu *c)
{
    struct trace_cpu *t = &c->trace;
    if (t->next > t->window + sizeof(struct trace_packet)) {
        long err = hypercall(HC_TRACE_DOORBELL, c->id, (uint64_t)(t->next - t->window),
                             t->first_tsc, tsc_stamp());
        if (err != 0) {
            trace_on = false; /* the report of the panic must not come here */
            panic("trace: the VMM does not take a packet: error %ld", -err);
        }
    }
    t->next = t->window + sizeof(struct trace_packet);
    t->epoch = NO_EPOCH;
}

/* Starts an event with an extended header, in a packet with `bytes` left. */
static __attribute__((noinline)) struct slot begin_slow(uint32_t id, unsigned bytes)
{
    struct cpu *c = this_cpu();
    struct trace_cpu *t = &c->trace;
    ASSERT(t->window != NULL);
    if (t->next + bytes > t->window + TRACE_WINDOW_BYTES)
        doorbell(c);

    uint64_t tsc = tsc_stamp();
    if (t->next == t->window + sizeof(struct trace_packet))
        t->first_tsc = tsc;
    t->epoch = (uint32_t)(tsc >> TRACE_TSC_BITS);
    memcpy(t->next + 1, &id, sizeof(id));
    memcpy(t->next + 5, &tsc, sizeof(tsc));
    /* The word covers the first byte and three of the id. */
    return (struct slot){ t->next + HEAD_LONG, TRACE_ID_EXTENDED | id << 8 };
}

struct now {
    uint32_t low, epoch; /* TSC: its low half; what is above TRACE_TSC_BITS */
};

static inline struct now read_now(void)
{
    struct now now;
    __asm__ volatile("rdtsc; shld %2, %0, %1"
                     : "=&a"(now.low), "=&d"(now.epoch)
                     : "i"(32 - TRACE_TSC_BITS)
                     : "cc");
    return now;
}

/* Starts an event that takes FIXED_MAX bytes at most. */
static inline __attribute__((always_inline)) struct slot begin(struct trace_cpu *t, uint32_t id)
{
    uint8_t *at = t->next;
    struct now now = read_now();
    if (unlikely(at > t->limit || now.epoch != t->epoch) || id >= TRACE_ID_EXTENDED)
        return begin_slow(id, FIXED_MAX);
    return (struct slot){ at + HEAD_SHORT, id | now.low << 5 };
}

/* The event is complete, its fields end at `end`. */
static inline __attribute__((always_inline)) void commit(struct trace_cpu *t, struct slot s,
                                                         uint8_t *end)
{
    unsigned back = (s.head & 31) == TRACE_ID_EXTENDED ? HEAD_LONG : HEAD_SHORT;
    t->next = end;
    __asm__ volatile("" ::: "memory"); /* the header is the last store */
    *(trace_head_t *)(s.body - back) = s.head;
}

static inline __attribute__((always_inline)) void *put_context(struct trace_cpu *t, struct slot s,
                                                               uint32_t mm)
{
    struct trace_context *context = (struct trace_context *)s.body;
    context->pid = t->pid;
    context->mm = mm;
    return context + 1;
}

/* --- page tables -------------------------------------------------------------------------- */

/* pte_write, and the start of pte_range, with the four fields of trace_slot() in
 * one store. */
struct pte_fields {
    uint64_t va, slot, old, new;
} __attribute__((packed));
_Static_assert(offsetof(struct trace_ev_pte_write, table_pfn) == 8 &&
                   offsetof(struct trace_ev_pte_write, index) == 12 &&
                   offsetof(struct trace_ev_pte_write, level) == 14 &&
                   offsetof(struct trace_ev_pte_write, reason) == 15 &&
                   sizeof(struct trace_ev_pte_write) == sizeof(struct pte_fields) &&
                   offsetof(struct trace_ev_pte_range, first) == 12 &&
                   offsetof(struct trace_ev_pte_range, len) == 16,
               "trace_slot() is the layout");

struct pte_event {
    struct trace_context context;
    struct pte_fields fields;
} __attribute__((packed));

static __attribute__((noinline)) void pte_write_slow(uint64_t slot, uint64_t va, uint32_t mm,
                                                     uint64_t old, uint64_t new)
{
    struct trace_cpu *t = &this_cpu()->trace;
    struct slot s = begin_slow(TRACE_EV_pte_write, FIXED_MAX);
    struct pte_fields *f = put_context(t, s, mm);
    *f = (struct pte_fields){ va, slot, old, new };
    commit(t, s, (uint8_t *)(f + 1));
}

/* The fields stand behind a compact header, but an extended one is needed. */
static __attribute__((noinline)) void pte_write_again(void)
{
    const struct pte_event *e = (struct pte_event *)(this_cpu()->trace.next + HEAD_SHORT);
    struct pte_fields f = e->fields;
    pte_write_slow(f.slot, f.va, e->context.mm, f.old, f.new);
}

/* begin() and commit() by hand.  All arguments go to the window before RDTSC
 * takes its registers, volatile so that they do; nothing is saved, nothing is
 * on the stack: 21 instructions, RET included. */
void trace_emit_pte_write(uint64_t slot, uint64_t va, uint32_t mm, uint64_t old, uint64_t new)
{
    struct trace_cpu *t = &this_cpu()->trace;
    uint8_t *at = t->next;
    volatile struct pte_event *e = (struct pte_event *)(at + HEAD_SHORT);

    if (unlikely(at > t->limit)) {
        pte_write_slow(slot, va, mm, old, new);
        return;
    }
    e->context.pid = t->pid;
    e->context.mm = mm;
    e->fields.va = va;
    e->fields.slot = slot;
    e->fields.old = old;
    e->fields.new = new;
    struct now now = read_now();
    if (unlikely(now.epoch != t->epoch)) {
        pte_write_again();
        return;
    }
    t->next = (uint8_t *)(e + 1);
    __asm__ volatile("" ::: "memory"); /* the header is the last store */
    *(trace_head_t *)at = TRACE_EV_pte_write | now.low << 5;
}

/* Starts a range with room for `words`; the sequence begins at the result. */
static trace_word_t *begin_range(struct slot *s, uint32_t id, uint64_t slot, uint64_t va,
                                 uint32_t mm, unsigned words)
{
    *s = begin_slow(id, FIXED_MAX + 8 * words);
    struct pte_fields *f = put_context(&this_cpu()->trace, *s, mm);
    f->va = va;
    f->slot = slot;
    return (trace_word_t *)((uint8_t *)f + sizeof(struct trace_ev_pte_range));
}

static void end_range(struct slot s, trace_word_t *word, trace_word_t *end)
{
    uint16_t len = (uint16_t)(end - word);
    memcpy((uint8_t *)word - sizeof(len), &len, sizeof(len));
    commit(&this_cpu()->trace, s, (uint8_t *)end);
}

struct step {
    uint64_t old, new;
    uint32_t old_step, new_step;
} __attribute__((packed));
_Static_assert(offsetof(struct trace_ev_pte_range_step, n) == 16 &&
                   sizeof(struct trace_ev_pte_range_step) == 18 + sizeof(struct step),
               "trace_slot() is the layout, here too");

static void emit_step(uint64_t slot, uint64_t va, uint32_t mm, unsigned n, struct step step)
{
    struct trace_cpu *t = &this_cpu()->trace;
    struct slot s = begin(t, TRACE_EV_pte_range_step);
    struct trace_ev_pte_range_step *f = put_context(t, s, mm);
    memcpy(f, &(struct pte_fields){ .va = va, .slot = slot }, 16);
    f->n = (uint16_t)n;
    memcpy(&f->old, &step, sizeof(step));
    commit(t, s, (uint8_t *)(f + 1));
}

void trace_emit_fill(uint64_t slot, uint64_t va, uint32_t mm, unsigned n, uint64_t first)
{
    if (n > 1)
        emit_step(slot, va, mm, n, (struct step){ .new = first, .new_step = PAGE_SIZE });
    else if (n == 1)
        trace_emit_pte_write(slot, va, mm, 0, first);
}

void trace_emit_range(uint64_t slot, uint64_t va, uint32_t mm, uint32_t id, unsigned n,
                      const uint64_t *entries)
{
    struct slot s;
    uint32_t step;
    if (n == 0)
        return;
    if (n >= TRACE_STEP_MIN && trace_in_steps(entries, n, &step)) {
        emit_step(slot, va, mm, n,
                  id == TRACE_EV_pte_range_new
                      ? (struct step){ .new = entries[0], .new_step = step }
                      : (struct step){ .old = entries[0], .old_step = step });
        return;
    }
    trace_word_t *word = begin_range(&s, id, slot, va, mm, n), *to = word;
    uint64_t count = n;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(entries), "+c"(count)::"memory");
    end_range(s, word, to);
}

/* Neighbours that all change: (old & ~off) | on is another entry. */
static void emit_changed(uint64_t slot, uint64_t va, uint32_t mm, unsigned n,
                         const uint64_t *entries, uint64_t off, uint64_t on)
{
    struct slot s;
    uint64_t first = (entries[0] & ~off) | on;
    uint32_t step;
    if (n == 1) {
        trace_emit_pte_write(slot, va, mm, entries[0], first);
        return;
    }
    /* Steps are of whole frames, which leaves the bits that change alone. */
    if (trace_in_steps(entries, n, &step) && step % PAGE_SIZE == 0) {
        emit_step(slot, va, mm, n, (struct step){ entries[0], first, step, step });
        return;
    }
    trace_word_t *word = begin_range(&s, TRACE_EV_pte_range, slot, va, mm, 2 * n), *to = word;
    for (unsigned i = 0; i < n; i++) {
        *to++ = entries[i];
        *to++ = (entries[i] & ~off) | on;
    }
    end_range(s, word, to);
}

void trace_emit_change(uint64_t slot, uint64_t va, uint32_t mm, unsigned n, uint64_t off,
                       uint64_t on, const uint64_t *entries)
{
    uint64_t span = PAGE_SIZE << 9 * ((uint8_t)(slot >> 48) - 1);
    for (unsigned i = 0, run; i < n; i += run + 1) {
        for (run = 0; i + run < n; run++)
            if (((entries[i + run] & ~off) | on) == entries[i + run])
                break;
        if (run > 0)
            emit_changed(slot + ((uint64_t)i << 32), va + i * span, mm, run, entries + i, off, on);
    }
}

/* --- all other events ----------------------------------------------------------------------- */

/* From the schema: put_NAME() writes an event, trace_emit_NAME() does nothing else. */
#define PUT_F(type, field) f->field = (trace_##type)field##_;
#define PUT_E(list, field) f->field = (uint8_t)field##_;
#define PUT_S(type, field)
#define PUT_C(field) memcpy(f->field, field##_, sizeof(f->field));
#define X(id, name, fields) \
    static inline __attribute__((always_inline)) void put_##name(struct trace_cpu *t, \
                                                                 uint32_t mm TRACE_ARGS(fields)) \
    { \
        struct slot s = begin(t, id); \
        struct trace_ev_##name *f = put_context(t, s, mm); \
        fields(PUT_F, PUT_E, PUT_S, PUT_C) commit(t, s, (uint8_t *)(f + 1)); \
    }
TRACE_RUNNING_EVENTS(X)
TRACE_PLAIN_EVENTS(X)
#undef X

#define X(id, name, fields) \
    void trace_emit_##name(uint32_t mm TRACE_ARGS(fields)) \
    { \
        put_##name(&this_cpu()->trace, mm TRACE_PASS(fields)); \
    }
TRACE_PLAIN_EVENTS(X)
#undef X

void trace_emit_switch(uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm)
{
    struct trace_cpu *t = &this_cpu()->trace;
    t->pid = next_pid;
    put_switch(t, next_mm, prev_pid, next_pid, next_mm);
}

void trace_emit_exec(uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm)
{
    struct trace_cpu *t = &this_cpu()->trace;
    t->pid = pid;
    put_exec(t, mm, old_mm, comm);
}

void trace_emit_exec_args(uint32_t mm, const char *path, const char *args, size_t n)
{
    struct trace_cpu *t = &this_cpu()->trace;
    struct slot s =
        begin_slow(TRACE_EV_exec_args, HEAD_LONG + CONTEXT + sizeof(struct trace_ev_exec_args));
    struct trace_ev_exec_args *f = put_context(t, s, mm);
    memset(f, 0, sizeof *f);
    for (size_t i = 0; path[i] != '\0' && i < sizeof f->path; i++)
        f->path[i] = path[i];
    for (size_t i = 0; i < n && i < sizeof f->args; i++)
        f->args[i] = args[i] == '\0' && i + 1 < n ? ' ' : args[i];
    commit(t, s, (uint8_t *)(f + 1));
}

void trace_mark(void)
{
    if (hc_caps & HC_CAP_MARKS)
        hypercall(HC_TRACE_MARK, 0, 0, 0, 0);
}

/* --- start and end --------------------------------------------------------------------------- */

bool trace_wanted(void) { return hc_caps & HC_CAP_TRACE; }

void trace_cpu_init(unsigned cpu, void *(*map)(paddr_t at, size_t n))
{
    if (!trace_wanted())
        return;
    struct trace_cpu *t = &cpus[cpu].trace;
    long at = hypercall(HC_TRACE_OPEN, cpu, 0, 0, 0);
    if (at < 0)
        panic("trace: the VMM has no window for CPU %u: error %ld", cpu, -at);
    uint8_t *window = map((paddr_t)at, TRACE_WINDOW_BYTES);
    if (window == NULL)
        panic("trace: no memory to map the window of CPU %u", cpu);
    t->limit = tsc_drifts ? window : window + TRACE_WINDOW_BYTES - FIXED_MAX;
    t->next = window + sizeof(struct trace_packet);
    t->epoch = NO_EPOCH;
    t->window = window;
}

/* No event fits in what is left now, as far as begin() knows: begin_slow() takes them
 * all.  So where the counters can be relied on, this costs nothing. */
void trace_long_stamps(void)
{
    for (unsigned i = 0; i < MAX_CPUS; i++)
        cpus[i].trace.limit = cpus[i].trace.window;
}

static void flush(void) { doorbell(this_cpu()); }

void trace_start(void)
{
    trace_on = true;
    machine_at_exit(flush);
}
