/* links: vmm/trace/export/text.c */
/* Names that a guest chose, in each format: what means something there is escaped, and what is
 * written is UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/trace/export/text.h"

typedef void writer(FILE *out, const char *s, size_t n);

static void expect(writer *w, const char *from, size_t n, const char *want)
{
    char *got;
    size_t size;
    FILE *out = open_memstream(&got, &size);
    w(out, from, n);
    fclose(out);
    assert_string_equal(got, want);
    free(got);
}
#define EXPECT(w, from, want) expect(w, from, sizeof(from) - 1, want)

static void json(void **state)
{
    (void)state;
    EXPECT(text_json, "sh", "\"sh\"");
    EXPECT(text_json, "a\"b\\c", "\"a\\\"b\\\\c\"");
    EXPECT(text_json, "</script>", "\"\\u003c/script\\u003e\"");
    EXPECT(text_json, "a\nb\tc\x7f", "\"a\\u000ab\\u0009c\\u007f\"");
    EXPECT(text_json, "a\0b", "\"a\\u0000b\"");
    EXPECT(text_json, "\xe2\x80\xa8", "\"\\u2028\"");
    EXPECT(text_json, "\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\"");
}

/* One replacement for each byte that is no part of a character. */
#define R "\xef\xbf\xbd"
static void invalid(void **state)
{
    (void)state;
    EXPECT(text_plain, "\xff", R);
    EXPECT(text_plain, "a\xc3", "a" R);              /* cut off */
    EXPECT(text_plain, "\xc0\xaf", R R);             /* overlong "/" */
    EXPECT(text_plain, "\xe0\x80\xaf", R R R);       /* the same in three */
    EXPECT(text_plain, "\xed\xa0\x80", R R R);       /* a surrogate */
    EXPECT(text_plain, "\xf4\x90\x80\x80", R R R R); /* above U+10FFFF */
    EXPECT(text_plain, "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
    EXPECT(text_plain, "\xe2\x28\xa1", R "(" R);
    EXPECT(text_json, "\x80\"", "\"" R "\\\"\"");
}

static void csv(void **state)
{
    (void)state;
    EXPECT(text_csv, "=1+1", "\"=1+1\"");
    EXPECT(text_csv, "say \"hi\", you\r\n", "\"say \"\"hi\"\", you\r\n\"");
    EXPECT(text_csv, "", "\"\"");
}

static void graphs(void **state)
{
    (void)state;
    EXPECT(text_dot, "a\"b\\n", "\"a\\\"b\\\\n\"");
    EXPECT(text_dot, "a\nb", "\"a" R "b\"");
    EXPECT(text_mermaid, "sh[2] > ls", "\"sh[2] > ls\"");
    EXPECT(text_mermaid, "a\"]-->b#;<b>", "\"a#34;]-->b#35;#59;#60;b>\"");
    EXPECT(text_mermaid, "a\nb", "\"a#65533;b\"");
}

static void folded(void **state)
{
    (void)state;
    EXPECT(text_folded, "a;b\nc 1", "a?b?c 1");
    EXPECT(text_folded, "\xc2\x85", "?"); /* U+0085, a line end to some */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),   cmocka_unit_test(invalid), cmocka_unit_test(csv),
        cmocka_unit_test(graphs), cmocka_unit_test(folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
