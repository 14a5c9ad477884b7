/* links: vmm/image.c vmm/gmem.c */
/* A kernel's packed relative relocations move exactly the words that they name, and none outside
 * of the image: whatever they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/image.h"

#define LINKED 0xffffffff80100000ull
#define PLACED 0x100000u
#define BYTES  0x2000u
#define LIST   0x1000u /* where the relocations are in the image */
#define SHIFT  (1ull << 47)

/* All words of an image hold 7 but for the list; how many are moved then, and the phrase. */
static unsigned moved(const uint64_t *list, unsigned n, uint64_t at, const char **wrong)
{
    struct image im = { .has_ring3 = true,
                        .ring3_shift = SHIFT,
                        .relr = at,
                        .relr_bytes = n * 8ull,
                        .nseg = 1,
                        .seg = { { .vaddr = LINKED, .paddr = PLACED, .memsz = BYTES } } };
    struct gmem *mem;
    assert_int_equal(gmem_create(&mem, 8 << 20), 0);
    uint64_t *word = gmem_span(mem, PLACED, BYTES);
    for (unsigned i = 0; i < LIST / 8; i++)
        word[i] = 7;
    memcpy(word + LIST / 8, list, n * sizeof(*list));
    *wrong = image_move_to_ring3(&im, mem);
    unsigned count = 0;
    for (unsigned i = 0; i < LIST / 8; i++) {
        assert_true(word[i] == 7 || word[i] == 7 + SHIFT);
        count += word[i] != 7;
    }
    assert_memory_equal(word + LIST / 8, list, n * sizeof(*list));
    gmem_destroy(mem);
    return count;
}

static void words_that_are_named_are_moved(void **state)
{
    (void)state;
    /* an address, then which of the 63 behind it, then of the 63 behind those; another address */
    const uint64_t list[] = { LINKED + 16, (5 << 1) | 1, (1ull << 63) | 1, LINKED + 0xff8 };
    const char *wrong;
    assert_int_equal(moved(list, 4, LINKED + LIST, &wrong), 5);
    assert_null(wrong);
    assert_int_equal(moved(list, 1, LINKED + LIST, &wrong), 1);
    assert_null(wrong);
    assert_int_equal(moved(list, 0, LINKED + LIST, &wrong), 0);
    assert_null(wrong);
}

static void nothing_outside_is_touched(void **state)
{
    (void)state;
    static const uint64_t bad[] = {
        LINKED - 8, LINKED + BYTES, LINKED + BYTES - 4, 0, 0x7ffffffffffffff8, PLACED, LINKED + 2,
        3, /* a map without an address before it */
    };
    const char *wrong;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(moved(&bad[i], 1, LINKED + LIST, &wrong), 0);
        assert_non_null(wrong);
    }
    const uint64_t good[] = { LINKED, LINKED + 8 };
    for (uint64_t at = LINKED + BYTES - 8; at < LINKED + BYTES + 8; at += 4) { /* the list's end */
        moved(good, 0, at, &wrong);
        assert_null(wrong);
    }
    struct image im = { .relr = LINKED + BYTES - 8,
                        .relr_bytes = 16,
                        .nseg = 1,
                        .seg = { { .vaddr = LINKED, .paddr = PLACED, .memsz = BYTES } } };
    struct gmem *mem;
    assert_int_equal(gmem_create(&mem, 8 << 20), 0);
    memcpy(gmem_span(mem, PLACED + BYTES - 8, 8), good, 8);
    assert_non_null(image_move_to_ring3(&im, mem));
    gmem_destroy(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_are_named_are_moved),
        cmocka_unit_test(nothing_outside_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
