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
 * no 64-bit arithmetic.
 *
 * Where the host interprets the kernel none of this runs: trace_call.h. */
#include "trace/trace.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/machine.h"
#include "arch/layout.h"
#include "lib/string.h"

bool trace_on, trace_by_call;

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
TRACE_STATE_EVENTS(X)
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

/* What all kinds of ranges begin with. */
#define RANGE struct trace_ev_pte_range
_Static_assert(offsetof(RANGE, len) == offsetof(struct trace_ev_pte_range_step, n) &&
                   offsetof(RANGE, reason) == offsetof(struct trace_ev_pte_write, reason) &&
                   offsetof(RANGE, first) == offsetof(struct trace_ev_pte_write, index),
               "they begin alike");

static inline unsigned count_of(uint64_t what) { return (unsigned)(what >> 16); }

static void put_place(RANGE *f, uint64_t va, const uint64_t *e, uint64_t what)
{
    paddr_t at = virt_to_phys(e);
    f->va = va;
    f->table_pfn = (uint32_t)(at >> PAGE_SHIFT);
    f->first = (uint16_t)(at % PAGE_SIZE / sizeof(*e));
    f->level = (uint8_t)what;
    f->reason = (uint8_t)(what >> 8);
}

void trace_write_pte(uint32_t mm, uint64_t va, const uint64_t *e, unsigned level, unsigned reason,
                     uint64_t new)
{
    struct trace_cpu *t = &this_cpu()->trace;
    uint64_t old = *e;
    struct slot s = begin(t, TRACE_EV_pte_write);
    struct trace_ev_pte_write *f = put_context(t, s, mm);
    put_place((RANGE *)f, va, e, trace_what(level, reason, 1));
    f->old = old;
    f->new = new;
    commit(t, s, (uint8_t *)(f + 1));
}

struct step {
    uint64_t old, new;
    uint32_t old_step, new_step;
} __attribute__((packed));
_Static_assert(sizeof(struct trace_ev_pte_range_step) == sizeof(RANGE) + sizeof(struct step),
               "the step follows");

static void put_step(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what, unsigned n,
                     struct step step)
{
    struct trace_cpu *t = &this_cpu()->trace;
    struct slot s = begin(t, TRACE_EV_pte_range_step);
    RANGE *f = put_context(t, s, mm);
    put_place(f, va, e, what);
    f->len = (uint16_t)n;
    memcpy(f + 1, &step, sizeof(step));
    commit(t, s, (uint8_t *)(f + 1) + sizeof(step));
}

void trace_write_fill(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what, uint64_t first)
{
    unsigned n = 0;
    while (n < count_of(what) && !e[n])
        n++;
    if (n > 1)
        put_step(mm, va, e, what, n, (struct step){ .new = first, .new_step = PAGE_SIZE });
    else if (n == 1)
        trace_write_pte(mm, va, e, (uint8_t)what, (uint8_t)(what >> 8), first);
}

/* Starts a range with room for `words`; the sequence begins at the result. */
static trace_word_t *begin_range(struct slot *s, uint32_t id, uint32_t mm, uint64_t va,
                                 const uint64_t *e, uint64_t what, unsigned words)
{
    *s = begin_slow(id, FIXED_MAX + 8 * words);
    RANGE *f = put_context(&this_cpu()->trace, *s, mm);
    put_place(f, va, e, what);
    f->len = (uint16_t)words;
    return (trace_word_t *)(f + 1);
}

void trace_write_range(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what,
                       const uint64_t *entries, uint32_t id)
{
    struct slot s;
    uint32_t step;
    uint64_t n = count_of(what);
    if (n == 0)
        return;
    if (n == 1) {
        trace_write_pte(mm, va, e, (uint8_t)what, (uint8_t)(what >> 8),
                        id == TRACE_EV_pte_range_new ? entries[0] : 0);
        return;
    }
    if (n >= TRACE_STEP_MIN && trace_in_steps(entries, (unsigned)n, &step)) {
        put_step(mm, va, e, what, (unsigned)n,
                 id == TRACE_EV_pte_range_new
                     ? (struct step){ .new = entries[0], .new_step = step }
                     : (struct step){ .old = entries[0], .old_step = step });
        return;
    }
    trace_word_t *to = begin_range(&s, id, mm, va, e, what, (unsigned)n);
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(entries), "+c"(n)::"memory");
    commit(&this_cpu()->trace, s, (uint8_t *)to);
}

/* Neighbours that all change: (old & ~off) | on is another entry. */
static void write_changed(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what, unsigned n,
                          uint64_t off, uint64_t on)
{
    struct slot s;
    uint64_t first = (e[0] & ~off) | on;
    uint32_t step;
    if (n == 1) {
        trace_write_pte(mm, va, e, (uint8_t)what, (uint8_t)(what >> 8), first);
        return;
    }
    /* Steps are of whole frames, which leaves the bits that change alone. */
    if (trace_in_steps(e, n, &step) && step % PAGE_SIZE == 0) {
        put_step(mm, va, e, what, n, (struct step){ e[0], first, step, step });
        return;
    }
    trace_word_t *to = begin_range(&s, TRACE_EV_pte_range, mm, va, e, what, 2 * n);
    for (unsigned i = 0; i < n; i++) {
        uint64_t old = __atomic_load_n(&e[i], __ATOMIC_RELAXED);
        *to++ = old;
        *to++ = (old & ~off) | on;
    }
    commit(&this_cpu()->trace, s, (uint8_t *)to);
}

void trace_write_change(uint32_t mm, uint64_t va, const uint64_t *e, uint64_t what, uint64_t off,
                        uint64_t on)
{
    uint64_t span = PAGE_SIZE << 9 * ((uint8_t)what - 1);
    unsigned n = count_of(what);
    for (unsigned i = 0, run; i < n; i += run + 1) {
        for (run = 0; i + run < n; run++)
            if (((e[i + run] & ~off) | on) == e[i + run])
                break;
        if (run > 0)
            write_changed(mm, va + i * span, e + i, what, run, off, on);
    }
}

/* --- all other events ----------------------------------------------------------------------- */

/* From the schema: put_NAME() writes an event, trace_write_NAME() does nothing else. */
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
    void trace_write_##name(uint32_t mm TRACE_ARGS(fields)) \
    { \
        put_##name(&this_cpu()->trace, mm TRACE_PASS(fields)); \
    }
TRACE_PLAIN_EVENTS(X)
#undef X

void trace_write_task_state(uint32_t mm, uint32_t task, uint32_t states, uint32_t on_pid,
                            uint32_t by_pid)
{
    struct trace_cpu *t = &this_cpu()->trace;
    struct slot s = begin(t, TRACE_EV_task_state);
    struct trace_ev_task_state *f = put_context(t, s, mm);
    f->task = task;
    memcpy(&f->prev, &states, sizeof(states)); /* its highest byte is on_pid's place */
    f->on_pid = on_pid;
    f->by_pid = by_pid;
    commit(t, s, (uint8_t *)(f + 1));
}
_Static_assert(offsetof(struct trace_ev_task_state, next) ==
                       offsetof(struct trace_ev_task_state, prev) + 1 &&
                   offsetof(struct trace_ev_task_state, reason) ==
                       offsetof(struct trace_ev_task_state, prev) + 2,
               "as in `states`");

void trace_write_switch(uint32_t prev_pid, uint32_t next_pid, uint32_t next_mm)
{
    struct trace_cpu *t = &this_cpu()->trace;
    t->pid = next_pid;
    put_switch(t, next_mm, prev_pid, next_pid, next_mm);
}

void trace_write_exec(uint32_t mm, uint32_t old_mm, uint32_t pid, const char *comm)
{
    struct trace_cpu *t = &this_cpu()->trace;
    t->pid = pid;
    put_exec(t, mm, old_mm, comm);
}

void trace_write_exec_args(uint32_t mm, const char *path, const char *args, size_t n)
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

void trace_mark(uint32_t who)
{
    if (hc_caps & who)
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
    if (hc_caps & HC_CAP_TRACE_CALLS)
        return;
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

void trace_start(pfn_t kernel_root, pfn_t first_table, pfn_t tables_end)
{
    uint64_t tsc = tsc_stamp();
    long at = hypercall(HC_TRACE_CHECKPOINT, kernel_root, tsc, first_table, tables_end);
    if (at < 0)
        panic("trace: the VMM cannot read the kernel's tables: error %ld", -at);
    trace_by_call = hc_caps & HC_CAP_TRACE_CALLS;
    if (!trace_by_call) {
        struct trace_cpu *t = &this_cpu()->trace;
        t->first_tsc = tsc;
        t->next = t->window + at;
    }
    trace_on = true;
}
