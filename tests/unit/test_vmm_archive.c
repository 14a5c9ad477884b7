/* links: vmm/archive.c images/cpio.c */
/* A root image is looked through before a kernel gets it: one that is cut off anywhere is refused, and
 * no damage makes the look go astray.  (The address sanitizer watches; the image ends with its memory.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "images/cpio.h"
#include "vmm/archive.h"

static char *image;
static size_t bytes;

static int setup(void **state)
{
    (void)state;
    struct stat dir = { .st_mode = S_IFDIR | 0755 }, link = { .st_mode = S_IFLNK | 0777 };
    struct stat file = { .st_mode = S_IFREG | 0644 };
    static char data[5000] = "x";
    FILE *out = open_memstream(&image, &bytes);
    struct cpio *c = cpio_open(out);
    assert_int_equal(cpio_entry(c, "/dir", &dir, NULL, 0), 0);
    assert_int_equal(cpio_entry(c, "/dir/small", &file, "text", 4), 0);
    assert_int_equal(cpio_entry(c, "/dir/large", &file, data, sizeof(data)), 0);
    assert_int_equal(cpio_entry(c, "/link", &link, "dir/small", 9), 0);
    assert_int_equal(cpio_close(c), 0);
    fclose(out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(image);
    return 0;
}

static bool is_fine(const char *at, size_t n)
{
    struct archive a;
    uint8_t *copy = malloc(n != 0 ? n : 1); /* of just that size */
    memcpy(copy, at, n);
    archive_look(&a, copy, n);
    free(copy);
    return a.wrong == NULL && a.at == n && a.entries > 0 && !a.open;
}

static void a_whole_archive_is_fine_and_so_are_two(void **state)
{
    (void)state;
    struct archive a;
    assert_true(is_fine(image, bytes));
    archive_look(&a, (const uint8_t *)image, bytes);
    assert_int_equal(a.entries, 5);
    assert_int_equal(a.copied, 4096); /* the small file: a page of the large one lies right */
    char *two = malloc(2 * bytes);
    memcpy(two, image, bytes);
    memcpy(two + bytes, image, bytes);
    assert_true(is_fine(two, 2 * bytes));
    free(two);
}

static void one_that_is_cut_off_is_not(void **state)
{
    (void)state;
    size_t trailer = 0; /* behind its name there are zeros only */
    for (size_t i = 0; i + 11 < bytes; i++)
        if (memcmp(image + i, "TRAILER!!!", 11) == 0)
            trailer = i;
    assert_true(trailer > 0);
    for (size_t n = 0; n < trailer + 11; n++)
        if (is_fine(image, n))
            fail_msg("fine when cut to %zu bytes", n);
    for (size_t n = (trailer + 11 + 3) & ~(size_t)3; n <= bytes; n++)
        assert_true(is_fine(image, n));
}

static void damage_is_survived(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (size_t i = 0; i < 30000; i++) {
        char *bad = malloc(bytes);
        memcpy(bad, image, bytes);
        for (unsigned k = 0; k < 1 + i % 3; k++) {
            seed = seed * 1103515245 + 12345;
            size_t at = (seed >> 8) % (i % 2 == 0 ? bytes : 700);
            bad[at] = "0fF8\xff/."[(seed >> 4) % 8];
        }
        is_fine(bad, bytes);
        free(bad);
    }
}

static void names_stay_inside(void **state)
{
    (void)state;
    char *name = memmem(image, bytes, "dir/small", 9);
    assert_non_null(name);
    memcpy(name, "../xsmall", 9);
    assert_false(is_fine(image, bytes));
    memcpy(name, "..xxsmall", 9);
    assert_true(is_fine(image, bytes));
    memcpy(name, "x/y/../zz", 9);
    assert_false(is_fine(image, bytes));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_archive_is_fine_and_so_are_two),
        TEST(one_that_is_cut_off_is_not),
        TEST(damage_is_survived),
        TEST(names_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
