/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of huge pages: H1, H2, and what C4, F1, F2, F4, F5, F7, M1, M4, M5 and M6 say
 * of them.  Each is seen to fail where its rule is broken, by that check and no other. */
#include "lint_machine.h"

#define SLOT      4 /* of AT in a table of level 2 */
#define AT        ((uint64_t)SLOT << 21)
#define FRAME     0x800ull
#define HUGE(pfn) (PAGE_W(pfn) | 0x80)
#define HUGE_R(p) (HUGE(p) & ~2ull) /* shared by fork */
#define GONE(pfn) (HUGE(pfn) & ~3ull)

static void entry(unsigned c, uint32_t mm, unsigned reason, uint64_t old, uint64_t new)
{
    write_at(c, mm, ROOT_OF(mm) + 2, SLOT, PT_LEVEL_PMD, reason, old, new);
}

static void touch(unsigned c, uint32_t mm, unsigned page, uint32_t error)
{
    EV(c, page_fault, mm, .va = AT + page * 4096, .rip = VA(TEXT) + now / 1000 % 4096,
       .error = error);
}

static void map(uint64_t page)
{
    touch(0, 1, 77, 6);
    entry(0, 1, PT_huge_map, 0, page);
}

static void flush_space(unsigned c, uint32_t mm, uint64_t cpus)
{
    EV(c, tlb_flush, mm, .start = 0, .end = 0, .cpus = cpus);
}

/* 512 entries of the table, as the huge page has them; but for one. */
static void fill(unsigned c, uint32_t mm, uint32_t pfn, uint64_t first, unsigned n)
{
    EV(c, table_alloc, mm, .va = AT, .table_pfn = pfn, .level = PT_LEVEL_PTE,
       .reason = PT_huge_split);
    EV(c, pte_range_step, mm, .va = AT, .table_pfn = pfn, .level = PT_LEVEL_PTE,
       .reason = PT_huge_split, .n = (uint16_t)n, .new = first, .new_step = 4096);
}

static void split(uint32_t mm, uint64_t page, uint32_t pfn, uint64_t first, unsigned n)
{
    entry(0, mm, PT_huge_split, page, GONE(FRAME));
    flush_space(0, mm, 3);
    fill(0, mm, pfn, first, n);
    entry(0, mm, PT_huge_split, GONE(FRAME), LINK((uint64_t)pfn));
}

static void good_split(void)
{
    map(HUGE(FRAME));
    split(1, HUGE(FRAME), 104, PAGE_W(FRAME), 512);
    fault(1, 1);
}

/* Address space 3 as a copy of 1 that has its tables down to level 2. */
static void fork_begins(uint64_t parents, uint64_t childs)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    EV(0, mm_create, 3, .root_pfn = 300, .from_mm = 1);
    table(0, 3, 300, PT_LEVEL_PGD);
    write_at(0, 3, 300, KERNEL_SLOT, PT_LEVEL_PGD, PT_kernel_half, 0, LINK(11ull));
    table(0, 3, 301, PT_LEVEL_PUD);
    write_at(0, 3, 300, 0, PT_LEVEL_PGD, PT_table_link, 0, LINK(301ull));
    table(0, 3, 302, PT_LEVEL_PMD);
    write_at(0, 3, 301, 0, PT_LEVEL_PUD, PT_table_link, 0, LINK(302ull));
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_share, LINK(103ull), LINK(103ull) & ~2ull);
    write_at(0, 3, 302, 1, PT_LEVEL_PMD, PT_table_share, 0, LINK(103ull) & ~2ull);
    if (parents != HUGE(FRAME))
        entry(0, 1, PT_table_share, HUGE(FRAME), parents);
    entry(0, 3, PT_table_share, 0, childs);
}

static void fork_ends(void)
{
    clone_into(0, 5, 3);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = 5);
}

static void fork_shares(void)
{
    map(HUGE(FRAME));
    fork_begins(HUGE_R(FRAME), HUGE_R(FRAME));
    flush(0, 3);
    fork_ends();
    run(0, 5, 3);
    cr3(0, 3, 300);
}

static void child_writes(uint64_t first)
{
    touch(0, 3, 5, 7);
    split(3, HUGE_R(FRAME), 303, first, 512);
}

/* The child goes to a table of its own and ends; then the page is the parent's again. */
static void good_share(void)
{
    fork_shares();
    child_writes(PAGE_C(FRAME));
    write_va(0, 3, AT + 5 * 4096, 303, 5, PT_LEVEL_PTE, PT_cow_break, PAGE_C(FRAME + 5),
             PAGE_W(0x701));
    EV(0, tlb_flush, 3, .start = AT + 5 * 4096, .end = AT + 6 * 4096, .cpus = 1);
    fault(0, 3);
    for (unsigned i = 0; i < 512; i++)
        write_va(0, 3, AT + i * 4096, 303, i, PT_LEVEL_PTE, PT_munmap,
                 i == 5 ? PAGE_W(0x701) : PAGE_C(FRAME + i), 0);
    flush_space(0, 3, 1);
    touch(1, 1, 5, 7);
    entry(1, 1, PT_table_unshare, HUGE_R(FRAME), HUGE(FRAME));
    flush(1, 2);
    fault(1, 1);
}

/* Parent and child split the page that they share at the same time: the one is done before the other has
 * flushed. */
static void good_both_split(void)
{
    fork_shares();
    touch(1, 1, 5, 7);
    entry(1, 1, PT_huge_split, HUGE_R(FRAME), GONE(FRAME));
    child_writes(PAGE_C(FRAME));
    fault(0, 3);
    flush_space(1, 1, 2);
    fill(1, 1, 104, PAGE_C(FRAME), 512);
    entry(1, 1, PT_huge_split, GONE(FRAME), LINK(104ull));
    fault(1, 1);
}

static void good_unmap(void)
{
    map(HUGE(FRAME));
    entry(0, 1, PT_munmap, HUGE(FRAME), 0);
    flush(0, 3);
    table(0, 1, FRAME + 300, PT_LEVEL_PTE);
}

static void bad_H1_missing(void)
{
    map(HUGE(FRAME));
    split(1, HUGE(FRAME), 104, PAGE_W(FRAME), 511);
}

static void bad_H1_frame(void)
{
    map(HUGE(FRAME));
    split(1, HUGE(FRAME), 104, PAGE_W(FRAME + 512), 512);
}

static void bad_H1_rights(void)
{
    map(HUGE(FRAME));
    split(1, HUGE(FRAME), 104, PAGE_R(FRAME), 512);
}

static void bad_H2_there(void)
{
    map(HUGE(FRAME));
    fill(0, 1, 104, PAGE_C(FRAME), 512);
    entry(0, 1, PT_huge_split, HUGE(FRAME), LINK(104ull));
}

static void bad_H2_flush(void)
{
    map(HUGE(FRAME));
    entry(0, 1, PT_huge_split, HUGE(FRAME), GONE(FRAME));
    flush(0, 1); /* the other CPU has not */
    fill(0, 1, 104, PAGE_W(FRAME), 512);
    entry(0, 1, PT_huge_split, GONE(FRAME), LINK(104ull));
}

static void bad_H2_part(void)
{
    map(HUGE(FRAME));
    entry(0, 1, PT_huge_split, HUGE(FRAME), GONE(FRAME));
    EV(0, tlb_flush, 1, .start = AT, .end = AT + 4096, .cpus = 3);
    fill(0, 1, 104, PAGE_W(FRAME), 512);
    entry(0, 1, PT_huge_split, GONE(FRAME), LINK(104ull));
}

static void bad_C4(void) { entry(0, 1, PT_huge_map, 0, HUGE(FRAME)); }

static void bad_F1(void)
{
    map(HUGE(FRAME));
    fork_begins(HUGE_R(FRAME), HUGE_R(FRAME + 512));
    flush(0, 3);
    fork_ends();
}

static void bad_F2_fork(void)
{
    map(HUGE(FRAME));
    fork_begins(HUGE(FRAME), HUGE(FRAME));
    flush(0, 3);
    fork_ends();
}

static void bad_F2_again(void)
{
    fork_shares();
    touch(1, 1, 5, 7);
    entry(1, 1, PT_table_unshare, HUGE_R(FRAME), HUGE(FRAME));
    flush(1, 2);
}

static void bad_F2_split(void)
{
    fork_shares();
    child_writes(PAGE_W(FRAME));
}

static void bad_F4(void)
{
    map(HUGE(FRAME));
    fork_begins(HUGE_R(FRAME), HUGE_R(FRAME));
    flush_page(0, 0, 3);
    EV(0, tlb_flush, 1, .start = BASE, .end = AT, .cpus = 3);
    fork_ends();
}

static void bad_F5(void)
{
    leaf(0, 3, PT_demand_zero, 0, PAGE_W(FRAME + 17));
    map(HUGE(FRAME));
}

static void bad_F7(void)
{
    fork_shares();
    entry(0, 3, PT_munmap, HUGE_R(FRAME), 0);
    flush_space(0, 3, 1);
    entry(0, 3, PT_table_share, 0, HUGE_R(FRAME));
}

static void bad_M1(void)
{
    map(HUGE(FRAME));
    EV(0, syscall_enter, 1, .nr = __NR_munmap, .a0 = AT + (2 << 20), .a1 = 2 << 20);
    entry(0, 1, PT_munmap, HUGE(FRAME), 0);
    flush(0, 3);
    EV(0, syscall_exit, 1, .nr = __NR_munmap);
}

static void bad_M4(void)
{
    map(HUGE(FRAME));
    entry(0, 1, PT_munmap, HUGE(FRAME), 0);
    EV(0, tlb_flush, 1, .start = AT, .end = AT + 300 * 4096, .cpus = 3);
    table(0, 1, FRAME + 300, PT_LEVEL_PTE);
}

static void bad_M5(void) { map(HUGE(FRAME + 8)); }
static void bad_M6(void)
{
    table(0, 1, FRAME + 9, PT_LEVEL_PTE);
    map(HUGE(FRAME));
}

static const struct lint_case cases[] = {
    GOOD(good_split),        GOOD(good_share),      GOOD(good_both_split),  GOOD(good_unmap),
    BAD(bad_H1_missing, H1), BAD(bad_H1_frame, H1), BAD(bad_H1_rights, H1), BAD(bad_H2_there, H2),
    BAD(bad_H2_flush, H2),   BAD(bad_H2_part, H2),  BAD(bad_C4, C4),        BAD(bad_F1, F1),
    BAD(bad_F2_fork, F2),    BAD(bad_F2_again, F2), BAD(bad_F2_split, F2),  BAD(bad_F4, F4),
    BAD(bad_F5, F5),         BAD(bad_F7, F7),       BAD(bad_M1, M1),        BAD(bad_M4, M4),
    BAD(bad_M5, M5),         BAD(bad_M6, M6),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "H");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
