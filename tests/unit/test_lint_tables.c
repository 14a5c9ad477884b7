/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of tables, frames and flushes: M1 to M8.
 * Each is seen to fail where its rule is broken, by that check and no other, and none fails where
 * the rules are kept. */
#include "lint_machine.h"

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
    leaf(0, TEXT, PT_munmap, PAGE_X, 0);
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
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

static void good_refs(void)
{
    leaf(0, 0, PT_clear_refs, PAGE_W(0x500), PAGE_W(0x500) & ~0x20ull);
    leaf(0, 0, PT_clear_refs, PAGE_W(0x500) & ~0x20ull, PAGE_R(0x500) & ~0x20ull);
    flush_page(0, 0, 3);
    fault(0, 1);
}

static void bad_M1(void) { leaf(0, 0, PT_munmap, PAGE_W(0x500), PAGE_W(0x500) & ~1ull); }

static void bad_M1_range(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_munmap, .a0 = VA(5), .a1 = 4096);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
}

static void bad_M1_left(void)
{
    state(1, 2, TASK_running, TASK_zombie, 0, 0);
    run(1, 0, 0);
    EV(0, syscall_enter, 1, .nr = __NR_munmap, .a0 = VA(0), .a1 = 4096);
    EV(0, syscall_exit, 1, .nr = __NR_munmap);
}

static void bad_M6_table(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(103)); }

static void bad_M6_mapped(void) { table(0, 1, 0x500, PT_LEVEL_PTE); }

static void bad_M6_text(void)
{
    table(0, 0, 90, PT_LEVEL_PTE);
    write_at(0, 0, 90, 0, PT_LEVEL_PTE, PT_kernel_map, 0, 0x900121);
    leaf(0, 3, PT_brk, 0, PAGE_F(0x900));
}

static void bad_M6_parents(void)
{
    make_mm(0, 7);
    write_at(0, 7, 702, 1, PT_LEVEL_PMD, PT_table_share, LINK(703ull), LINK(103ull));
}

static void bad_M7(void)
{
    make_mm(0, 7);
    write_at(0, 7, 700, KERNEL_SLOT, PT_LEVEL_PGD, PT_kernel_map, LINK(11ull), 0);
    cr3(0, 7, 700);
}

static void bad_M8(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500) & ~0x20ull, 0);
    flush(0, 3);
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

static void bad_M2_refs(void)
{
    leaf(0, 0, PT_clear_refs, PAGE_W(0x500), PAGE_R(0x500));
    fault(0, 1);
}

static void bad_T10_refs(void)
{
    leaf(0, 0, PT_clear_refs, PAGE_W(0x500), PAGE_R(0x501));
    flush(0, 3);
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
    leaf(0, TEXT, PT_munmap, PAGE_X, 0);
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
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
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
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
    make_mm(0, 3);
    cr3(1, 3, 300);
    write_at(0, 3, 300, 0, PT_LEVEL_PGD, PT_table_unlink, LINK(301), 0);
    write_at(0, 3, 300, KERNEL_SLOT, PT_LEVEL_PGD, PT_exit_teardown, LINK(11ull), 0);
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
    EV(0, table_alloc, 1, .va = 3ull << 39, .table_pfn = 150, .level = PT_LEVEL_PUD);
    write_at(0, 1, 100, 3, PT_LEVEL_PGD, PT_table_link, 0, LINK(150ull) | 0x80);
}

static void bad_T10_link(void)
{
    EV(0, table_alloc, 1, .va = 3ull << 39, .table_pfn = 150, .level = PT_LEVEL_PUD);
    write_at(0, 1, 100, 3, PT_LEVEL_PGD, PT_mmap, 0, LINK(150ull));
}

static void bad_T10_unlink(void)
{
    make_mm(0, 7);
    write_at(0, 7, 700, 0, PT_LEVEL_PGD, PT_munmap, LINK(701), 0);
}

static void bad_T10_no_link(void)
{
    write_at(0, 1, 102, 3, PT_LEVEL_PMD, PT_table_link, 0, 0x6000e7 | 1ull << 63 | 0x400);
}

static void bad_T10_root(void)
{
    EV(0, mm_create, 7, .root_pfn = 700);
    EV(0, table_alloc, 7, .table_pfn = 700, .level = PT_LEVEL_PGD, .reason = PT_demand_zero);
}

static void bad_T10_late(void) { leaf(0, 3, PT_checkpoint, 0, PAGE_F(0x600)); }

static void bad_T5_owner(void)
{
    make_mm(0, 7);
    write_at(0, 1, 703, 3, PT_LEVEL_PTE, PT_brk, 0, PAGE_F(0x600));
}

static void bad_T5_kernels(void)
{
    write_at(0, 0, 102, 3, PT_LEVEL_PMD, PT_kernel_map, 0, 0x6001e3 | 1ull << 63);
}

static void bad_M8_absent(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), (PAGE_W(0x500) & ~0x61ull));
    flush_page(0, 0, 3);
    leaf(0, 0, PT_munmap, PAGE_W(0x500) & ~0x41ull, 0);
    flush_page(0, 0, 3);
}

static void bad_M5_large(void)
{
    write_at(0, 1, 102, 3, PT_LEVEL_PMD, PT_mmap, 0, 0x6040e7 | 1ull << 63);
}

static const struct lint_case cases[] = {
    BAD(bad_T10_link, T10),
    BAD(bad_T10_unlink, T10),
    BAD(bad_T10_no_link, T10),
    BAD(bad_T10_root, T10),
    BAD(bad_T10_late, T10),
    BAD(bad_T5_owner, T5),
    BAD(bad_T5_kernels, T5),
    BAD(bad_M8_absent, M8),
    GOOD(good_unmap),
    GOOD(good_lazy),
    GOOD(good_lazy_other_root),
    GOOD(good_table),
    GOOD(good_rights),
    GOOD(good_refs),
    BAD(bad_M1, M1),
    BAD(bad_M1_range, M1),
    BAD(bad_M1_left, M1),
    BAD(bad_M6_table, M6),
    BAD(bad_M6_mapped, M6),
    BAD(bad_M6_text, M6),
    BAD(bad_M6_parents, M6),
    BAD(bad_M7, M7),
    BAD(bad_M8, M8),
    BAD(bad_M2_frame, M2),
    BAD(bad_M2_flush, M2),
    BAD(bad_M2_refs, M2),
    BAD(bad_T10_refs, T10),
    BAD(bad_M2_other_cpu, M2),
    BAD(bad_M3_full, M3),
    BAD(bad_M3_linked, M3),
    BAD(bad_M3_no_flush, M3),
    BAD(bad_M3_lazy_cpu, M3),
    BAD(bad_M3_root, M3),
    BAD(bad_M4_own, M4),
    BAD(bad_M4_other_cpu, M4),
    BAD(bad_M4_cow, M4),
    BAD(bad_M4_kernel_stack, M4),
    BAD(bad_M5_bits, M5),
    BAD(bad_M5_ram, M5),
    BAD(bad_M5_hole, M5),
    BAD(bad_M5_pgd, M5),
    BAD(bad_M5_large, M5),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "M");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
