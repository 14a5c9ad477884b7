/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* What calls that change mappings leave behind: all that they took, flushed; and what a copy, a page that is
 * written, and a page that moves become. */
#include "lint_machine.h"

#include <sys/mman.h>

/* Address space 1 has one user left, so that nobody else can map there. */
static void alone(void)
{
    state(1, 2, TASK_running, TASK_zombie, 0, 0);
    run(1, 0, 0);
}

static void call(unsigned nr, uint64_t at, uint64_t bytes, uint64_t prot)
{
    EV(0, syscall_enter, 1, .nr = (uint16_t)nr, .a0 = at, .a1 = bytes, .a2 = prot);
}

static void returns(unsigned nr) { EV(0, syscall_exit, 1, .nr = (uint16_t)nr); }

/* --- mprotect ------------------------------------------------------------------------------ */

static void protect(uint64_t prot, uint64_t leaves)
{
    alone();
    call(__NR_mprotect, VA(0), 4096, prot);
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), leaves);
    flush_page(0, 0, 1);
    returns(__NR_mprotect);
}

static void good_protect(void) { protect(PROT_READ, PAGE_R(0x500)); }
static void good_protect_none(void) { protect(PROT_NONE, PAGE_R(0x500) & ~1ull); }
static void bad_M2_keeps_w(void) { protect(PROT_READ, PAGE_W(0x500)); }
static void bad_M2_keeps_x(void) { protect(PROT_READ, PAGE_R(0x500) & ~(1ull << 63)); }
static void bad_M2_keeps_p(void) { protect(PROT_NONE, PAGE_R(0x500)); }

static void bad_M2_left_out(void)
{
    alone();
    call(__NR_mprotect, VA(0), 4096, PROT_READ);
    returns(__NR_mprotect);
}

static void bad_M2_gives_w(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 3);
    leaf(0, 0, PT_mprotect, PAGE_R(0x500), PAGE_W(0x500));
}

static void bad_M2_p_not_flushed(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500) & ~1ull);
    fault(0, 1);
}

/* --- munmap, brk --------------------------------------------------------------------------- */

static void four(unsigned reason)
{
    for (unsigned i = 4; i < 8; i++)
        leaf(0, i, PT_demand_zero, 0, PAGE_W(0x600 + i));
    EV(0, pte_range_step, 1, .va = VA(4), .table_pfn = LOWEST_OF(1), .first = 4,
       .level = PT_LEVEL_PTE, .reason = (uint8_t)reason, .n = 4, .old = PAGE_W(0x604),
       .old_step = 4096);
}

static void good_unmap(void)
{
    four(PT_munmap);
    flush_page(0, 4, 3);
    flush_page(0, 5, 3);
    flush_page(0, 6, 3);
    flush_page(0, 7, 3);
    fault(0, 1);
}

static void bad_M4_returns(void)
{
    call(__NR_munmap, VA(0), 4096, 0);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    returns(__NR_munmap);
}

static void bad_M4_brk(void)
{
    leaf(0, 0, PT_brk, PAGE_W(0x500), 0);
    fault(0, 1);
}

static void bad_M4_unmapped_range(void)
{
    four(PT_munmap);
    flush_page(0, 4, 3);
    flush_page(0, 5, 3);
    flush_page(0, 7, 3);
    fault(0, 1);
}

/* --- mremap -------------------------------------------------------------------------------- */

static void move(uint64_t cleared, uint64_t entered)
{
    call(__NR_mremap, VA(0), 4096, 4096);
    if (cleared != 0)
        leaf(0, 0, PT_munmap, cleared, 0);
    leaf(0, 3, PT_mmap, 0, entered);
    flush(0, 3);
}

static void good_move(void) { move(PAGE_W(0x500), PAGE_W(0x500)); }
static void bad_T10_moves_another(void) { move(PAGE_W(0x500), PAGE_W(0x600)); }
static void bad_T10_moves_rights(void) { move(PAGE_W(0x500), PAGE_R(0x500)); }
static void bad_T10_copies(void) { move(0, PAGE_F(0x600)); }

/* --- writes -------------------------------------------------------------------------------- */

/* A write to an entry of page 3. */
static void written(uint64_t was, unsigned reason, uint64_t becomes)
{
    fault_at(0, 1, 3, 4);
    leaf_of(0, 1, 3, PT_demand_file, 0, was);
    fault_at(0, 1, 3, 7);
    leaf_of(0, 1, 3, reason, was, becomes);
    flush_page(0, 3, 3);
}

#define FILE_C (PAGE_F(0x600) | 0x200) /* of a private mapping that may be written */
#define FILE_W (PAGE_F(0x600) | 0x42)

static void good_copy(void) { written(FILE_C, PT_cow_break, PAGE_W(0x700)); }
static void good_written(void) { written(PAGE_F(0x600), PT_mkwrite, FILE_W); }
static void bad_T10_no_copy(void) { written(FILE_C, PT_cow_break, FILE_W); }
static void bad_T10_marked(void) { written(FILE_C, PT_mkwrite, FILE_W); }
static void bad_M5_cow(void) { written(PAGE_F(0x600), PT_mkwrite, FILE_W | 0x200); }

static void bad_T10_no_mark(void)
{
    read_only();
    fault_at(0, 1, 0, 7);
    leaf_of(0, 1, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x500));
    flush_page(0, 0, 3);
}

static const struct lint_case cases[] = {
    GOOD(good_protect),
    GOOD(good_protect_none),
    BAD(bad_M2_keeps_w, M2),
    BAD(bad_M2_keeps_p, M2),
    { "bad_M2_keeps_x", bad_M2_keeps_x, 1ull << LINT_M2 },
    BAD(bad_M2_left_out, M2),
    BAD(bad_M2_gives_w, M2),
    BAD(bad_M2_p_not_flushed, M2),
    GOOD(good_unmap),
    BAD(bad_M4_returns, M4),
    BAD(bad_M4_brk, M4),
    BAD(bad_M4_unmapped_range, M4),
    GOOD(good_move),
    BAD(bad_T10_moves_another, T10),
    BAD(bad_T10_moves_rights, T10),
    BAD(bad_T10_copies, T10),
    GOOD(good_copy),
    GOOD(good_written),
    BAD(bad_T10_no_copy, T10),
    BAD(bad_T10_marked, T10),
    BAD(bad_M5_cow, M5),
    BAD(bad_T10_no_mark, T10),
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
