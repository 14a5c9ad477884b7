/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of page tables that fork shares: S1 to S3, and what F1, F2, F4, F7, M3, M4
 * and M6 say of them.  Each is seen to fail where its rule is broken, by that check and no other. */
#include "lint_machine.h"

#define LINK_R(pfn) (LINK((uint64_t)(pfn)) & ~2ull)
#define SLOT        1 /* of BASE in a table of level 2 */

static void link_of(unsigned c, uint32_t mm, unsigned reason, uint64_t old, uint64_t new)
{
    write_at(c, mm, ROOT_OF(mm) + 2, SLOT, PT_LEVEL_PMD, reason, old, new);
}

/* Address space 3 as a copy of 1 that has its tables down to level 2. */
static void upper_tables(void)
{
    EV(0, mm_create, 3, .root_pfn = 300, .from_mm = 1);
    table(0, 3, 300, PT_LEVEL_PGD);
    write_at(0, 3, 300, KERNEL_SLOT, PT_LEVEL_PGD, PT_kernel_half, 0, LINK(11ull));
    table(0, 3, 301, PT_LEVEL_PUD);
    write_at(0, 3, 300, 0, PT_LEVEL_PGD, PT_table_link, 0, LINK(301ull));
    table(0, 3, 302, PT_LEVEL_PMD);
    write_at(0, 3, 301, 0, PT_LEVEL_PUD, PT_table_link, 0, LINK(302ull));
}

static void fork_begins(uint64_t parents, uint64_t childs)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    upper_tables();
    if (parents != LINK(103ull))
        link_of(0, 1, PT_table_share, LINK(103ull), parents);
    link_of(0, 3, PT_table_share, 0, childs);
}

static void fork_ends(void)
{
    clone_into(0, 5, 3);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = 5);
}

static void fork_shares(void)
{
    fork_begins(LINK_R(103), LINK_R(103));
    flush(0, 3);
    fork_ends();
    run(0, 5, 3);
    cr3(0, 3, 300);
}

static void flush_child(void) { EV(0, tlb_flush, 3, .start = BASE, .end = VA(1), .cpus = 1); }

/* The child gets a table of its own, whose entry 0 becomes this. */
static void child_copies(uint64_t entry)
{
    fault_at(0, 3, 0, 7);
    table(0, 3, 303, PT_LEVEL_PTE);
    leaf_of(0, 3, 0, PT_table_unshare, 0, entry);
    leaf_of(0, 3, TEXT, PT_table_unshare, 0, PAGE_X);
    link_of(0, 3, PT_table_unshare, LINK_R(103), LINK(303ull));
}

static void child_writes(void)
{
    leaf_of(0, 3, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x501));
    flush_child();
    fault(0, 3);
}

static void parent_takes(void)
{
    link_of(1, 1, PT_table_unshare, LINK_R(103), LINK(103ull));
    flush_page(1, 0, 3);
}

static void good_share(void)
{
    fork_shares();
    child_copies(PAGE_C(0x500));
    flush_child();
    child_writes();
    fault_at(1, 1, 0, 7);
    parent_takes(); /* the frame is its own again */
    fault(1, 1);
}

static void good_last_user_loses_w(void)
{
    fork_shares();
    child_copies(PAGE_C(0x500));
    flush_child();
    fault_at(1, 1, 0, 7);
    leaf_of(1, 1, 0, PT_table_unshare, PAGE_W(0x500), PAGE_C(0x500));
    parent_takes();
    leaf_of(1, 1, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x502));
    flush_page(1, 0, 3);
    child_writes();
    fault(1, 1);
}

/* Both leave, and the child, which is the last, clears the table. */
static void leave_and_clear(void)
{
    link_of(1, 1, PT_table_unlink, LINK_R(103), 0);
    flush(1, 3);
    link_of(0, 3, PT_table_unlink, LINK_R(103), 0);
}

static void good_leave(void)
{
    fork_shares();
    leave_and_clear();
    EV(0, tlb_flush, 3, .start = 0, .end = 0, .cpus = 1);
    write_va(0, 3, VA(0), 103, 0, PT_LEVEL_PTE, PT_munmap, PAGE_W(0x500), 0);
    write_va(0, 3, VA(TEXT), 103, TEXT, PT_LEVEL_PTE, PT_munmap, PAGE_X, 0);
    EV(0, table_free, 3, .va = BASE, .table_pfn = 103, .level = PT_LEVEL_PTE, .reason = PT_munmap);
}

static void bad_S1(void)
{
    fork_shares();
    leaf(1, 1, PT_demand_zero, 0, PAGE_W(0x600));
    fault(1, 1);
}

static void bad_S2_frame(void)
{
    fork_shares();
    child_copies(PAGE_C(0x600));
    flush_child();
    fault(0, 3);
}

static void bad_S2_missing(void)
{
    fork_shares();
    fault_at(0, 3, 0, 7);
    table(0, 3, 303, PT_LEVEL_PTE);
    link_of(0, 3, PT_table_unshare, LINK_R(103), LINK(303ull));
    flush_child();
    EV(0, syscall_enter, 3, .nr = __NR_getpid); /* no fault: its code is missing, too */
}

static void bad_S3(void)
{
    fork_shares();
    leave_and_clear();
    EV(0, tlb_flush, 3, .start = 0, .end = 0, .cpus = 1);
    now += 20000000000ull;
    flush(0, 1);
}

static void bad_F1_table(void)
{
    table(0, 1, 104, PT_LEVEL_PTE);
    write_va(0, 1, VA(0), 104, 0, PT_LEVEL_PTE, PT_brk, 0, PAGE_R(0x600));
    fork_begins(LINK_R(103), LINK_R(104));
    flush(0, 3);
    fork_ends();
}

static void bad_F2(void)
{
    fork_shares();
    child_copies(PAGE_C(0x500));
    flush_child();
    fault_at(1, 1, 0, 7);
    parent_takes();
    fault(1, 1);
}

static void bad_F4(void)
{
    fork_begins(LINK_R(103), LINK_R(103));
    fork_ends();
}

static void bad_F7(void)
{
    fork_shares();
    link_of(0, 3, PT_table_unlink, LINK_R(103), 0);
    EV(0, tlb_flush, 3, .start = 0, .end = 0, .cpus = 1);
    link_of(0, 3, PT_table_share, 0, LINK_R(103));
}

static void bad_M3(void)
{
    fork_shares();
    child_copies(PAGE_C(0x500)); /* and does not flush */
    fault_at(1, 1, 0, 7);
    leaf_of(1, 1, 0, PT_table_unshare, PAGE_W(0x500), PAGE_C(0x500));
    parent_takes();
    fault(1, 1);
}

static void bad_M4(void)
{
    fork_shares();
    leave_and_clear();
    EV(0, tlb_flush, 3, .start = BASE, .end = VA(0), .cpus = 1); /* the table, not its page */
    write_va(0, 3, VA(0), 103, 0, PT_LEVEL_PTE, PT_munmap, PAGE_W(0x500), 0);
    write_va(0, 3, VA(TEXT), 103, TEXT, PT_LEVEL_PTE, PT_munmap, PAGE_X, 0);
    EV(0, table_free, 3, .va = BASE, .table_pfn = 103, .level = PT_LEVEL_PTE, .reason = PT_munmap);
    table(0, 3, 0x500, PT_LEVEL_PTE);
}

static void bad_M6(void)
{
    fork_begins(LINK(103ull), LINK_R(103));
    flush(0, 3);
    fork_ends();
}

static const struct lint_case cases[] = {
    GOOD(good_share),      GOOD(good_last_user_loses_w),
    GOOD(good_leave),      BAD(bad_S1, S1),
    BAD(bad_S2_frame, S2), BAD(bad_S2_missing, S2),
    BAD(bad_S3, S3),       BAD(bad_F1_table, F1),
    BAD(bad_F2, F2),       BAD(bad_F4, F4),
    BAD(bad_F7, F7),       BAD(bad_M3, M3),
    BAD(bad_M4, M4),       BAD(bad_M6, M6),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "S");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
