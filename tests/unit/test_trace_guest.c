/* links: guest/trace/trace.c vmm/tracer.c vmm/tracer_audit.c vmm/tracer_calls.c vmm/pagewalk.c vmm/gmem.c vmm/say.c vmm/trace/lib/schema.c vmm/trace/lib/metadata.c vmm/trace/lib/decode.c vmm/trace/lib/reader.c vmm/trace/lib/replay.c vmm/trace/lib/idmap.c vmm/trace/lib/syscalls.c vmm/trace/lib/format.c */
/* The kernel's own event writer against the VMM's own tracer, in one process:
 * what one says, the other reads, over many packets, long silences and every
 * kind of event; and the audit finds exactly the page-table store that was not
 * reported.  The hypercall's OUT faults here, and the handler plays the VMM.  A kernel that
 * leaves its events to the VMM says the same as one that writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <asm/unistd_64.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "guest/arch/cpu.h"
#include "guest/arch/hypercall.h"
#include "guest/arch/machine.h"
#include "guest/trace/trace.h"
#include "vmm/gmem.h"
#include "vmm/trace/lib/reader.h"
#include "vmm/tracer.h"
#include "vmm/trace/lib/format.h"
#include "vmm/tracer_audit.h"
#include "vmm/tracer_calls.h"

struct cpu cpus[MAX_CPUS];
uint32_t hc_caps = HC_CAP_TRACE;
const uint64_t kernel_base = 0xffffffff80000000; /* a kernel in ring 0: hypercalls are OUT */
/* Where the guest's memory is here; so no constant, for this file. */
__asm__(".data\n.balign 8\n.globl direct_map\ndirect_map: .quad 0\n.text");
long ring3_hypercall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    (void)nr, (void)a, (void)b, (void)c, (void)d;
    abort();
}
bool hc_present = true;
static struct tracer *tracer;
static struct gmem *memory;
static uint64_t doorbells;

bool tsc_drifts; /* the counters of this process agree */

uint64_t tsc_in_order(uint64_t tsc) { return tsc; }

void panic(const char *fmt, ...)
{
    fprintf(stderr, "panic: %s\n", fmt);
    abort();
}

static void *map_window(paddr_t at, size_t n)
{
    (void)n;
    return tracer_window(tracer, (unsigned)(at >> 32));
}

static int ring(void *arg, uint64_t bytes, uint64_t first, uint64_t last)
{
    (void)arg;
    doorbells++;
    return tracer_doorbell(tracer, 0, bytes, first, last);
}
static struct tracer_caller caller = { .ring = ring };

static long play_vmm(const greg_t *r)
{
    switch (r[REG_RAX]) {
    case HC_TRACE_OPEN:
        assert_int_equal(tracer_open(tracer, (unsigned)r[REG_RDI]), 0);
        return r[REG_RDI] << 32;
    case HC_TRACE_CHECKPOINT:
        return tracer_checkpoint(&caller, (uint64_t)r[REG_RDI], (uint64_t)r[REG_RSI]);
    case HC_TRACE_DOORBELL:
        doorbells++;
        return tracer_doorbell(tracer, (unsigned)r[REG_RDI], (uint64_t)r[REG_RSI],
                               (uint64_t)r[REG_RDX], (uint64_t)r[REG_R10]);
    }
    return -38;
}

static uint64_t spoilt; /* added to what is in RDX of an event */

/* The event's result: a kernel is told none. */
static int play_event(const greg_t *r)
{
    const struct kvm_regs regs = {
        .rax = (uint64_t)r[REG_RAX] | 0xabcdefull << 32,
        .rdi = (uint64_t)r[REG_RDI],
        .rsi = (uint64_t)r[REG_RSI],
        .rdx = (uint64_t)r[REG_RDX] + spoilt,
        .rcx = (uint64_t)r[REG_RCX],
        .r8 = (uint64_t)r[REG_R8],
        .r9 = (uint64_t)r[REG_R9],
    };
    return tracer_event(&caller, &regs, __builtin_ia32_rdtsc());
}

static int event_result;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)r[REG_RIP];
    (void)info;
    if (code[0] == 0xe7 && code[1] == HC_TRACE_PORT) {
        event_result = play_event(r);
    } else if (code[0] == 0xe7 && code[1] == HC_PORT) {
        r[REG_RAX] = play_vmm(r);
    } else {
        signal(sig, SIG_DFL);
        return;
    }
    r[REG_RIP] += 2;
}

/* --- page tables in guest memory, made of frames 16, 17, ... ------------------------------ */

#define MEMORY (1u << 20)

static uint64_t *frame(pfn_t pfn) { return gmem_span(memory, (uint64_t)pfn << 12, 4096); }

static void set(uint32_t mm, pfn_t table, unsigned index, unsigned level, unsigned reason,
                uint64_t new)
{
    uint64_t *slot = &frame(table)[index];
    trace_pte_write(mm, (uint64_t)index << (3 + 9 * level), slot, level, reason, new);
    *slot = new;
}

/* The kernel's root is 16; its tables map the guest's memory where it is in this process, and
 * there is a table that nothing uses. */
static void map_memory(void)
{
    uint64_t base = (uint64_t)frame(0);
    pfn_t unused = 17;
    *(uint64_t *)(uintptr_t)&direct_map = base;
    frame(16)[256] = 17 << 12 | 3;
    for (uint64_t at = 0; at < MEMORY; at += 4096) {
        uint64_t *table = frame(16);
        for (unsigned level = 4; level > 1; level--) {
            uint64_t *e = &table[(base + at) >> (3 + 9 * level) & 511];
            if (*e == 0)
                *e = ++unused << 12 | 3;
            table = frame((pfn_t)(*e >> 12));
        }
        table[(base + at) >> 12 & 511] = at | 3;
    }
    assert_true(unused < 32);
}

/* In guest memory, where the VMM finds it. */
static const char *text_in_guest(pfn_t at, const char *text, size_t n)
{
    return memcpy(frame(at), text, n);
}

/* Root 32 with tables 33, 34, 35 below it, as mm 5. */
static void make_mm(void)
{
    for (unsigned i = 0; i < 4; i++)
        trace_table_alloc(5, 0, 32 + i, PT_LEVEL_PGD - i, PT_none);
    trace_mm_create(5, 32, 0);
    for (unsigned i = 0; i < 3; i++)
        set(5, 32 + i, 0, PT_LEVEL_PGD - i, PT_table_link, (33ull + i) << 12 | 7);
}

static void every_kind(void)
{
    trace_cr3_load(5, 32);
    trace_tlb_flush(5, 0x1000, 0x2000, 1);
    trace_page_fault(5, 0x1000, 0x400123, 7);
    trace_task_state(5, 1, TASK_running, TASK_blocked, BLOCK_vfork, 2, 0);
    trace_switch(1, 2, 5);
    trace_clone(5, 2, 2, 5, 0x4111, 17);
    trace_vfork_release(5, 1, 2, RELEASE_exec);
    trace_exec(6, 5, 2, text_in_guest(60, "sh\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
    trace_exec_args(6, text_in_guest(61, "/bin/sh", 8), text_in_guest(62, "sh\0-c\0ls", 9), 9);
    trace_exit(6, 2, 256);
    trace_reap(5, 2, 256);
    trace_signal(5, 1, 17, 1);
    trace_syscall_enter(5, __NR_vfork, 1, 2, 3);
    trace_syscall_exit(5, __NR_vfork, -11);
    trace_boot_stage(0, 4, 1000, 3);
}
#define EVERY_KIND 15

static void start(const char *dir)
{
    static const int64_t no_offset;
    struct tracer_env env = {
        .tsc_offset = &no_offset,
        .tsc_khz = 2000000,
        .flavour = "none",
        .kernel_path = "none",
        .wall_ns_at_tsc = 1700000000ull * 1000000000,
        .tsc_at_wall = 1,
    };
    assert_int_equal(gmem_create(&memory, MEMORY), 0);
    map_memory();
    assert_int_equal(tracer_create(&tracer, dir, 1), 0);
    assert_int_equal(tracer_describe(tracer, &env), 0);
    memset(cpus, 0, sizeof(cpus));
    caller.tracer = tracer;
    caller.mem = memory;
    cpus[0].self = &cpus[0];
    /* Here, since cmocka sets handlers of its own before each test. */
    struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &sa, NULL);
    doorbells = 0;
    assert_true(trace_wanted());
    trace_cpu_init(0, map_window);
    trace_start(16, 16, 32);
}

static void stop(void)
{
    trace_on = false;
    assert_int_equal(tracer_finish(tracer), 0);
}

static void clean(const char *dir)
{
    char command[128];
    tracer_destroy(tracer);
    gmem_destroy(memory);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* How many; behind the checkpoint, what they say, without times, goes to `to`. */
static uint64_t read_events(const char *dir, FILE *to)
{
    struct trace *t;
    char err[256];
    uint64_t n = 0, last = 0;
    bool checkpoint_is_over = false;
    const struct trace_event *e;
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    for (; (e = trace_next(t)) != NULL; n++) {
        assert_true(e->tsc >= last);
        last = e->tsc;
        if (checkpoint_is_over) {
            fprintf(to, "%u %u ", e->pid, e->mm);
            format_event_full(to, e);
            fputc('\n', to);
        }
        checkpoint_is_over |=
            e->id == TRACE_EV_checkpoint && !((const struct trace_ev_checkpoint *)e->fields)->begin;
    }
    assert_null(trace_problem(t));
    trace_close(t);
    return n;
}

static uint64_t lines_of(const char *text)
{
    uint64_t n = 0;
    while ((text = strchr(text, '\n')) != NULL)
        text++, n++;
    return n;
}

static int64_t audit(char *text, size_t size)
{
    FILE *report = fmemopen(text, size, "w");
    int64_t result = tracer_audit_final(tracer, memory, report);
    fclose(report);
    return result;
}

static void babeltrace_is_content(const char *dir, uint64_t events)
{
    char command[256];
    snprintf(command, sizeof(command),
             "test $(babeltrace2 %s 2>%s/.err | wc -l) -eq %lu && "
             "! test -s %s/.err",
             dir, dir, events, dir);
    assert_int_equal(system(command), 0);
}

/* All of a table's entries lose `off` and get `on`. */
static void change(pfn_t table, uint64_t off, uint64_t on)
{
    trace_pte_change(5, 0, frame(table), PT_LEVEL_PTE, PT_fork_wrprotect, 512, off, on);
    for (unsigned i = 0; i < 512; i++)
        frame(table)[i] = (frame(table)[i] & ~off) | on;
}

static void test_everything(void **state)
{
    char dir[] = "/tmp/trace-test-XXXXXX", text[4096] = "", *all;
    size_t bytes;
    (void)state;
    assert_non_null(mkdtemp(dir));
    start(dir);
    make_mm();
    every_kind();
    uint64_t events = 4 + 1 + 3 + EVERY_KIND; /* and the checkpoint's */
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < 512; i++)
            set(5, 35, i, PT_LEVEL_PTE, PT_demand_zero, (uint64_t)i << 12 | 0x67);
        change(35, 2, 0);
        change(35, 2, 0);         /* nothing changes: no event */
        frame(35)[round] |= 0x20; /* by the processor; so their frames no longer are all */
        trace_pte_range_old(5, 0, frame(35), PT_LEVEL_PTE, PT_munmap, 512);
        memset(frame(35), 0, 4096);
        events += 514;
        if (round % 30 == 0)
            usleep(200000); /* more than a compact header can say */
    }
    frame(40)[0] = 0x9067;
    trace_pte_range_new(5, 0x7000, &frame(35)[7], PT_LEVEL_PTE, PT_fork_copy, 1, frame(40));
    frame(35)[7] = 0x9067;
    stop();
    assert_true(doorbells > 3);
    FILE *said = open_memstream(&all, &bytes);
    uint64_t n = read_events(dir, said);
    fclose(said);
    assert_int_equal(lines_of(all), events + 1);
    free(all);
    babeltrace_is_content(dir, n);
    frame(35)[7] |= 0x60; /* the hardware's bits do not matter */
    assert_int_equal(audit(text, sizeof(text)), 0);
    clean(dir);
}

static void test_audit_finds(void **state)
{
    char dir[] = "/tmp/trace-test-XXXXXX", text[4096] = "";
    (void)state;
    assert_non_null(mkdtemp(dir));
    start(dir);
    make_mm();
    set(5, 35, 9, PT_LEVEL_PTE, PT_demand_zero, 0x5067);
    frame(35)[9] = 0x5065;       /* W cleared behind the trace's back */
    frame(34)[3] = 40 << 12 | 7; /* an unknown table is linked */
    stop();
    assert_int_equal(audit(text, sizeof(text)), 3);
    assert_non_null(strstr(text,
                           "guest memory differs from the trace: mm 5 table 0x23 (PTE) "
                           "index 9 va 0x9000 expected P|W|U|A|D pfn=0x5, found P|U|A|D pfn=0x5"));
    assert_non_null(strstr(text, "no table of the level below: mm 5 table 0x22 (PMD) index 3"));
    assert_non_null(strstr(text, "3 violations"));
    clean(dir);
}

/* The guest dies without a last doorbell: the last events are there. */
static void test_last_events(void **state)
{
    char dir[] = "/tmp/trace-test-XXXXXX", text[4096] = "";
    (void)state;
    assert_non_null(mkdtemp(dir));
    start(dir);
    make_mm();
    for (unsigned i = 0; i < 100; i++)
        set(5, 35, i, PT_LEVEL_PTE, PT_demand_zero, 0x5067);
    FILE *out = fmemopen(text, sizeof(text), "w");
    tracer_last_events(tracer, 3, out);
    fclose(out);
    assert_null(strstr(text, "index=96"));
    assert_non_null(strstr(text, "index=97"));
    assert_non_null(strstr(text, "index=99 level=PTE reason=demand_zero old=0 "
                                 "new=P|W|U|A|D pfn=0x5"));
    trace_on = false;
    assert_int_equal(tracer_finish(tracer), 0);
    assert_int_equal(audit(text, sizeof(text)), 0);
    clean(dir);
}

/* --- the VMM as the writer ------------------------------------------------------------------ */

/* All shapes of ranges. */
static void ranges(void)
{
    static const uint64_t mixed[5] = { 0x5067, 0x6067, 0, 0x9067, 0x8000000000001025 };
    uint64_t *table = frame(35);
    table[9] = 0x3067;
    trace_pte_fill(5, 0x1000, &table[1], PT_LEVEL_PTE, PT_demand_file, 16, 0x40025);
    for (unsigned i = 1; i < 9; i++)
        table[i] = 0x40025 + (i - 1) * 0x1000;
    trace_pte_fill(5, 0x8000, &table[8], PT_LEVEL_PTE, PT_demand_file, 8, 0x40025); /* none */
    trace_pte_fill(5, 0xa000, &table[10], PT_LEVEL_PTE, PT_demand_file, 1, 0x40025);
    memcpy(frame(40), mixed, sizeof(mixed));
    trace_pte_range_new(5, 0x64000, &table[100], PT_LEVEL_PTE, PT_fork_copy, 5, frame(40));
    memcpy(&table[100], mixed, sizeof(mixed));
    change(35, 2, 1ull << 63); /* some in rows, some alone, many that are 0 and get a bit */
    change(35, 1ull << 63, 0);
    trace_pte_range_old(5, 0x1000, &table[1], PT_LEVEL_PTE, PT_munmap, 8);
    trace_pte_range_old(5, 0x64000, &table[100], PT_LEVEL_PTE, PT_munmap, 5);
    trace_pte_range_old(5, 0x5000, &table[5], PT_LEVEL_PTE, PT_munmap, 1);
    trace_pte_range_old(5, 511ull << 30, &frame(33)[511], PT_LEVEL_PUD, PT_munmap, 1);
    trace_pte_change(5, 0, frame(34), PT_LEVEL_PMD, PT_table_share, 2, 2, 0x200);
}

static char *story(bool by_call)
{
    char dir[] = "/tmp/trace-test-XXXXXX", *said;
    size_t bytes;
    hc_caps = HC_CAP_TRACE | (by_call ? HC_CAP_TRACE_CALLS : 0);
    assert_non_null(mkdtemp(dir));
    start(dir);
    assert_int_equal(trace_by_call, by_call);
    event_result = 0;
    make_mm();
    every_kind();
    ranges();
    for (unsigned i = 0; i < 20000; i++) /* some packets */
        trace_syscall_enter(5, __NR_vfork, i, 2, 3);
    assert_int_equal(event_result, 0);
    stop();
    FILE *to = open_memstream(&said, &bytes);
    babeltrace_is_content(dir, read_events(dir, to));
    fclose(to);
    clean(dir);
    hc_caps = HC_CAP_TRACE;
    return said;
}

static void test_same_by_call(void **state)
{
    (void)state;
    char *direct = story(false), *by_call = story(true);
    assert_string_equal(direct, by_call);
    assert_true(lines_of(direct) > 20000);
    free(direct);
    free(by_call);
}

/* What cannot be an event is refused, and leaves none. */
static void test_bad_calls(void **state)
{
    char dir[] = "/tmp/trace-test-XXXXXX", *said;
    size_t bytes;
    (void)state;
    hc_caps = HC_CAP_TRACE | HC_CAP_TRACE_CALLS;
    assert_non_null(mkdtemp(dir));
    start(dir);
    const uint64_t *e = &frame(35)[500];
#define REFUSED(call) \
    do { \
        event_result = 0; \
        call; \
        assert_int_equal(event_result, -EINVAL); \
    } while (0)
    spoilt = 1ull << 40; /* no such memory */
    REFUSED(trace_pte_write(5, 0, e, PT_LEVEL_PTE, PT_mmap, 1));
    REFUSED(trace_pte_range_old(5, 0, e, PT_LEVEL_PTE, PT_mmap, 1));
    spoilt = 4; /* half an entry */
    REFUSED(trace_pte_write(5, 0, e, PT_LEVEL_PTE, PT_mmap, 1));
    spoilt = 0;
    REFUSED(trace_pte_write(5, 0, e, 0, PT_mmap, 1));
    REFUSED(trace_pte_write(5, 0, e, 5, PT_mmap, 1));
    REFUSED(trace_pte_range_old(5, 0, e, PT_LEVEL_PTE, PT_mmap, 13)); /* beyond the table */
    REFUSED(trace_pte_range_new(5, 0, e, PT_LEVEL_PTE, PT_mmap, 2, NULL));
    REFUSED(trace_exec(6, 5, 2, NULL));
    REFUSED(trace_exec_args(6, NULL, NULL, 9));
    REFUSED(TRACE_CALL(63, 5u));
    assert_int_equal(tracer_checkpoint(&caller, 16, 1), -EALREADY);
    stop();
    FILE *to = open_memstream(&said, &bytes);
    read_events(dir, to);
    fclose(to);
    assert_string_equal(said, "");
    free(said);
    clean(dir);
    hc_caps = HC_CAP_TRACE;
}

int main(void)
{
    if (syscall(__NR_arch_prctl, ARCH_SET_GS, &cpus[0]) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),  cmocka_unit_test(test_audit_finds),
        cmocka_unit_test(test_last_events), cmocka_unit_test(test_same_by_call),
        cmocka_unit_test(test_bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
