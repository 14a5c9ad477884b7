/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* What the lint looks at as a whole (vmm/trace/lint/bulk.h) is held to the same rules as single entries: the
 * pages of a file that one fault brings, a range that munmap clears, one from which fork takes W. */
#include "lint_machine.h"

static void range(unsigned reason, unsigned index, uint64_t old, uint64_t new, unsigned n)
{
    EV(0, pte_range_step, 1, .va = VA(index), .table_pfn = LOWEST_OF(1), .first = (uint16_t)index,
       .level = PT_LEVEL_PTE, .reason = (uint8_t)reason, .n = (uint16_t)n, .old = old, .new = new,
       .old_step = old != 0 ? 1 << 12 : 0, .new_step = new != 0 ? 1 << 12 : 0);
}

/* --- pages of a file --------------------------------------------------------------------------- */

static void file(unsigned fault, unsigned index, uint64_t first, unsigned n)
{
    fault_at(0, 1, fault, 4);
    range(PT_demand_file, index, 0, first, n);
}

static void good_file(void)
{
    file(5, 3, PAGE_F(0x600), 4);
    fault(0, 1);
    range(PT_munmap, 3, PAGE_F(0x600), 0, 4);
    flush(0, 3);
    fault_at(0, 1, 3, 6);
    range(PT_demand_zero, 3, 0, PAGE_W(0x600), 4);
}

static void bad_C4_file(void) { range(PT_demand_file, 3, 0, PAGE_F(0x600), 4); }
static void bad_C4_far(void) { file(5, 62, PAGE_F(0x600), 4); } /* beyond the 64 pages around it */
static void bad_C4_kernel(void) { file(5, 3, PAGE_F(0x600) & ~4ull, 4); }
static void bad_E4_file(void) { file(5, 3, (PAGE_F(0x600) | 0x42) & ~(1ull << 63), 1); }
static void bad_M5_file(void) { file(5, 3, PAGE_F(0x600) | 1ull << 58, 4); }
static void bad_M6_file(void) { file(5, 3, PAGE_F(101), 2); }

static void bad_T1_file(void)
{
    fault_at(0, 1, 4, 6);
    write_at(0, 1, LOWEST_OF(1), 4, PT_LEVEL_PTE, PT_demand_zero, 0, PAGE_W(0x700));
    file(5, 3, PAGE_F(0x600), 4);
}

/* A page of the file is freed, and used as memory, while an entry leads to it. */
static void bad_F5_file(void)
{
    file(5, 3, PAGE_F(0x600), 4);
    fault_at(0, 1, 10, 6);
    range(PT_demand_zero, 10, 0, PAGE_W(0x5ff), 2);
}

/* --- munmap ------------------------------------------------------------------------------------ */

static void anonymous(void)
{
    fault_at(0, 1, 3, 6);
    range(PT_demand_zero, 3, 0, PAGE_W(0x600), 4);
}

static void unmapped(unsigned from, unsigned pages)
{
    anonymous();
    EV(0, syscall_enter, 1, .nr = __NR_munmap, .a0 = VA(from), .a1 = (uint64_t)pages << 12);
    range(PT_munmap, 3, PAGE_W(0x600), 0, 4);
}

static void good_munmap(void)
{
    unmapped(3, 4);
    flush(0, 3);
    EV(0, syscall_exit, 1, .nr = __NR_munmap);
}

static void bad_M1_before(void) { unmapped(4, 3); }
static void bad_M1_behind(void) { unmapped(3, 3); }

static void bad_M4_munmap(void)
{
    unmapped(3, 4);
    flush_page(0, 3, 3);
    fault_at(0, 1, 20, 6);
    range(PT_demand_zero, 20, 0, PAGE_W(0x603), 1);
}

static void bad_T1_munmap(void)
{
    anonymous();
    range(PT_munmap, 3, PAGE_W(0x700), 0, 4);
    flush(0, 3);
}

static void bad_M8_munmap(void)
{
    anonymous();
    range(PT_munmap, 3, PAGE_W(0x600) & ~0x60ull, 0, 4);
    flush(0, 3);
}

static void bad_M8_read_only(void)
{
    file(5, 3, PAGE_F(0x600), 4);
    range(PT_munmap, 3, PAGE_F(0x600) | 0x40, 0, 4);
    flush(0, 3);
}

static void bad_T10_not_used(void) { file(5, 3, PAGE_F(0x600) & ~0x20ull, 4); }
static void bad_T10_file_dirty(void) { file(5, 3, PAGE_F(0x600) | 0x40, 4); }

static void bad_T10_not_dirty(void)
{
    fault_at(0, 1, 3, 6);
    range(PT_demand_zero, 3, 0, PAGE_W(0x600) & ~0x40ull, 4);
}

/* --- fork takes W ------------------------------------------------------------------------------- */

static void protects(uint64_t old, uint64_t new)
{
    anonymous();
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    range(PT_fork_wrprotect, 3, old, new, 4);
}

static void protects_and(unsigned flushed, unsigned pages)
{
    protects(PAGE_W(0x600), PAGE_C(0x600));
    for (unsigned i = 0; i < pages; i++)
        flush_page(0, flushed + i, 3);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
    fault(0, 1);
}

static void good_protect(void) { protects_and(3, 4); }
static void bad_F4_first(void) { protects_and(4, 3); }
static void bad_F4_last(void) { protects_and(3, 3); }
static void bad_T1_protect(void) { protects(PAGE_W(0x700), PAGE_C(0x700)); }
static void bad_T10_frame(void) { protects(PAGE_W(0x600), PAGE_C(0x700)); }
static void bad_T10_keeps_W(void) { protects(PAGE_W(0x600), PAGE_W(0x600)); }

/* Who has no W any more may be mapped by others. */
static void good_shared(void)
{
    protects(PAGE_W(0x600), PAGE_C(0x600));
    flush(0, 3);
    copy_mm(0, 3, 1);
    write_at(0, 3, LOWEST_OF(3), 3, PT_LEVEL_PTE, PT_fork_copy, 0, PAGE_C(0x600));
}

static void bad_F2_protect(void)
{
    good_shared();
    leaf(0, 3, PT_mprotect, PAGE_C(0x600), PAGE_W(0x600));
    flush(0, 3);
}

static const struct lint_case cases[] = {
    GOOD(good_file),
    BAD(bad_C4_file, C4),
    BAD(bad_C4_far, C4),
    BAD(bad_C4_kernel, C4),
    BAD(bad_E4_file, E4),
    BAD(bad_M5_file, M5),
    BAD(bad_M6_file, M6),
    BAD(bad_T1_file, T1),
    BAD(bad_F5_file, F5),
    GOOD(good_munmap),
    BAD(bad_M1_before, M1),
    BAD(bad_M1_behind, M1),
    BAD(bad_M4_munmap, M4),
    BAD(bad_T1_munmap, T1),
    BAD(bad_M8_munmap, M8),
    GOOD(good_shared),
    GOOD(good_protect),
    BAD(bad_F4_first, F4),
    BAD(bad_F4_last, F4),
    BAD(bad_T1_protect, T1),
    BAD(bad_T10_frame, T10),
    BAD(bad_T10_keeps_W, T10),
    { "bad_F2_protect", bad_F2_protect, 1ull << LINT_F2 | 1ull << LINT_M2 },
    BAD(bad_M8_read_only, M8),
    BAD(bad_T10_not_used, T10),
    BAD(bad_T10_file_dirty, T10),
    BAD(bad_T10_not_dirty, T10),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
