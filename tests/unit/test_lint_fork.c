/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of fork: F1 to F7.
 * Each is seen to fail where its rule is broken, by that check and no other, and none fails where
 * the rules are kept. */
#include "lint_machine.h"

static void good_fork(void)
{
    whole_fork(5);
    run(0, 5, 3);
    cr3(0, 3, 300);
    fault_at(0, 3, 0, 7);
    leaf_of(0, 3, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x501));
    EV(0, tlb_flush, 3, .start = VA(0), .end = VA(1), .cpus = 1);
    fault(0, 3);
    fault_at(1, 1, 0, 7);
    leaf_of(1, 1, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x500)); /* the last one keeps it */
    flush_page(1, 0, 3);
    fault(1, 1);
}

static void bad_F1_frame(void) { fork_copies(PAGE_C(0x500), PAGE_C(0x501)); }

static void bad_F1_mark(void) { fork_copies(PAGE_C(0x500), PAGE_R(0x500)); }

static void bad_F2(void) { fork_copies(PAGE_W(0x500), PAGE_W(0x500)); }

static void bad_F2_later(void)
{
    whole_fork(5);
    fault_at(1, 1, 0, 7);
    leaf_of(1, 1, 0, PT_mkwrite, PAGE_C(0x500), PAGE_W(0x500));
    flush_page(1, 0, 3);
}

static void bad_F3_page(void)
{
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x600));
    whole_fork(5);
}

static void bad_F3_table(void)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    EV(0, table_alloc, 3, .va = 2 * BASE, .table_pfn = 120, .level = PT_LEVEL_PTE);
    write_at(0, 3, 302, 2, PT_LEVEL_PMD, PT_table_link, 0, LINK(120ull));
    clone_into(0, 5, 3);
}

static void bad_F5(void) { leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500)); }

static void bad_F5_stack(void)
{
    table(0, 0, 90, PT_LEVEL_PTE);
    write_at(0, 0, 90, 0, PT_LEVEL_PTE, PT_kernel_stack, 0, 0x500163 | 1ull << 63);
}

static void bad_F6(void)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
}

static void bad_F7(void)
{
    fault_at(0, 1, 1, 4);
    leaf_of(0, 1, 1, PT_demand_file, 0, PAGE_F(0x800));
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    clone_into(0, 5, 3);
    leaf_of(0, 3, 1, PT_fork_copy, 0, PAGE_F(0x800));
}

static void bad_F7_another(void)
{
    child_of_1(5, 3);
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    EV(0, mm_create, 4, .root_pfn = 400, .from_mm = 3);
    table(0, 4, 400, PT_LEVEL_PGD);
}

static void bad_F4(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf(0, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_R(0x500));
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
}

static void bad_F4_other_cpu(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf(0, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush(0, 1);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
    fault(1, 1);
}

static void bad_F1_not_used(void) { fork_copies(PAGE_C(0x500), PAGE_C(0x500) & ~0x20ull); }

static const struct lint_case cases[] = {
    BAD(bad_F1_not_used, F1),  GOOD(good_fork),
    BAD(bad_F1_frame, F1),     BAD(bad_F1_mark, F1),
    BAD(bad_F2, F2),           { "bad_F2_later", bad_F2_later, 1ull << LINT_F2 | 1ull << LINT_T10 },
    BAD(bad_F3_page, F3),      BAD(bad_F3_table, F3),
    BAD(bad_F5, F5),           BAD(bad_F5_stack, F5),
    BAD(bad_F6, F6),           BAD(bad_F7, F7),
    BAD(bad_F7_another, F7),   BAD(bad_F4, F4),
    BAD(bad_F4_other_cpu, F4),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "F");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
