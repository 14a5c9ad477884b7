/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of page faults and exec: C1 to C6, E1 to E5.
 * Each is seen to fail where its rule is broken, by that check and no other, and none fails where
 * the rules are kept. */
#include "lint_machine.h"

static void good_faults(void)
{
    EV(0, vma_special, 1, .start = VA(4), .end = VA(6), .flags = 6);
    leaf(0, 4, PT_demand_zero, 0, PAGE_W(0x600) & ~(1ull << 63));
    fault_at(0, 1, 7, 6);
    EV(0, signal, 1, .to = 1, .signo = SIGSEGV, .code = SEGV_MAPERR);
    fault(0, 1);
    /* calls with a bad address, made again and again: the kernel looks, and says -EFAULT */
    for (unsigned i = 0; i < 5; i++)
        EV(0, page_fault, 1, .va = VA(9), .rip = 0, .error = 2);
}

static void bad_C1(void)
{
    read_only();
    leaf_of(0, 1, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    flush_page(0, 0, 3);
}

static void bad_C1_read(void)
{
    read_only();
    EV(0, page_fault, 1, .va = VA(0), .rip = 0, .error = 1);
    leaf_of(0, 1, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    flush_page(0, 0, 3);
}

static void bad_C2(void)
{
    whole_fork(5);
    leaf(0, 0, PT_cow_break, PAGE_C(0x500), PAGE_R(0x500));
}

static void told(unsigned index, uint32_t from, uint32_t to, uint64_t from_hash, uint64_t to_hash)
{
    EV(0, contents, 1, .va = VA(index), .from_pfn = from, .to_pfn = to, .pages = 1,
       .from_hash = from_hash, .to_hash = to_hash);
}

static void contents_copy(uint64_t from_hash, uint64_t to_hash)
{
    whole_fork(5);
    fault_at(0, 1, 0, 7);
    told(0, 0x500, 0x600, from_hash, to_hash);
    leaf_of(0, 1, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x600));
    flush_page(0, 0, 3);
}

static void contents_zero(uint64_t hash)
{
    fault_at(0, 1, 3, 6);
    told(3, 0, 0x601, 0, hash);
    leaf_of(0, 1, 3, PT_demand_zero, 0, PAGE_W(0x601));
}

static void comes(unsigned index, uint64_t first, unsigned n);

static void good_contents(void)
{
    contents_copy(77, 77);
    contents_zero(0);
    fault_at(0, 1, 4, 6);
    told(4, 0, 0x610, 0, 0);
    told(5, 0, 0x611, 0, 0);
    told(6, 0, 0x612, 0, 0);
    comes(4, PAGE_W(0x610), 3);
}

static void bad_C2_contents(void) { contents_copy(77, 78); }

static void bad_C2_not_told(void)
{
    whole_fork(5);
    contents_zero(0);
    leaf(0, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x600));
    flush_page(0, 0, 3);
}

static void bad_C2_another(void)
{
    whole_fork(5);
    fault_at(0, 1, 0, 7);
    told(0, 0x501, 0x600, 77, 77);
    leaf_of(0, 1, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x600));
    flush_page(0, 0, 3);
}

static void bad_C4_contents(void) { contents_zero(1); }

static void bad_C4_not_told(void)
{
    contents_zero(0);
    fault_at(0, 1, 4, 6);
    told(4, 0, 0x610, 0, 0);
    told(5, 0, 0x611, 0, 0);
    comes(4, PAGE_W(0x610), 3);
}

static void bad_C3(void)
{
    read_only();
    leaf(0, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    fault(0, 1);
}

static void bad_C3_other_cpu(void)
{
    read_only();
    leaf(0, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    flush_page(0, 0, 1);
    fault(0, 1);
    fault(1, 1);
}

static void good_ahead(void)
{
    fault_at(0, 1, 3, 6);
    leaf_of(0, 1, 3, PT_demand_zero, 0, PAGE_W(0x600));
    leaf_of(0, 1, 4, PT_demand_zero, 0, PAGE_W(0x601));
    fault(0, 1);
}

static void bad_C4_hole(void)
{
    fault_at(0, 1, 3, 6);
    leaf_of(0, 1, 3, PT_demand_zero, 0, PAGE_W(0x600));
    leaf_of(0, 1, 5, PT_demand_zero, 0, PAGE_W(0x601));
    fault(0, 1);
}

static void bad_C4(void) { leaf_of(0, 1, 3, PT_demand_zero, 0, PAGE_W(0x600)); }

static void bad_C4_full(void)
{
    leaf(0, 0, PT_demand_zero, PAGE_W(0x500), PAGE_W(0x600));
    flush_page(0, 0, 3);
}

static void bad_C5(void)
{
    for (unsigned i = 0; i < 3; i++) {
        EV(0, page_fault, 1, .va = VA(9), .rip = VA(TEXT), .error = 6);
        flush_page(0, 9, 1);
    }
}

static void bad_C6(void)
{
    fault_at(0, 1, 9, 6);
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
}

static void bad_C6_signal(void)
{
    leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600));
    EV(0, signal, 1, .to = 1, .signo = SIGSEGV, .code = SEGV_ACCERR);
}

static void bad_E1(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_execve);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
}

static void bad_E2(void)
{
    read_only();
    make_mm(0, 7);
    leaf_of(0, 7, 1, PT_exec_map, 0, PAGE_R(0x500));
}

static void bad_E3(void)
{
    make_mm(0, 7);
    EV(0, exec, 7, .old_mm = 1, .comm = "prog");
}

static void bad_E4(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600) & ~(1ull << 63)); }

static void bad_E5(void)
{
    EV(0, table_alloc, 1, .va = 0, .table_pfn = 120, .level = PT_LEVEL_PTE);
    write_at(0, 1, 102, 0, PT_LEVEL_PMD, PT_table_link, 0, LINK(120ull));
    EV(0, page_fault, 1, .va = 0x3008, .rip = VA(TEXT), .error = 6);
    write_va(0, 1, 0x3000, 120, 3, PT_LEVEL_PTE, PT_demand_zero, 0, PAGE_W(0x600));
}

/* --- ranges, which are looked at as a whole ----------------------------------------------- */

static void comes(unsigned index, uint64_t first, unsigned n)
{
    EV(0, pte_range_step, 1, .va = VA(index), .table_pfn = LOWEST_OF(1), .first = (uint16_t)index,
       .level = PT_LEVEL_PTE, .reason = PT_demand_zero, .n = (uint16_t)n, .new = first,
       .new_step = 1u << 12);
}

static void good_range(void)
{
    fault_at(0, 1, 3, 6);
    comes(3, PAGE_W(0x600), 4);
    fault(0, 1);
}

static void bad_C4_range(void) { comes(3, PAGE_W(0x600), 4); }

static void bad_F5_range(void)
{
    fault_at(0, 1, 3, 6);
    comes(3, PAGE_W(0x4fe), 4);
}

static void bad_T1_range(void)
{
    leaf(0, 5, PT_demand_zero, 0, PAGE_W(0x700));
    fault_at(0, 1, 3, 6);
    comes(3, PAGE_W(0x600), 4);
}

static void bad_M4_range(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    fault_at(0, 1, 3, 6);
    comes(3, PAGE_W(0x4fe), 4);
}

static void bad_M6_range(void)
{
    fault_at(0, 1, 3, 6);
    comes(3, PAGE_W(101), 2);
}

static void bad_E4_range(void)
{
    fault_at(0, 1, 3, 6);
    comes(3, PAGE_W(0x600) & ~(1ull << 63), 4);
}

/* A fault of task 1 as it may not be. */
static void says(uint64_t va, uint64_t rip, uint32_t error)
{
    EV(0, page_fault, 1, .va = va, .rip = rip, .error = error);
    flush(0, 3);
}

static void good_errors(void)
{
    says(VA(7), VA(TEXT), 4);
    says(VA(7), VA(TEXT), 6);
    says(VA(0), VA(TEXT), 7);
    says(VA(7), VA(7), 0x14);
    says(VA(8), VA(8) - 3, 0x14);
    says(VA(0), VA(0), 0x15);
    says(VA(7), 0, 2);
    says(VA(0), 0, 1);
}

static void bad_C7_bits(void) { says(VA(7), VA(TEXT), 0xc); }
static void bad_C7_both(void) { says(VA(7), VA(7), 0x16); }
static void bad_C7_no_rip(void) { says(VA(7), 0, 4); }
static void bad_C7_fetched(void) { says(VA(7), VA(TEXT), 0x14); }
static void bad_C7_code(void) { says(VA(7), VA(7), 4); }
static void bad_C7_kernel(void) { says(VA(7), VA(TEXT), 2); }
static void bad_C7_kernels_code(void) { says(VA(7), VA(7), 0x10); }
static void bad_C7_rip(void) { says(VA(7), VA(0), 4); }
static void bad_C7_rip_nowhere(void) { says(VA(7), VA(6), 4); }
static void bad_C7_there(void) { says(VA(0), VA(TEXT), 6); }
static void bad_C7_absent(void) { says(VA(7), VA(TEXT), 7); }
static void bad_C7_read(void) { says(VA(0), VA(TEXT), 5); }

/* What comes is not what was asked for. */
static void gets(uint32_t error, unsigned reason, uint64_t entry)
{
    EV(0, page_fault, 1, .va = VA(7), .rip = error & 16 ? VA(7) : VA(TEXT), .error = error);
    leaf_of(0, 1, 7, reason, 0, entry);
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
}

static void good_gets(void) { gets(4, PT_demand_file, PAGE_F(0x600)); }
static void bad_C6_read_only(void) { gets(6, PT_demand_file, PAGE_F(0x600)); }
static void bad_C6_no_code(void) { gets(0x14, PT_demand_file, PAGE_F(0x600)); }
static void bad_C4_copy(void) { gets(4, PT_demand_file, PAGE_W(0x600)); }

static void bad_C6_elsewhere(void)
{
    fault_at(0, 1, 3, 4);
    leaf_of(0, 1, 4, PT_demand_file, 0, PAGE_F(0x600));
    fault(0, 1);
}

static const struct lint_case cases[] = {
    GOOD(good_faults),
    BAD(bad_C1, C1),
    BAD(bad_C1_read, C1),
    BAD(bad_C2, C2),
    GOOD(good_ahead),
    BAD(bad_C4_hole, C4),
    BAD(bad_C3, C3),
    BAD(bad_C3_other_cpu, C3),
    BAD(bad_C4, C4),
    BAD(bad_C4_full, C4),
    BAD(bad_C5, C5),
    BAD(bad_C6, C6),
    BAD(bad_C6_signal, C6),
    BAD(bad_E1, E1),
    BAD(bad_E2, E2),
    BAD(bad_E3, E3),
    BAD(bad_E4, E4),
    BAD(bad_E5, E5),
    GOOD(good_range),
    BAD(bad_C4_range, C4),
    BAD(bad_F5_range, F5),
    BAD(bad_T1_range, T1),
    BAD(bad_M4_range, M4),
    BAD(bad_M6_range, M6),
    BAD(bad_E4_range, E4),
    GOOD(good_contents),
    BAD(bad_C2_contents, C2),
    BAD(bad_C2_not_told, C2),
    BAD(bad_C2_another, C2),
    BAD(bad_C4_contents, C4),
    BAD(bad_C4_not_told, C4),
    GOOD(good_errors),
    BAD(bad_C7_bits, C7),
    BAD(bad_C7_both, C7),
    BAD(bad_C7_no_rip, C7),
    BAD(bad_C7_fetched, C7),
    BAD(bad_C7_code, C7),
    BAD(bad_C7_kernel, C7),
    BAD(bad_C7_kernels_code, C7),
    BAD(bad_C7_rip, C7),
    BAD(bad_C7_rip_nowhere, C7),
    BAD(bad_C7_there, C7),
    BAD(bad_C7_absent, C7),
    BAD(bad_C7_read, C7),
    GOOD(good_gets),
    BAD(bad_C6_read_only, C6),
    BAD(bad_C6_no_code, C6),
    BAD(bad_C4_copy, C4),
    BAD(bad_C6_elsewhere, C6),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "CE");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
