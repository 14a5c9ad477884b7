/* links: guest/lib/printf.c */
/* The kernel's printf says what the C library's says, for every conversion it
 * has, with every combination of flags, and cuts where snprintf cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/printf.h"

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-truncation"

/* Both, into `room` bytes; the rest of the buffer stays untouched. */
#define SAME_IN(room, fmt, ...) \
    do { \
        char want_[300], got_[300]; \
        memset(want_, 'x', sizeof(want_)); \
        memset(got_, 'x', sizeof(got_)); \
        int w_ = snprintf(want_, (room), fmt, __VA_ARGS__); \
        int g_ = ksnprintf(got_, (room), fmt, __VA_ARGS__); \
        if (w_ != g_ || memcmp(want_, got_, sizeof(want_)) != 0) \
            fail_msg("\"%s\": %d \"%.*s\", not %d \"%.*s\"", (fmt), g_, 80, got_, w_, 80, want_); \
    } while (0)
#define SAME(fmt, ...) SAME_IN(300, fmt, __VA_ARGS__)

static const char *const widths[] = { "", "1", "5", "12" };
static const char *const precisions[] = { "", ".", ".0", ".1", ".7" };

/* Every subset of the flags that means something for integers. */
static void integers(void **state)
{
    static const char flags[] = "-0+ #";
    static const long long values[] = { 0,    1,     -1,        7,         8,         255,
                                        -129, 65536, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN };
    static const char *const sizes[] = { "hh", "h", "", "l", "ll" };
    (void)state;
    for (unsigned set = 0; set < 32; set++)
        for (unsigned w = 0; w < 4; w++)
            for (unsigned p = 0; p < 5; p++)
                for (unsigned c = 0; c < 5; c++)
                    for (unsigned s = 0; s < 5; s++) {
                        char fmt[32] = "%", *f = fmt + 1;
                        for (unsigned i = 0; i < 5; i++)
                            if (set >> i & 1)
                                *f++ = flags[i];
                        sprintf(f, "%s%s%s%c", widths[w], precisions[p], sizes[s], "duxXo"[c]);
                        for (unsigned v = 0; v < sizeof(values) / sizeof(values[0]); v++)
                            SAME(fmt, values[v]);
                    }
}

static void strings(void **state)
{
    (void)state;
    for (unsigned w = 0; w < 4; w++)
        for (unsigned p = 0; p < 5; p++)
            for (unsigned left = 0; left < 2; left++) {
                char fmt[32];
                sprintf(fmt, "[%%%s%s%ss]", left ? "-" : "", widths[w], precisions[p]);
                SAME(fmt, "");
                SAME(fmt, "forkscope");
            }
    SAME("%c%5c%-5c|", 'a', 'b', 'c');
    SAME("%p", (void *)0x123abc);
    SAME("100%% of %s", "it");
}

/* .2s of an array without a NUL looks at two bytes. */
static void precision_bounds_the_read(void **state)
{
    char *two = malloc(2), out[8];
    (void)state;
    memcpy(two, "ab", 2);
    assert_int_equal(ksnprintf(out, sizeof(out), "%.2s", two), 2);
    assert_string_equal(out, "ab");
    free(two);
}

static void arguments_for_width(void **state)
{
    (void)state;
    SAME("%*d|%-*d|%.*d", 6, 42, 6, 42, 4, 42);
    SAME("%*d|%.*s", -6, 42, 3, "abcdef");
    SAME("%.*d", -1, 0);
    SAME("%zu %zd", (size_t)-1, (ssize_t)-1);
}

static void cut(void **state)
{
    (void)state;
    for (size_t room = 0; room < 20; room++) {
        SAME_IN(room, "%s-%05d", "abcdef", 42);
        SAME_IN(room, "%12s", "right");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(strings),
        cmocka_unit_test(precision_bounds_the_read),
        cmocka_unit_test(arguments_for_width),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
