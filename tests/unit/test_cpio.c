/* links: guest/fs/cpio.c */
/* The newc reader: what a packer wrote comes back, zeros between entries and
 * archives one after another are fine, and no input makes it read outside: each
 * archive lies in memory of exactly its size, and the sanitizer watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fs/cpio.h"

static size_t entry(char *to, size_t at, const char *name, unsigned mode, const char *data,
                    unsigned namesize)
{
    unsigned len = data ? (unsigned)strlen(data) : 0;
    size_t n =
        (size_t)sprintf(to + at, "070701%08x%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 7,
                        mode, 0xabcdef, 0x89, 1, 0x5f5e0ff, len, 8, 1, 4, 64, namesize, 0);

    memset(to + at + n, 0, namesize);
    memcpy(to + at + n, name, strlen(name));
    at += n + namesize;
    while (at & 3)
        to[at++] = 0;
    memcpy(to + at, data ? data : "", len);
    at += len;
    while (at & 3)
        to[at++] = 0;
    return at;
}

/* Runs over all entries in a copy of exactly n bytes; touches what they say. */
static int walk(const char *archive, size_t n, unsigned *entries)
{
    char *copy = malloc(n ? n : 1);
    struct cpio_reader r;
    struct cpio_entry e;
    volatile unsigned char seen;
    int ret;

    memcpy(copy, archive, n);
    cpio_open(&r, copy, n);
    for (*entries = 0; (ret = cpio_next(&r, &e)) == 1; ++*entries) {
        struct cpio_attributes a;
        struct cpio_identity id;
        struct cpio_run run;

        cpio_attributes(e.header, &a);
        cpio_identity(e.header, &id);
        if (cpio_run_at(&r, &e, &run))
            assert_true(run.first + (size_t)run.n * run.bytes <= copy + n);
        assert_true(strlen(e.name) == e.name_len);
        for (size_t i = 0; i < e.size; i++)
            seen = (unsigned char)e.data[i];
        assert_true(e.data + e.size <= copy + n && e.next <= copy + n);
    }
    (void)seen;
    free(copy);
    return ret;
}

static void reads_entries(void **state)
{
    static char buf[65536];
    struct cpio_attributes a;
    struct cpio_identity id;
    struct cpio_reader r;
    struct cpio_entry e;
    size_t n = entry(buf, 0, "bin", 040755, NULL, 4);

    (void)state;
    n = entry(buf, n, "bin/sh", 0120777, "busybox", 7);
    n += 100;                                              /* zeros between entries */
    n = entry(buf, n, "etc/motd", 0100644, "hello", 1000); /* a padded name */
    n = entry(buf, n, "TRAILER!!!", 0, NULL, 11);
    n += 512;
    n = entry(buf, n, "second", 0100600, NULL, 7); /* another archive */
    n = entry(buf, n, "TRAILER!!!", 0, NULL, 11);
    cpio_open(&r, buf, n);
    assert_int_equal(cpio_next(&r, &e), 1);
    assert_string_equal(e.name, "bin");
    assert_int_equal(e.mode, 040755);
    assert_int_equal(cpio_next(&r, &e), 1);
    assert_string_equal(e.name, "bin/sh");
    assert_int_equal(e.size, 7);
    assert_memory_equal(e.data, "busybox", 7);
    cpio_attributes(e.header, &a);
    assert_int_equal(a.uid, 0xabcdef);
    assert_int_equal(a.gid, 0x89);
    assert_int_equal(a.mtime, 0x5f5e0ff);
    cpio_identity(e.header, &id);
    assert_int_equal(id.ino, 7);
    assert_int_equal(id.rdev, 4 << 8 | 64);
    assert_int_equal(cpio_next(&r, &e), 1);
    assert_string_equal(e.name, "etc/motd");
    assert_int_equal(e.name_len, 8);
    assert_memory_equal(e.data, "hello", 5);
    assert_int_equal(cpio_next(&r, &e), 1);
    assert_string_equal(e.name, "second");
    assert_int_equal(cpio_next(&r, &e), 0);
}

/* An archive behind the zeros of another is found wherever it begins, be there a header or the end
 * of it all at the next page or not. */
static void finds_what_is_appended(void **state)
{
    static char buf[3 * 4096], want[] = "second";
    unsigned entries;

    (void)state;
    for (size_t gap = 4; gap < 4096; gap += 4)
        for (int third = 0; third < 2; third++) {
            memset(buf, 0, sizeof(buf));
            size_t n = entry(buf, 0, "first", 0100644, "data", 6);
            n = entry(buf, n, "TRAILER!!!", 0, NULL, 11);
            n = entry(buf, n + gap, want, 0100600, NULL, sizeof(want));
            n = entry(buf, n, "TRAILER!!!", 0, NULL, 11);
            n = (n + 4095) & ~4095ul;
            if (third)
                n = entry(buf, n, "third", 0100600, NULL, 6);
            assert_int_equal(walk(buf, n, &entries), 0);
            assert_int_equal(entries, 2 + third);
        }
}

/* What pads data to a multiple of four is skipped, whatever it is: Linux does not look at it. */
static void padding_may_be_anything(void **state)
{
    static char buf[4096];
    struct cpio_reader r;
    struct cpio_entry e;
    size_t n = entry(buf, 0, "a", 0100644, "12345", 2);

    (void)state;
    memset(buf + n - 3, 'x', 3);
    n += 200; /* zeros, and no header next to it */
    n = entry(buf, n, "b", 0100644, "67", 2);
    memset(buf + n - 2, 'y', 2);
    n = entry(buf, n, "TRAILER!!!", 0, NULL, 11);
    cpio_open(&r, buf, n);
    assert_int_equal(cpio_next(&r, &e), 1);
    assert_string_equal(e.name, "a");
    assert_int_equal(cpio_next(&r, &e), 1);
    assert_string_equal(e.name, "b");
    assert_int_equal(e.size, 2);
    assert_int_equal(cpio_next(&r, &e), 0);
}

static void refuses_nonsense(void **state)
{
    static char buf[4096], bad[4096];
    static const struct {
        int at;
        const char *text;
    } edits[] = {
        { 0, "070700" },    { 0, "x" },         { 54, "ffffffff" }, { 94, "00000000" },
        { 94, "7fffffff" }, { 54, "0000000g" }, { 54, "000000:0" }, { 54, "000000@0" },
        { 94, "0000000`" }, { 14, "000 0000" },
    };
    size_t n = entry(buf, 0, "name", 0100644, "data", 5);
    unsigned entries;

    (void)state;
    assert_int_equal(walk(buf, n, &entries), 0);
    assert_int_equal(entries, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(edits); i++) {
        memcpy(bad, buf, n);
        memcpy(bad + edits[i].at, edits[i].text, strlen(edits[i].text));
        assert_int_equal(walk(bad, n, &entries), -EINVAL);
    }
    for (size_t cut = 1; cut < n; cut++)
        assert_int_equal(walk(buf, cut, &entries), -EINVAL);
}

static void survives_anything(void **state)
{
    static char buf[8192], bad[8192];
    size_t n = entry(buf, 0, "a/b", 040755, NULL, 4);
    unsigned entries;

    (void)state;
    n = entry(buf, n, "c", 0100644, "0123456789", 2);
    n = entry(buf, n, "TRAILER!!!", 0, NULL, 11);
    srand(2);
    for (int round = 0; round < 50000; round++) {
        memcpy(bad, buf, n);
        for (int k = rand() % 6; k >= 0; k--)
            bad[rand() % (int)n] = rand() % 3 ? "0123456789abcdefF"[rand() % 17] : (char)rand();
        walk(bad, n - (size_t)rand() % 8, &entries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_entries),           cmocka_unit_test(finds_what_is_appended),
        cmocka_unit_test(padding_may_be_anything), cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(survives_anything),
    };

    return cmocka_run_group_tests_name("cpio", tests, NULL, NULL);
}
