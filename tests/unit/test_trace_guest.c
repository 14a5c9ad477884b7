/* links: guest/trace/trace.c vmm/tracer.c vmm/tracer_audit.c vmm/gmem.c vmm/say.c vmm/trace/lib/schema.c vmm/trace/lib/metadata.c vmm/trace/lib/reader.c vmm/trace/lib/replay.c vmm/trace/lib/idmap.c vmm/trace/lib/syscalls.c vmm/trace/lib/format.c */
/* The kernel's own event writer against the VMM's own tracer, in one process:
 * what one says, the other reads, over many packets, long silences and every
 * kind of event; and the audit finds exactly the page-table store that was not
 * reported.  The hypercall's OUT faults here, and the handler plays the VMM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
#include "vmm/tracer_audit.h"

struct cpu cpus[MAX_CPUS];
uint32_t hc_caps = HC_CAP_TRACE;
const uint64_t kernel_base = 0xffffffff80000000; /* a kernel in ring 0: hypercalls are OUT */
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

static void (*at_exit)(void);

void machine_at_exit(void (*fn)(void)) { at_exit = fn; }

static void *map_window(paddr_t at, size_t n)
{
    (void)n;
    return tracer_window(tracer, (unsigned)(at >> 32));
}

static long play_vmm(const greg_t *r)
{
    switch (r[REG_RAX]) {
    case HC_TRACE_OPEN:
        assert_int_equal(tracer_open(tracer, (unsigned)r[REG_RDI]), 0);
        return r[REG_RDI] << 32;
    case HC_TRACE_DOORBELL:
        doorbells++;
        return tracer_doorbell(tracer, (unsigned)r[REG_RDI], (uint64_t)r[REG_RSI],
                               (uint64_t)r[REG_RDX], (uint64_t)r[REG_R10]);
    }
    return -38;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)r[REG_RIP];
    (void)info;
    if (code[0] != 0xe7 || code[1] != HC_PORT) {
        signal(sig, SIG_DFL);
        return;
    }
    r[REG_RAX] = play_vmm(r);
    r[REG_RIP] += 2;
}

/* --- page tables in guest memory, made of frames 16, 17, ... ------------------------------ */

static uint64_t *frame(pfn_t pfn) { return gmem_span(memory, (uint64_t)pfn << 12, 4096); }

static void set(uint32_t mm, pfn_t table, unsigned index, unsigned level, unsigned reason,
                uint64_t new)
{
    uint64_t *slot = &frame(table)[index];
    if (trace_on)
        trace_emit_pte_write(trace_slot(table, index, level, reason),
                             (uint64_t)index << (3 + 9 * level), mm, *slot, new);
    *slot = new;
}

static void checkpoint(void)
{
    frame(16)[256] = 17 << 12 | 3;
    trace_checkpoint(0, true);
    trace_mm_create(0, 16, 0);
    trace_table_alloc(0, 0, 16, PT_LEVEL_PGD, PT_checkpoint);
    trace_table_alloc(0, 0, 17, PT_LEVEL_PUD, PT_checkpoint);
    trace_pte_range_new(0, 256ull << 39, 16, 256, PT_LEVEL_PGD, PT_checkpoint, 1, &frame(16)[256]);
    trace_checkpoint(0, false);
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
    trace_exec(6, 5, 0, "sh\0\0\0\0\0\0\0\0\0\0\0\0\0");
    trace_exit(6, 2, 256);
    trace_reap(5, 2, 256);
    trace_signal(5, 1, 17, 1);
    trace_syscall_enter(5, __NR_vfork, 1, 2, 3);
    trace_syscall_exit(5, __NR_vfork, -11);
    trace_boot_stage(0, 4, 1000, 3);
}
#define EVERY_KIND 14

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
    assert_int_equal(gmem_create(&memory, 1 << 20), 0);
    assert_int_equal(tracer_create(&tracer, dir, 1), 0);
    assert_int_equal(tracer_describe(tracer, &env), 0);
    memset(cpus, 0, sizeof(cpus));
    cpus[0].self = &cpus[0];
    /* Here, since cmocka sets handlers of its own before each test. */
    struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &sa, NULL);
    doorbells = 0;
    assert_true(trace_wanted());
    trace_cpu_init(0, map_window);
    trace_start();
    checkpoint();
}

static void stop(void)
{
    at_exit();
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

static uint64_t count_events(const char *dir)
{
    struct trace *t;
    char err[256];
    uint64_t n = 0, last = 0;
    const struct trace_event *e;
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    for (; (e = trace_next(t)) != NULL; n++) {
        assert_true(e->tsc >= last);
        last = e->tsc;
    }
    assert_null(trace_problem(t));
    trace_close(t);
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
    trace_emit_change(trace_slot(table, 0, PT_LEVEL_PTE, PT_fork_wrprotect), 0, 5, 512, off, on,
                      frame(table));
    for (unsigned i = 0; i < 512; i++)
        frame(table)[i] = (frame(table)[i] & ~off) | on;
}

static void test_everything(void **state)
{
    char dir[] = "/tmp/trace-test-XXXXXX", text[4096] = "";
    (void)state;
    assert_non_null(mkdtemp(dir));
    start(dir);
    uint64_t events = 2 + 4; /* the checkpoint */
    make_mm();
    every_kind();
    events += 4 + 1 + 3 + EVERY_KIND;
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < 512; i++)
            set(5, 35, i, PT_LEVEL_PTE, PT_demand_zero, (uint64_t)i << 12 | 0x67);
        change(35, 2, 0);
        change(35, 2, 0);         /* nothing changes: no event */
        frame(35)[round] |= 0x20; /* by the processor; so their frames no longer are all */
        trace_pte_range_old(5, 0, 35, 0, PT_LEVEL_PTE, PT_munmap, 512, frame(35));
        memset(frame(35), 0, 4096);
        events += 514;
        if (round % 30 == 0)
            usleep(200000); /* more than a compact header can say */
    }
    frame(35)[7] = 0x9067;
    trace_pte_range_new(5, 0, 35, 7, PT_LEVEL_PTE, PT_fork_copy, 1, &frame(35)[7]);
    stop();
    assert_true(doorbells > 3);
    assert_int_equal(count_events(dir), events + 1);
    babeltrace_is_content(dir, events + 1);
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

int main(void)
{
    if (syscall(__NR_arch_prctl, ARCH_SET_GS, &cpus[0]) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_audit_finds),
        cmocka_unit_test(test_last_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
