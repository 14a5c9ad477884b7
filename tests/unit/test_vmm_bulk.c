/* links: vmm/bulk.c */
/* Large moves are memmove in pieces, whatever overlaps, and end soon when the VM is to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/bulk.h"

#define SIZE (3 * (size_t)BULK_PIECE + 12345)

static uint8_t *fill(size_t n)
{
    uint8_t *p = malloc(n);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    return p;
}

static void overlaps_move_like_memmove(void **state)
{
    static const size_t apart[] = { 0, 1, 4096, BULK_PIECE - 1, BULK_PIECE, BULK_PIECE + 1, SIZE };
    static struct stop stop;
    (void)state;
    for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
        for (int back = 0; back < 2; back++) {
            size_t from = back ? apart[i] : 0, to = back ? 0 : apart[i];
            uint8_t *got = fill(2 * SIZE), *want = fill(2 * SIZE);
            bulk_move(&stop, got + to, got + from, SIZE);
            memmove(want + to, want + from, SIZE);
            assert_memory_equal(got, want, 2 * SIZE);
            free(got);
            free(want);
        }
    }
}

static void clears_all_of_it_and_no_more(void **state)
{
    static struct stop stop;
    (void)state;
    uint8_t *p = fill(SIZE + 2), *zeros = calloc(1, SIZE);
    p[0] = p[SIZE + 1] = 7;
    bulk_clear(&stop, p + 1, SIZE);
    assert_memory_equal(p + 1, zeros, SIZE);
    assert_int_equal(p[0], 7);
    assert_int_equal(p[SIZE + 1], 7);
    free(p);
    free(zeros);
}

static void a_stop_ends_both(void **state)
{
    static struct stop stop = { .asked = true };
    (void)state;
    uint8_t *p = fill(SIZE), *before = fill(SIZE);
    bulk_clear(&stop, p, SIZE);
    bulk_move(&stop, p, p + 1, SIZE - 1);
    bulk_move(&stop, p + 1, p, SIZE - 1);
    assert_memory_equal(p, before, SIZE);
    free(p);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps_move_like_memmove),
        cmocka_unit_test(clears_all_of_it_and_no_more),
        cmocka_unit_test(a_stop_ends_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
