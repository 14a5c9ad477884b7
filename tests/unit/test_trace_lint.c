/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/schema.c vmm/trace/lib/metadata.c vmm/trace/lib/reader.c vmm/trace/lib/replay.c vmm/trace/lib/idmap.c vmm/trace/lib/syscalls.c vmm/trace/lib/format.c vmm/trace/lib/status.c vmm/trace/lint/lint.c vmm/trace/lint/checks.c vmm/trace/lint/state.c vmm/trace/lint/trace.c vmm/trace/lint/tables.c vmm/trace/lint/reuse.c vmm/trace/lint/vfork.c */
/* Each check of the lint is seen to fail where its rule is broken, by that check and no
 * other, and none fails where the rules are kept: on two CPUs, lazy flushes included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <asm/unistd_64.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/lint/lint.h"

/* PID 1 has address space 1: root 100, tables 101, 102, 103, and one page.  CPU 0
 * runs it, CPU 1 runs task 2, a thread of it. */
#define LINK(pfn)   ((pfn) << 12 | 0x67ull)
#define PAGE_W(pfn) ((uint64_t)(pfn) << 12 | 0x467ull | 1ull << 63) /* anonymous, writable */
#define PAGE_R(pfn) (PAGE_W(pfn) & ~2ull)

static struct synth cpu[2];
static uint64_t now;

#define EV(c, name, mm, ...) \
    do { \
        cpu[c].tsc = now += 1000; \
        SYNTH(&cpu[c], name, mm, __VA_ARGS__); \
    } while (0)

static void write_at(unsigned c, uint32_t mm, uint32_t table, unsigned index, unsigned level,
                     unsigned reason, uint64_t old, uint64_t new)
{
    cpu[c].tsc = now += 1000;
    synth_write(&cpu[c], mm, table, index, level, reason, old, new);
}

static void leaf(unsigned c, unsigned index, unsigned reason, uint64_t old, uint64_t new)
{
    write_at(c, 1, 103, index, PT_LEVEL_PTE, reason, old, new);
}

static void table(unsigned c, uint32_t mm, uint32_t pfn, unsigned level)
{
    EV(c, table_alloc, mm, .table_pfn = pfn, .level = (uint8_t)level, .reason = PT_demand_zero);
}

static void table_free(unsigned c, uint32_t pfn, unsigned level)
{
    EV(c, table_free, 1, .table_pfn = pfn, .level = (uint8_t)level, .reason = PT_munmap);
}

static void state(unsigned c, uint32_t task, unsigned prev, unsigned next, unsigned reason,
                  uint32_t on_pid)
{
    EV(c, task_state, 1, .task = task, .prev = (uint8_t)prev, .next = (uint8_t)next,
       .reason = (uint8_t)reason, .on_pid = on_pid);
}

static void run(unsigned c, uint32_t pid, uint32_t mm)
{
    uint32_t prev = cpu[c].pid;
    cpu[c].pid = pid;
    EV(c, switch, mm, .prev_pid = prev, .next_pid = pid, .next_mm = mm);
}

static void fault(unsigned c, uint32_t mm) { EV(c, page_fault, mm, .va = 0x9000, .error = 6); }
static void flush(unsigned c, uint64_t cpus) { EV(c, tlb_flush, 1, .cpus = cpus); }
static void cr3(unsigned c, uint32_t mm, uint32_t root) { EV(c, cr3_load, mm, .root_pfn = root); }

static void flush_page(unsigned c, unsigned index, uint64_t cpus)
{
    EV(c, tlb_flush, 1, .start = (uint64_t)index << 12, .end = (index + 1ull) << 12, .cpus = cpus);
}

static void make_mm(unsigned c, uint32_t mm, uint32_t root)
{
    EV(c, mm_create, mm, .root_pfn = root);
    table(c, mm, root, PT_LEVEL_PGD);
    for (unsigned level = PT_LEVEL_PUD; level >= PT_LEVEL_PTE; level--) {
        uint32_t pfn = root + PT_LEVEL_PGD - level;
        table(c, mm, pfn, level);
        write_at(c, mm, pfn - 1, 0, level + 1, PT_table_link, 0, LINK(pfn));
    }
}

static void boot(struct tracer *t)
{
    now = 0;
    for (unsigned c = 0; c < 2; c++)
        synth_start(&cpu[c], t, c, 1000);
    EV(0, checkpoint, 0, .begin = 1);
    EV(0, checkpoint, 0, .begin = 0);
    state(0, 1, TASK_new, TASK_runnable, 0, 0);
    run(0, 1, 0);
    make_mm(0, 1, 100);
    cr3(0, 1, 100);
    leaf(0, 0, PT_demand_zero, 0, PAGE_W(0x500));
    EV(0, clone, 1, .child = 2, .child_tgid = 1, .child_mm = 1, .flags = CLONE_VM | CLONE_THREAD);
    state(0, 2, TASK_new, TASK_runnable, 0, 0);
    run(1, 2, 1);
    cr3(1, 1, 100);
}

/* --- vfork, step by step ---------------------------------------------------------------- */

static void vfork_begins(uint32_t child, uint32_t child_mm)
{
    EV(0, syscall_enter, 1, .nr = __NR_vfork);
    EV(0, clone, 1, .child = child, .child_tgid = child, .child_mm = child_mm,
       .flags = CLONE_VM | CLONE_VFORK, .exit_signal = 17);
    state(0, child, TASK_new, TASK_runnable, 0, 0);
}

static void parent_sleeps(uint32_t child)
{
    state(0, 1, TASK_running, TASK_blocked, BLOCK_vfork, child);
    run(0, child, 1);
    fault(0, 1);
}

static void child_execs(uint32_t mm)
{
    make_mm(0, mm, 100 * mm);
    cr3(0, mm, 100 * mm);
    EV(0, exec, mm, .old_mm = 1, .comm = "prog");
}

static void release(uint32_t child, unsigned cause)
{
    EV(0, vfork_release, 1, .parent = 1, .child = child, .cause = (uint8_t)cause);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
}

static void parent_returns(uint32_t child)
{
    run(0, 1, 1);
    cr3(0, 1, 100);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = child);
}

static void child_ends(uint32_t child) { state(0, child, TASK_running, TASK_zombie, 0, 0); }

static void whole_vfork(uint32_t child, bool exec, uint32_t mm)
{
    vfork_begins(child, 1);
    parent_sleeps(child);
    if (exec)
        child_execs(mm);
    release(child, exec ? RELEASE_exec : RELEASE_exit);
    if (exec)
        fault(0, mm);
    child_ends(child);
    parent_returns(child);
}

/* --- good traces -------------------------------------------------------------------------- */

static void good_vforks(void)
{
    whole_vfork(5, true, 7);
    whole_vfork(6, false, 0);
    vfork_begins(8, 1);
    parent_sleeps(8);
    EV(0, exec, 1, .old_mm = 1); /* into the same mm: only to switch tasks below */
}

static void good_parent_killed(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    run(0, 1, 1);
    EV(0, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_killed);
    state(0, 1, TASK_running, TASK_zombie, 0, 0);
    run(0, 5, 1);
    fault(0, 1);
}

/* The child is done on the other CPU before its parent sleeps. */
static void good_fast_child(void)
{
    vfork_begins(5, 1);
    run(1, 5, 1);
    fault(1, 1);
    EV(1, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_exit);
    state(1, 5, TASK_running, TASK_zombie, 0, 0);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = 5);
}

static void good_unmap(void)
{
    tracer_cpu_online(cpu[0].tracer, 1, -500, 4000);
    fault(1, 1);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 3);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    fault(1, 1);
}

/* CPU 1 is idle with the root loaded, is skipped, and flushes by itself. */
static void good_lazy(void)
{
    run(1, 0, 0);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 1);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    run(1, 2, 1);
    EV(1, tlb_flush, 1, .cpus = 2);
    fault(1, 1);
}

static void good_lazy_other_root(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 1);
    cr3(1, 0, 10);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    cr3(1, 1, 100);
    fault(1, 1);
}

static void good_table(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    write_at(0, 1, 102, 0, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
    flush(0, 3);
    table_free(0, 103, PT_LEVEL_PTE);
}

static void good_rights(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 3);
    fault(0, 1);
    fault(1, 1);
    leaf(0, 0, PT_mkwrite, PAGE_R(0x500), PAGE_W(0x500));
    fault(0, 1);
}

/* --- bad ones -------------------------------------------------------------------------------- */

static void bad_T1(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x501), 0);
    flush(0, 3);
}
static void bad_T2(void)
{
    fault(1, 1);
    cpu[1].last -= 10;
    synth_doorbell(&cpu[1]);
    fault(1, 1);
}
static void bad_T2_clocks(void) { tracer_cpu_online(cpu[0].tracer, 1, -5000, 400); }
static void bad_T5_no_table(void) { write_at(0, 1, 99, 0, 1, PT_demand_zero, 0, PAGE_W(0x600)); }
static void bad_T5_link(void)
{
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_link, 0, LINK(99ull));
}
static void bad_T5_level(void)
{
    table(0, 1, 120, PT_LEVEL_PTE);
    write_at(0, 1, 101, 1, PT_LEVEL_PUD, PT_table_link, 0, LINK(120ull));
}
static void bad_T7(void)
{
    cpu[1].pid = 1;
    fault(1, 1);
    cpu[1].pid = 2;
}
static void bad_T7_switch(void)
{
    cpu[1].pid = 1;
    run(1, 2, 1);
}
static void bad_T8_task(void) { run(1, 77, 1); }
static void bad_T8_dead(void)
{
    state(0, 2, TASK_running, TASK_dead, 0, 0);
    run(1, 0, 0);
    run(1, 2, 1);
}
static void bad_T8_twice(void) { EV(0, clone, 1, .child = 2, .child_mm = 1, .flags = CLONE_VM); }
static void bad_T8_mm(void) { EV(0, page_fault, 9, .va = 0x1000, .error = 4); }
static void bad_T8_table(void) { table(0, 1, 102, PT_LEVEL_PMD); }
static void bad_T8_root(void) { cr3(0, 1, 101); }

static void bad_V1_copy(void)
{
    vfork_begins(5, 1);
    leaf(0, 9, PT_fork_copy, 0, PAGE_R(0x700));
}
static void bad_V1_before(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_vfork);
    table(0, 1, 140, PT_LEVEL_PTE); /* a fault's: no copy */
    EV(0, table_alloc, 1, .table_pfn = 141, .level = PT_LEVEL_PTE, .reason = PT_fork_copy);
    EV(0, clone, 1, .child = 5, .child_mm = 1, .flags = CLONE_VM | CLONE_VFORK);
}
static void bad_V1_mm(void)
{
    make_mm(0, 3, 300);
    vfork_begins(5, 3);
}
static void bad_V2(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(7);
    release(5, RELEASE_exec);
    child_ends(5);
    run(0, 1, 1);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = 5); /* with the child's root */
}
static void bad_V3_fault(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    run(1, 1, 1);
    fault(1, 1);
}
static void bad_V3_returns(void)
{
    vfork_begins(5, 1);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = 5);
}
static void bad_V4_twice(void)
{
    whole_vfork(5, false, 0);
    EV(0, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_exit);
}
static void bad_V4_early(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    cr3(0, 0, 10);
    release(5, RELEASE_exec);
}
static void bad_V4_never(void)
{
    vfork_begins(5, 1);
    run(0, 5, 1);
    child_ends(5);
}
static void bad_V4_not_at_exec(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(7);
    fault(0, 7);
}
static void bad_V5_root(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    EV(0, exec, 1, .old_mm = 1);
    release(5, RELEASE_exec);
}
static void bad_V5_use(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    release(5, RELEASE_exit);
    leaf(0, 8, PT_demand_zero, 0, PAGE_W(0x710));
}
static void bad_V7(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(7);
    cr3(1, 0, 10);
    leaf(0, 0, PT_exec_teardown, PAGE_W(0x500), 0);
}
static void bad_V7_used(void)
{
    cr3(0, 0, 10);
    leaf(0, 0, PT_exit_teardown, PAGE_W(0x500), 0);
    cr3(0, 1, 100);
}
static void bad_V9_stranger(void) { state(0, 1, TASK_running, TASK_blocked, BLOCK_vfork, 2); }
static void bad_V9_no_wake(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    EV(0, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_exit);
    run(0, 0, 0);
    run(0, 5, 1);
}
static void bad_F4(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf(0, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_R(0x500));
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = 5);
}
static void bad_F4_other_cpu(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf(0, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush(0, 1);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = 5);
    fault(1, 1);
}
static void bad_M2_frame(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_W(0x501));
    flush(0, 3);
}
static void bad_M2_flush(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 1, 3); /* the wrong page */
    fault(0, 1);
}
static void bad_M2_other_cpu(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 1);
    fault(0, 1);
    fault(1, 1);
}
static void bad_M3_full(void)
{
    write_at(0, 1, 102, 0, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
    flush(0, 3);
    table_free(0, 103, PT_LEVEL_PTE);
}
static void bad_M3_linked(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
    table_free(0, 103, PT_LEVEL_PTE);
}
static void bad_M3_flush(uint64_t cpus)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    write_at(0, 1, 102, 0, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
    if (cpus != 0)
        flush(0, cpus);
    table_free(0, 103, PT_LEVEL_PTE);
}
static void bad_M3_no_flush(void) { bad_M3_flush(0); }
static void bad_M3_lazy_cpu(void)
{
    run(1, 0, 0);
    bad_M3_flush(1);
}
static void bad_M3_root(void)
{
    cr3(0, 0, 10); /* but CPU 1 has it still */
    make_mm(0, 3, 300);
    cr3(1, 3, 300);
    write_at(0, 3, 300, 0, PT_LEVEL_PGD, PT_table_unlink, LINK(301), 0);
    EV(0, tlb_flush, 3, .cpus = 2);
    EV(0, table_free, 3, .table_pfn = 300, .level = PT_LEVEL_PGD, .reason = PT_munmap);
}
static void bad_M4_own(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
}
static void bad_M4_other_cpu(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 1);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    fault(1, 1);
}
static void bad_M4_cow(void)
{
    leaf(0, 0, PT_cow_break, PAGE_W(0x500), PAGE_W(0x501));
    EV(0, table_alloc, 1, .table_pfn = 0x500, .level = PT_LEVEL_PTE, .reason = PT_demand_zero);
}
static void bad_M4_kernel_stack(void)
{
    table(0, 0, 90, PT_LEVEL_PTE);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    write_at(0, 0, 90, 0, PT_LEVEL_PTE, PT_kernel_stack, 0, 0x500163);
}
static void bad_M5_bits(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600) | 1ull << 55); }
static void bad_M5_ram(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x200000)); }
static void bad_M5_hole(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0xfee00)); }
static void bad_M5_pgd(void)
{
    write_at(0, 1, 100, 3, PT_LEVEL_PGD, PT_mmap, 0, LINK(101ull) | 0x80);
}
static void bad_M5_large(void) { write_at(0, 1, 102, 3, PT_LEVEL_PMD, PT_mmap, 0, 0x6040e7); }

#define BIT(check) (1u << LINT_##check)
static const struct {
    const char *name;
    void (*run)(void);
    unsigned fails;
} cases[] = {
#define GOOD(name) \
    { \
#name, name, 0 \
    }
    GOOD(good_vforks),         GOOD(good_parent_killed),
    GOOD(good_fast_child),     GOOD(good_unmap),
    GOOD(good_lazy),           GOOD(good_lazy_other_root),
    GOOD(good_table),          GOOD(good_rights),
#define BAD(name, check) \
    { \
#name, name, BIT(check) \
    }
    BAD(bad_T1, T1),           BAD(bad_T2, T2),
    BAD(bad_T2_clocks, T2),    BAD(bad_T5_no_table, T5),
    BAD(bad_T5_link, T5),      BAD(bad_T5_level, T5),
    BAD(bad_T7, T7),           BAD(bad_T7_switch, T7),
    BAD(bad_T8_task, T8),      BAD(bad_T8_dead, T8),
    BAD(bad_T8_twice, T8),     BAD(bad_T8_mm, T8),
    BAD(bad_T8_table, T8),     BAD(bad_T8_root, T8),
    BAD(bad_V1_copy, V1),      BAD(bad_V1_before, V1),
    BAD(bad_V1_mm, V1),        BAD(bad_V2, V2),
    BAD(bad_V3_fault, V3),     BAD(bad_V3_returns, V3),
    BAD(bad_V4_twice, V4),     BAD(bad_V4_early, V4),
    BAD(bad_V4_never, V4),     BAD(bad_V4_not_at_exec, V4),
    BAD(bad_V5_root, V5),      BAD(bad_V5_use, V5),
    BAD(bad_V7, V7),           BAD(bad_V7_used, V7),
    BAD(bad_V9_stranger, V9),  BAD(bad_V9_no_wake, V9),
    BAD(bad_F4, F4),           BAD(bad_F4_other_cpu, F4),
    BAD(bad_M2_frame, M2),     BAD(bad_M2_flush, M2),
    BAD(bad_M2_other_cpu, M2), BAD(bad_M3_full, M3),
    BAD(bad_M3_linked, M3),    BAD(bad_M3_no_flush, M3),
    BAD(bad_M3_lazy_cpu, M3),  BAD(bad_M3_root, M3),
    BAD(bad_M4_own, M4),       BAD(bad_M4_other_cpu, M4),
    BAD(bad_M4_cow, M4),       BAD(bad_M4_kernel_stack, M4),
    BAD(bad_M5_bits, M5),      BAD(bad_M5_ram, M5),
    BAD(bad_M5_hole, M5),      BAD(bad_M5_pgd, M5),
    BAD(bad_M5_large, M5),
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void check(const char *dir, struct lint_result *r)
{
    struct trace *t;
    char err[512];
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    assert_int_equal(lint_run(t, r), 0);
    trace_close(t);
}

static void test_cases(void **state_)
{
    (void)state_;
    static struct lint_result r;
    unsigned seen = 0;
    for (size_t i = 0; i < CASES; i++) {
        const char *dir = synth_dir();
        struct tracer *t = synth_tracer(dir, 2);
        boot(t);
        cases[i].run();
        assert_int_equal(tracer_finish(t), 0);
        tracer_destroy(t);
        check(dir, &r);
        synth_remove(dir);
        unsigned failed = 0;
        for (unsigned c = 0; c < LINT_COUNT; c++) {
            failed |= (lint_verdict(&r, c) == LINT_FAIL) << c;
            for (unsigned k = 0; k < r.check[c].kept; k++)
                if (!(cases[i].fails >> c & 1))
                    print_error("%s: %s: %s\n", cases[i].name, lint_names[c],
                                r.check[c].finding[k].text);
        }
        if (failed != cases[i].fails)
            fail_msg("%s: fails %#x, not %#x", cases[i].name, failed, cases[i].fails);
        seen |= failed;
    }
    assert_int_equal(seen, (1u << LINT_COUNT) - 1);
}

/* A packet is missing: what then looks wrong is not known to be. */
static void test_gap(void **state_)
{
    (void)state_;
    static struct lint_result r;
    const char *dir = synth_dir();
    char path[128];
    struct trace_packet h;
    struct tracer *t = synth_tracer(dir, 2);
    boot(t);
    bad_M5_bits();
    synth_doorbell(&cpu[0]);
    bad_T1();
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);

    snprintf(path, sizeof(path), "%s/cpu0", dir);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
    off_t second = (off_t)(h.packet_size / 8);
    assert_int_equal(pread(fd, &h, sizeof(h), second), sizeof(h));
    h.packet_seq_num++;
    assert_int_equal(pwrite(fd, &h, sizeof(h), second), sizeof(h));
    close(fd);

    check(dir, &r);
    synth_remove(dir);
    assert_int_equal(lint_verdict(&r, LINT_T2), LINT_FAIL);
    assert_int_equal(lint_verdict(&r, LINT_M5), LINT_FAIL);
    assert_int_equal(lint_verdict(&r, LINT_T1), LINT_INCONCLUSIVE);
    assert_int_equal(r.check[LINT_T1].unknown, 1);
    assert_int_equal(lint_verdict(&r, LINT_V1), LINT_INCONCLUSIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_gap) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
