/* links: guest/lib/cmdline.c */
/* The command line is read as Linux reads it: what goes to init as argument and
 * environment, what stays with the kernel, and how quotes group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/cmdline.h"

size_t strlcpy(char *to, const char *from, size_t room);
size_t strlcpy(char *to, const char *from, size_t room)
{
    size_t n = strlen(from);
    if (room > 0) {
        memcpy(to, from, n < room ? n + 1 : room - 1);
        to[n < room ? n : room - 1] = '\0';
    }
    return n;
}

/* Both buffers have exactly the bytes they may use: the sanitizer watches. */
static char *line, *words;
static void parse(const char *text)
{
    free(line);
    free(words);
    line = strdup(text);
    words = malloc(strlen(text) + 1);
    cmdline_parse(line, words);
}

static void args_are(unsigned n, const char *const *want)
{
    assert_int_equal(cmdline.nargs, n);
    for (unsigned i = 0; i < n; i++)
        assert_string_equal(cmdline.argv[1 + i], want[i]);
    assert_null(cmdline.argv[1 + n]);
}
#define ARGS(...) \
    args_are(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
             (const char *[]){ __VA_ARGS__ })

static void empty(void **state)
{
    (void)state;
    parse("");
    args_are(0, NULL);
    assert_null(cmdline.init);
    assert_string_equal(cmdline.envp[0], "HOME=/");
    assert_string_equal(cmdline.envp[1], "TERM=linux");
    assert_null(cmdline.envp[2]);
    parse("  \t ");
    args_are(0, NULL);
}

static void init_and_arguments(void **state)
{
    (void)state;
    parse("init=/bin/run single -- sh -c x=1 --");
    assert_string_equal(cmdline.init, "/bin/run");
    ARGS("single", "sh", "-c", "x=1", "--");
}

static void environment(void **state)
{
    (void)state;
    parse("TERM=xterm FOO=bar FOO=baz -- A=b");
    assert_string_equal(cmdline.envp[0], "HOME=/");
    assert_string_equal(cmdline.envp[1], "TERM=xterm");
    assert_string_equal(cmdline.envp[2], "FOO=baz");
    assert_null(cmdline.envp[3]);
    ARGS("A=b");
}

static void kernel_words(void **state)
{
    char v[8];
    (void)state;
    parse(
        "quiet console=ttyS0 tty.rows=24 tty.rows=50 net.flag root=/dev/x path=a.b -- tty.cols=9");
    ARGS("tty.cols=9");
    assert_string_equal(cmdline.envp[2], "path=a.b");
    assert_true(cmdline_value("tty.rows", v, sizeof(v)));
    assert_string_equal(v, "50");
    assert_false(cmdline_value("tty.cols", v, sizeof(v)));
    assert_true(cmdline_value("console", v, 4));
    assert_string_equal(v, "tty");
}

static void quotes(void **state)
{
    (void)state;
    parse("-- \"a b\" c\"d e\"f \"\" \"say \\\"hi\\\"\" \"back\\\\slash\" \"tab\\t\" out\\side "
          "\"new\nline\"");
    ARGS("a b", "cd ef", "", "say \"hi\"", "back\\slash", "tab\\t", "out\\side", "new\nline");
    parse("\"--\" x \"unterminated y");
    ARGS("--", "x", "unterminated y");
    parse("\"init=/a b\" init=\"/c d\"");
    assert_string_equal(cmdline.init, "/c d");
    parse("init=/a rdinit=/b");
    assert_string_equal(cmdline.init, "/b");
    assert_null(cmdline.argv[1]);
}

static void too_many(void **state)
{
    char text[6000] = "--";
    (void)state;
    for (int i = 0; i < CMDLINE_ARGS_MAX; i++)
        strcat(text, " word");
    parse(text);
    assert_false(cmdline.too_many);
    for (int i = 0; i < 10; i++)
        strcat(text, " word");
    parse(text);
    assert_true(cmdline.too_many);
    assert_int_equal(cmdline.nargs, CMDLINE_ARGS_MAX);
    assert_null(cmdline.argv[1 + CMDLINE_ARGS_MAX]);
    free(line);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),       cmocka_unit_test(init_and_arguments),
        cmocka_unit_test(environment), cmocka_unit_test(kernel_words),
        cmocka_unit_test(quotes),      cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
