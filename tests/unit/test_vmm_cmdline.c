/* links: vmm/cmdline.c */
/* The kernel command line: words that need it are quoted so that the kernel
 * finds the same words again, and the limits are kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/cmdline.h"

static void expect(char **command, const char *append, const char *line)
{
    struct cmdline_parts parts = { .append = append, .command = command };
    char *out = NULL;
    assert_int_equal(cmdline_build(&out, &parts), 0);
    assert_string_equal(out, line);
    free(out);
}

static void words_are_quoted_when_needed(void **state)
{
    (void)state;
    expect((char *[]){ "sh", "-c", "exit 7", NULL }, NULL, "init=/bin/run -- sh -c \"exit 7\"");
    expect((char *[]){ "", "a\\b", "a\\ b", "q\"q", "x\ny", "--", NULL }, NULL,
           "init=/bin/run -- \"\" a\\b \"a\\\\ b\" \"q\\\"q\" \"x\ny\" --");
    expect(NULL, "quiet x=\"a b\"", "quiet x=\"a b\"");
    expect(NULL, NULL, "");
}

static void terminal_words_come_first(void **state)
{
    (void)state;
    struct cmdline_parts parts = {
        .term = "xterm-256color", .rows = 24, .cols = 80, .append = "a"
    };
    char *out = NULL;
    assert_int_equal(cmdline_build(&out, &parts), 0);
    assert_string_equal(out, "TERM=xterm-256color tty.rows=24 tty.cols=80 a");
    free(out);
    parts = (struct cmdline_parts){ .once = true, .append = "tty.once=0" };
    assert_int_equal(cmdline_build(&out, &parts), 0);
    assert_string_equal(out, "tty.once=1 tty.once=0"); /* the last one counts */
    free(out);
    parts = (struct cmdline_parts){ .rows = 24, .cols = 80, .append = "a" };
    parts.term = "bad term";
    assert_int_equal(cmdline_build(&out, &parts), 0);
    assert_string_equal(out, "tty.rows=24 tty.cols=80 a");
    free(out);
}

static void end_of_kernel_words_is_found(void **state)
{
    (void)state;
    assert_true(cmdline_has_end("a -- b"));
    assert_true(cmdline_has_end("--"));
    assert_true(cmdline_has_end("x=\"a\\\"b\" --"));
    assert_false(cmdline_has_end("a \"--\" b"));
    assert_false(cmdline_has_end("a=\"b -- c\""));
    assert_false(cmdline_has_end("a --b"));
    char *out = NULL;
    struct cmdline_parts parts = { .append = "a -- b", .command = (char *[]){ "ls", NULL } };
    assert_int_equal(cmdline_build(&out, &parts), -EINVAL);
}

static void a_line_has_a_limit(void **state)
{
    (void)state;
    char *out = NULL, *word = malloc(CMDLINE_MAX + 2);
    struct cmdline_parts parts = { .append = word };
    memset(word, 'x', CMDLINE_MAX + 1);
    word[CMDLINE_MAX + 1] = '\0';
    assert_int_equal(cmdline_build(&out, &parts), -E2BIG);
    word[CMDLINE_MAX] = '\0';
    assert_int_equal(cmdline_build(&out, &parts), 0);
    free(out);
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_quoted_when_needed),
        cmocka_unit_test(terminal_words_come_first),
        cmocka_unit_test(end_of_kernel_words_is_found),
        cmocka_unit_test(a_line_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
