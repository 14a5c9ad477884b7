/* links: guest/mm/vma.c guest/lib/rbtree.c tests/unit/kernel_shim.c */
/* The tree of VMAs: finding, splitting, merging and gaps, against a plain table
 * of pages as the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel_shim.h"
#include "mm/vma.h"
#include "trace/trace.h"

/* No address space here has one. */
int vdso_map(struct mm *mm)
{
    (void)mm;
    return 0;
}

#define BASE  0x100000000ull
#define PAGES 256u
#define TOP   (BASE + PAGES * PAGE_SIZE)

/* vma_file.c's part, without files' lists. */
void vma_file_link(struct vma *v, struct vma *sibling) { (void)v, (void)sibling; }
void vma_file_unlink(struct vma *v) { v->file = NULL; }

bool trace_on, trace_by_call;
void trace_write_vma_special(uint32_t mm, uint64_t start, uint64_t end, uint32_t flags)
{
    (void)mm, (void)start, (void)end, (void)flags;
}

static struct mm mm;
static uint32_t model[PAGES]; /* flags of each page, 0: not mapped */

static uaddr_t page(unsigned i) { return BASE + i * PAGE_SIZE; }

static int start(void **state)
{
    (void)state;
    shim_init();
    mm = (struct mm){ .id = 1 };
    mutex_init(&mm.lock, LOCK_mm);
    mutex_lock(&mm.lock);
    for (unsigned i = 0; i < PAGES; i++)
        model[i] = 0;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    for (struct vma *v; (v = vma_find(&mm, 0)) != NULL;)
        vma_remove(&mm, v);
    assert_int_equal(mm.total_vm, 0);
    assert_int_equal(mm.data_vm, 0);
    assert_int_equal(shim_objects(), 0);
    return 0;
}

/* As munmap does, without pages. */
static void drop(unsigned first, unsigned n)
{
    struct vma *v, *next;
    assert_int_equal(vma_split_ends(&mm, page(first), page(first + n)), 0);
    for (v = vma_find(&mm, page(first)); v && v->start < page(first + n); v = next) {
        next = vma_next(v);
        vma_remove(&mm, v);
    }
    for (unsigned i = first; i < first + n; i++)
        model[i] = 0;
}

/* As mmap does. */
static void map(unsigned first, unsigned n, uint32_t flags)
{
    drop(first, n);
    struct vma *v = vma_alloc(&mm, page(first), page(first + n), flags);
    assert_non_null(v);
    vma_insert(&mm, v);
    vma_merge(&mm, page(first), page(first + n));
    for (unsigned i = first; i < first + n; i++)
        model[i] = flags;
}

/* The tree says of every page what the model says; neighbours that are equal
 * are one VMA; the counts are right. */
static void check(void)
{
    uint64_t total = 0, vmas = 0;
    struct vma *last = NULL;
    for (unsigned i = 0; i < PAGES; i++) {
        struct vma *v = vma_find(&mm, page(i));
        bool mapped = v && v->start <= page(i);
        assert_int_equal(mapped ? v->flags : 0, model[i]);
        assert_int_equal(vma_range_free(&mm, page(i), page(i + 1)), !mapped);
        total += mapped;
        if (mapped && v != last) {
            assert_false(last && last->end == v->start && last->flags == v->flags);
            if (vmas > 0)
                assert_ptr_equal(vma_prev(v), last);
            last = v;
            vmas++;
        }
    }
    assert_int_equal(mm.total_vm, total);
    assert_int_equal(mm.nvmas, vmas);
}

static void any_sequence_of_calls_agrees_with_the_model(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        unsigned first = shim_random() % PAGES, n = 1 + shim_random() % (PAGES - first);
        uint32_t flags = 1 + shim_random() % 7;
        n = n > 16 ? 1 + n % 16 : n;
        if (shim_random() % 3 == 0)
            drop(first, n);
        else
            map(first, n, flags);
        if (round % 16 == 0)
            check();
    }
    check();
}

static void a_split_keeps_the_file_page(void **state)
{
    (void)state;
    struct vma *v = vma_alloc(&mm, page(0), page(8), VM_READ);
    v->pgoff = 100;
    vma_insert(&mm, v);
    assert_int_equal(vma_split(&mm, page(3)), 0);
    struct vma *upper = vma_find(&mm, page(3));
    assert_int_equal(upper->start, page(3));
    assert_int_equal(upper->pgoff, 103);
    assert_int_equal(vma_file_page(upper, page(5)), 105);
    assert_int_equal(vma_split(&mm, page(3)), 0); /* at a border: nothing to do */
    assert_int_equal(mm.nvmas, 2);
}

static void no_memory_for_a_split_changes_nothing(void **state)
{
    (void)state;
    map(0, 8, VM_READ);
    shim_fail_after = 0;
    assert_int_equal(vma_split(&mm, page(4)), -ENOMEM);
    shim_fail_after = -1;
    check();
}

static void the_highest_gap_below_the_top_is_taken(void **state)
{
    (void)state;
    map(200, 10, VM_READ);
    map(180, 10, VM_READ);
    assert_int_equal(vma_gap(&mm, 10 * PAGE_SIZE, page(210)), page(190));
    assert_int_equal(vma_gap(&mm, 11 * PAGE_SIZE, page(210)), page(169));
    assert_int_equal(vma_gap(&mm, PAGE_SIZE, page(195)), page(194));
    assert_int_equal(vma_gap(&mm, PAGE_SIZE, page(205)), page(199));
}

static void a_stack_keeps_its_distance(void **state)
{
    (void)state;
    map(255, 1, VM_READ | VM_WRITE | VM_GROWSDOWN);
    assert_int_equal(vma_gap(&mm, PAGE_SIZE, TOP), page(255) - STACK_GAP - PAGE_SIZE);
}

static void above_the_top_when_nothing_is_below(void **state)
{
    (void)state;
    struct vma *v = vma_alloc(&mm, MMAP_MIN_ADDR, page(8), VM_READ);
    vma_insert(&mm, v);
    assert_int_equal(vma_gap(&mm, PAGE_SIZE, page(8)), page(8));
    v = vma_alloc(&mm, page(9), page(12), VM_READ);
    vma_insert(&mm, v);
    assert_int_equal(vma_gap(&mm, 2 * PAGE_SIZE, page(8)), page(12));
    assert_int_equal(vma_gap(&mm, 0x7fffffffe000ull, page(8)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_sequence_of_calls_agrees_with_the_model, start, finish),
        cmocka_unit_test_setup_teardown(a_split_keeps_the_file_page, start, finish),
        cmocka_unit_test_setup_teardown(no_memory_for_a_split_changes_nothing, start, finish),
        cmocka_unit_test_setup_teardown(the_highest_gap_below_the_top_is_taken, start, finish),
        cmocka_unit_test_setup_teardown(a_stack_keeps_its_distance, start, finish),
        cmocka_unit_test_setup_teardown(above_the_top_when_nothing_is_below, start, finish),
    };
    return cmocka_run_group_tests_name("vma", tests, NULL, NULL);
}
