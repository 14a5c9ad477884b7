/* links: guest/lib/refcount.c */
/* A reference count that goes too far up sticks, whatever is put afterwards; a put too many is
 * a panic; and nobody gets a reference to what has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/refcount.h"

static jmp_buf panicked;

void panic(const char *fmt, ...)
{
    (void)fmt;
    longjmp(panicked, 1);
}

static void usual(void **state)
{
    struct refcount r;

    (void)state;
    ref_init(&r, 1);
    ref_get(&r);
    assert_int_equal(ref_read(&r), 2);
    assert_false(ref_put(&r));
    assert_true(ref_get_unless_dead(&r));
    assert_false(ref_put(&r));
    assert_true(ref_put(&r));
    assert_false(ref_get_unless_dead(&r));
    assert_int_equal(ref_read(&r), 0);
}

static void sticks(void **state)
{
    struct refcount r;

    (void)state;
    ref_init(&r, 0x7ffffffe);
    ref_get(&r);
    assert_int_equal(ref_read(&r), 0x7fffffff);
    ref_get(&r);
    assert_int_equal(ref_read(&r), REF_STUCK);
    for (int i = 0; i < 1000; i++)
        assert_false(ref_put(&r));
    assert_int_equal(ref_read(&r), REF_STUCK);
    for (int i = 0; i < 1000; i++)
        ref_get(&r);
    assert_int_equal(ref_read(&r), REF_STUCK);
    assert_true(ref_get_unless_dead(&r));
    assert_int_equal(ref_read(&r), REF_STUCK);
}

static void too_many_puts(void **state)
{
    static struct refcount r;

    (void)state;
    ref_init(&r, 1);
    assert_true(ref_put(&r));
    if (setjmp(panicked) == 0) {
        ref_put(&r);
        fail_msg("a put too many was not noticed");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual),
        cmocka_unit_test(sticks),
        cmocka_unit_test(too_many_puts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
