/* links: tests/unit/kernel_shim.c guest/fs/pages.c */
/* The index of a file's pages: it holds what was put in, near zero and at the
 * far end, gives it back in order, loses exactly the range that is dropped, and
 * frees everything; without memory it stays right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel_shim.h"
#include "fs/pages.h"

#define LAST (1ull << 51) /* the last page that a file can have */

static void put(struct page_index **x, uint64_t i)
{
    assert_int_equal(pages_get(*x, i), 0);
    assert_int_equal(pages_set(x, i, frame_alloc()), 0);
}

static void small_file_is_cheap(void **state)
{
    struct page_index *x = NULL;

    (void)state;
    put(&x, 0);
    assert_int_equal(shim_objects(), 1);
    assert_true(pages_get(x, 0) != 0);
    assert_int_equal(pages_get(x, 1), 0);
    assert_int_equal(pages_drop(&x, 0, UINT64_MAX), 1);
    assert_null(x);
    assert_int_equal(shim_objects(), 0);
    assert_int_equal(shim_frames(), 0);
}

static void far_and_near(void **state)
{
    static const uint64_t at[] = { 0, 1, 63, 64, 4095, 4096, 1ull << 30, LAST };
    struct page_index *x = NULL;
    uint64_t i = 0;

    (void)state;
    for (unsigned k = ARRAY_SIZE(at); k-- > 0;)
        put(&x, at[k]);
    for (unsigned k = 0; k < ARRAY_SIZE(at); k++, i++) {
        assert_true(pages_get(x, at[k]) != 0);
        assert_int_equal(pages_next(x, &i), pages_get(x, at[k]));
        assert_int_equal(i, at[k]);
    }
    assert_int_equal(pages_next(x, &i), 0);
    assert_int_equal(pages_drop(&x, 64, 4095), 2);
    assert_int_equal(pages_get(x, 64), 0);
    assert_true(pages_get(x, 4096) != 0);
    assert_int_equal(pages_drop(&x, 1, UINT64_MAX), 5);
    assert_true(pages_get(x, 0) != 0);
    assert_int_equal(pages_drop(&x, 0, UINT64_MAX), 1);
    assert_int_equal(shim_objects(), 0);
    assert_int_equal(shim_frames(), 0);
}

/* Against a plain array. */
static void random_operations(void **state)
{
    enum { N = 10000 };
    static pfn_t model[N];
    struct page_index *x = NULL;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint64_t i = (uint64_t)shim_random() % N;

        if (shim_random() % 50 == 0) {
            uint64_t last = i + (uint64_t)shim_random() % 300, gone = 0;

            for (uint64_t k = i; k <= last && k < N; k++) {
                gone += model[k] != 0;
                model[k] = 0;
            }
            assert_int_equal(pages_drop(&x, i, last), gone);
        } else if (!model[i]) {
            model[i] = frame_alloc();
            assert_int_equal(pages_set(&x, i, model[i]), 0);
        }
        i = (uint64_t)shim_random() % N;
        assert_int_equal(pages_get(x, i), model[i]);
        pfn_t found = pages_next(x, &i);
        if (found)
            assert_int_equal(found, model[i]);
    }
    pages_drop(&x, 0, UINT64_MAX);
    assert_int_equal(shim_objects(), 0);
    assert_int_equal(shim_frames(), 0);
}

static void no_memory(void **state)
{
    (void)state;
    for (long n = 0; n < 12; n++) {
        struct page_index *x = NULL;
        pfn_t pfn;

        put(&x, 0);
        pfn = frame_alloc();
        shim_fail_after = n;
        int err = pages_set(&x, LAST, pfn);
        shim_fail_after = -1;
        assert_true(pages_get(x, 0) != 0);
        assert_int_equal(pages_get(x, LAST), err ? 0 : pfn);
        if (err)
            frame_put(pfn);
        pages_drop(&x, 0, UINT64_MAX);
        assert_int_equal(shim_objects(), 0);
        assert_int_equal(shim_frames(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_file_is_cheap),
        cmocka_unit_test(far_and_near),
        cmocka_unit_test(random_operations),
        cmocka_unit_test(no_memory),
    };

    shim_init();
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
