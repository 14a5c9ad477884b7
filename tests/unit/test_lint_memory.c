/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* What the lint keeps is what lives: a trace of thousands of processes takes it no more memory at its
 * worst than one of a hundred. */
#include "lint_machine.h"

/* --- the heap, as the sanitizer's allocator sees it ------------------------------------------ */

/* From sanitizer/allocator_interface.h, which Debian's gcc comes without.  Not there where lines are
 * counted (tests/coverage). */
__attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *, size_t), void (*on_free)(const volatile void *));
__attribute__((weak)) size_t __sanitizer_get_allocated_size(const volatile void *p);

static size_t live, most;

static void on_malloc(const volatile void *p, size_t size)
{
    (void)p;
    live += size;
    most = live > most ? live : most;
}

static void on_free(const volatile void *p)
{
    if (p != NULL)
        live -= __sanitizer_get_allocated_size(p);
}

/* --- lives ----------------------------------------------------------------------------------- */

#define ROOT 5000u /* each has the same frames, one after the other */

static uint32_t table_of(unsigned level) { return ROOT + PT_LEVEL_PGD - level; }

static unsigned slot_of(unsigned level) { return level == PT_LEVEL_PMD; } /* BASE's */

static void memory_comes(uint32_t mm)
{
    EV(0, mm_create, mm, .root_pfn = ROOT);
    table(0, mm, ROOT, PT_LEVEL_PGD);
    write_at(0, mm, ROOT, KERNEL_SLOT, PT_LEVEL_PGD, PT_kernel_half, 0, LINK(11ull));
    for (unsigned level = PT_LEVEL_PUD; level >= PT_LEVEL_PTE; level--) {
        table(0, mm, table_of(level), level);
        write_at(0, mm, table_of(level + 1), slot_of(level + 1), level + 1, PT_table_link, 0,
                 LINK((uint64_t)table_of(level)));
    }
    write_va(0, mm, VA(TEXT), table_of(PT_LEVEL_PTE), TEXT, PT_LEVEL_PTE, PT_brk, 0, PAGE_X);
    EV(0, vma_special, mm, .start = VA(100), .end = VA(200), .flags = 8);
}

static void memory_goes(uint32_t mm)
{
    write_va(0, mm, VA(TEXT), table_of(PT_LEVEL_PTE), TEXT, PT_LEVEL_PTE, PT_exit_teardown, PAGE_X,
             0);
    for (unsigned level = PT_LEVEL_PTE; level < PT_LEVEL_PGD; level++) {
        write_at(0, mm, table_of(level + 1), slot_of(level + 1), level + 1, PT_table_unlink,
                 LINK((uint64_t)table_of(level)), 0);
        EV(0, table_free, mm, .va = level == PT_LEVEL_PTE ? BASE : 0, .table_pfn = table_of(level),
           .level = (uint8_t)level);
    }
    write_at(0, mm, ROOT, KERNEL_SLOT, PT_LEVEL_PGD, PT_exit_teardown, LINK(11ull), 0);
    EV(0, table_free, mm, .table_pfn = ROOT, .level = PT_LEVEL_PGD);
    EV(0, mm_free, mm, );
}

/* A child of task 1, with one page; it unmaps that and flushes nothing, since it ends. */
static void one_life(uint32_t pid, uint32_t mm)
{
    memory_comes(mm);
    clone_into(0, pid, mm);
    run(0, pid, mm);
    cr3(0, mm, ROOT);
    fault_at(0, mm, 1, 6);
    write_va(0, mm, VA(1), table_of(PT_LEVEL_PTE), 1, PT_LEVEL_PTE, PT_demand_zero, 0,
             PAGE_W(0x900));
    write_va(0, mm, VA(1), table_of(PT_LEVEL_PTE), 1, PT_LEVEL_PTE, PT_exit_teardown, PAGE_W(0x900),
             0);
    cr3(0, 1, ROOT_OF(1));
    memory_goes(mm);
    process_ends(pid, 0);
    parent_reaps(1, pid, 0);
}

static size_t most_of(unsigned lives)
{
    static struct lint_result r;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 2);
    boot(t);
    for (unsigned i = 0; i < lives; i++)
        one_life(100 + i, 50 + i);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    size_t before = live;
    most = live;
    lint_read(dir, &r);
    synth_remove(dir);
    for (unsigned c = 0; c < LINT_COUNT; c++)
        if (lint_verdict(&r, c) != LINT_PASS)
            fail_msg("%s: %s", lint_names[c], r.check[c].finding[0].text);
    return most - before;
}

static void test_memory(void **state_)
{
    (void)state_;
    if (__sanitizer_install_malloc_and_free_hooks == NULL) {
        print_message("# skipped: built without the sanitizer, which counts the bytes\n");
        skip();
    }
    assert_int_equal(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0, 1);
    size_t few = most_of(100), many = most_of(4000);
    print_message("# at most %zu bytes for 100 processes, %zu for 4000\n", few, many);
    assert_int_equal(few, many);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
