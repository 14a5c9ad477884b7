/* links: guest/tty/ldisc.c */
/* The line discipline: what is typed becomes lines, echo, signals; what is
 * written becomes what the terminal shows.  Expected values are Linux's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <asm/signal.h>
#include <cmocka.h>

#include "tty/ldisc.h"

static struct ldisc l;
static char screen[16384]; /* all that was echoed or written, processed */
static size_t shown;

static int setup(void **state)
{
    (void)state;
    static uint8_t buf[LDISC_BUF];
    ldisc_init(&l, buf);
    shown = 0;
    return 0;
}

static void show(const uint8_t *from, size_t n)
{
    size_t used;

    for (size_t at = 0; at < n; at += used) {
        shown += ldisc_output(&l, from + at, n - at, (uint8_t *)screen + shown,
                              sizeof(screen) - shown, &used);
        assert_true(used > 0);
    }
}

/* Types a text; returns the last signal that it caused. */
static int type(const char *text)
{
    int sig = 0;

    for (; *text != '\0'; text++) {
        int one = ldisc_input(&l, (uint8_t)*text);
        sig = one != 0 ? one : sig;
        show(l.echo, l.nechoes);
        l.nechoes = 0;
    }
    return sig;
}

static void assert_screen(const char *expected)
{
    screen[shown] = '\0';
    assert_string_equal(screen, expected);
    shown = 0;
}

static void assert_read(size_t n, const char *expected)
{
    static char got[LDISC_BUF + 1];
    bool end;
    size_t len = ldisc_read(&l, (uint8_t *)got, n, &end);

    got[len] = '\0';
    assert_string_equal(got, expected);
}

static void raw(uint8_t min, uint8_t time)
{
    struct ktermios t = l.termios;

    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    t.c_iflag = 0;
    t.c_cc[VMIN] = min;
    t.c_cc[VTIME] = time;
    ldisc_set_termios(&l, &t);
}

static void a_line_is_readable_when_it_ends(void **state)
{
    (void)state;
    type("ls");
    assert_false(ldisc_readable(&l, 1));
    assert_int_equal(ldisc_available(&l), 0);
    type("\r");
    assert_true(ldisc_readable(&l, 1));
    assert_int_equal(ldisc_available(&l), 3);
    assert_screen("ls\r\n");
    assert_read(100, "ls\n");
    assert_false(ldisc_readable(&l, 1));
}

static void lines_are_read_one_by_one_and_in_parts(void **state)
{
    (void)state;
    type("hello\nworld\n");
    assert_read(2, "he");
    assert_read(100, "llo\n");
    assert_read(100, "world\n");
}

static void erase_takes_characters_off(void **state)
{
    (void)state;
    type("ab\x7f\x7f\x7f"
         "c\n");
    assert_screen("ab\b \b\b \bc\r\n");
    assert_read(100, "c\n");
}

static void erase_of_a_control_character_takes_two_columns(void **state)
{
    (void)state;
    type("\x01\x7f\n");
    assert_screen("^A\b \b\b \b\r\n");
}

static void erase_of_a_tab_goes_back_to_where_it_began(void **state)
{
    (void)state;
    show((const uint8_t *)"# ", 2);
    shown = 0;
    type("ab\t\x7f\n");
    assert_screen("ab\t\b\b\b\b\r\n");
    assert_read(100, "ab\n");
}

static void erase_takes_all_bytes_of_a_utf8_character(void **state)
{
    (void)state;
    l.termios.c_iflag |= IUTF8;
    type("a\xc3\xa4\x7f\n");
    assert_screen("a\xc3\xa4\b \b\r\n");
    assert_read(100, "a\n");
}

static void word_and_line_erase(void **state)
{
    (void)state;
    type("one two  \x17");
    assert_screen("one two  \b \b\b \b\b \b\b \b\b \b");
    type("\x15"
         "x\n");
    assert_screen("\b \b\b \b\b \b\b \bx\r\n");
    assert_read(100, "x\n");
}

static void line_erase_without_echoke_shows_the_character(void **state)
{
    (void)state;
    l.termios.c_lflag &= ~(tcflag_t)ECHOKE;
    type("abc\x15");
    assert_screen("abc^U\r\n");
}

static void reprint_shows_the_line_again(void **state)
{
    (void)state;
    type("abc\x12");
    assert_screen("abc^R\r\nabc");
}

static void lnext_makes_a_character_literal(void **state)
{
    (void)state;
    assert_int_equal(type("\x16\x03\x16\n"), 0);
    assert_screen("^\b^C^\b^J");
    assert_false(ldisc_readable(&l, 1)); /* a literal newline ends no line */
    type("\n");
    assert_read(100, "\x03\n\n");
}

static void eof_ends_a_line_without_a_byte(void **state)
{
    (void)state;
    bool end = false;
    uint8_t b[8];

    type("ab\x04");
    assert_int_equal(ldisc_available(&l), 2);
    assert_read(100, "ab");
    assert_false(ldisc_readable(&l, 1));
    type("\x04");
    assert_true(ldisc_readable(&l, 1));
    assert_int_equal(ldisc_read(&l, b, sizeof(b), &end), 0); /* end of file */
    assert_true(end);
    assert_screen("ab");
}

static void eof_behind_a_full_buffer_is_no_end_of_file(void **state)
{
    (void)state;
    type("ab\x04");
    assert_read(2, "ab");
    assert_false(ldisc_readable(&l, 1));
}

static void signals_flush_what_was_typed(void **state)
{
    (void)state;
    assert_int_equal(type("abc\x03"), SIGINT);
    assert_screen("abc^C");
    type("x\n");
    assert_read(100, "x\n");
    assert_int_equal(type("\x1c"), SIGQUIT);
    assert_int_equal(type("\x1a"), SIGTSTP);
}

static void noflsh_keeps_what_was_typed(void **state)
{
    (void)state;
    l.termios.c_lflag |= NOFLSH;
    assert_int_equal(type("ab\x03"
                          "c\n"),
                     SIGINT);
    assert_read(100, "abc\n");
}

static void a_signal_starts_stopped_output(void **state)
{
    (void)state;
    type("\x13");
    assert_true(l.stopped);
    type("\x03");
    assert_false(l.stopped);
}

static void stop_and_start(void **state)
{
    (void)state;
    type("\x13");
    assert_true(l.stopped);
    type("\x11");
    assert_false(l.stopped);
    l.termios.c_iflag &= ~(tcflag_t)IXON;
    type("\x13\n");
    assert_false(l.stopped);
    assert_read(100, "\x13\n");
}

static void carriage_return_and_newline(void **state)
{
    (void)state;
    l.termios.c_iflag = IGNCR;
    type("a\r\n");
    assert_read(100, "a\n");
    l.termios.c_iflag = INLCR;
    type("a\n");
    assert_false(ldisc_readable(&l, 1));
}

static void a_full_line_keeps_room_for_its_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LDISC_BUF + 50; i++)
        ldisc_input(&l, 'x');
    type("\n");
    assert_true(ldisc_readable(&l, 1));
    assert_int_equal(ldisc_available(&l), LDISC_BUF);
    bool end;
    static uint8_t got[LDISC_BUF];
    assert_int_equal(ldisc_read(&l, got, sizeof(got), &end), LDISC_BUF);
    assert_true(end);
    assert_int_equal(got[LDISC_BUF - 1], '\n');
}

static void the_ring_wraps(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        type("abc\n");
        assert_read(100, "abc\n");
        shown = 0;
    }
}

static void raw_mode_hands_out_every_byte(void **state)
{
    (void)state;
    raw(3, 0);
    assert_int_equal(type("\x03\x04"), 0);
    assert_screen("");
    assert_false(ldisc_readable(&l, 3));
    assert_true(ldisc_readable(&l, 2));
    type("\r");
    assert_read(100, "\x03\x04\r");
}

static void typed_ahead_survives_a_change_of_mode(void **state)
{
    (void)state;
    struct ktermios cooked = l.termios;

    type("ab");
    raw(1, 0);
    assert_int_equal(ldisc_available(&l), 2);
    type("c");
    ldisc_set_termios(&l, &cooked);
    assert_true(ldisc_readable(&l, 1));
    assert_read(100, "abc");
    type("d\n");
    assert_read(100, "d\n");
}

static void flush_forgets_input(void **state)
{
    (void)state;
    type("abc\nde");
    ldisc_flush(&l);
    assert_false(ldisc_readable(&l, 1));
    type("\n");
    assert_read(100, "\n");
}

static void echonl_without_echo(void **state)
{
    (void)state;
    l.termios.c_lflag &= ~(tcflag_t)ECHO;
    type("secret\n");
    assert_screen("");
    l.termios.c_lflag |= ECHONL;
    type("secret\n");
    assert_screen("\r\n");
}

static void output_newlines_and_tabs(void **state)
{
    (void)state;
    const char *text = "plain text, long enough\n\tx\r";

    show((const uint8_t *)text, strlen(text));
    assert_screen("plain text, long enough\r\n\tx\r");
    l.termios.c_oflag |= XTABS;
    show((const uint8_t *)"ab\tc\n", 5);
    assert_screen("ab      c\r\n");
    l.termios.c_oflag = OPOST | OCRNL | ONLRET;
    show((const uint8_t *)"a\rb", 3);
    assert_screen("a\nb");
    l.termios.c_oflag = OPOST | ONOCR;
    l.column = 0;
    show((const uint8_t *)"\ra\r", 3);
    assert_screen("a\r");
    l.termios.c_oflag = 0;
    show((const uint8_t *)"a\nb\t", 4);
    assert_screen("a\nb\t");
}

static void output_stops_where_the_room_ends(void **state)
{
    (void)state;
    uint8_t in[64], out[32];
    size_t used, n;

    memset(in, '\n', sizeof(in));
    n = ldisc_output(&l, in, sizeof(in), out, sizeof(out), &used);
    assert_int_equal(n, 2 * used);
    assert_true(n <= sizeof(out) && used < sizeof(in) && used > 0);
}

static void fast_and_slow_output_agree(void **state)
{
    (void)state;
    static char slow[1024];
    uint8_t text[512];
    size_t used, n = 0;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i % 13 == 0 ? i % 256 : 'a' + i % 26);
    show(text, sizeof(text));
    setup(state);
    size_t fast = 0;
    for (size_t at = 0; at < sizeof(text); at += used) {
        n += ldisc_output(&l, text + at, 1, (uint8_t *)slow + n, sizeof(slow) - n, &used);
        fast += used;
    }
    uint32_t column = l.column;
    setup(state);
    show(text, sizeof(text));
    assert_int_equal(shown, n);
    assert_memory_equal(screen, slow, n);
    assert_int_equal(fast, sizeof(text));
    assert_int_equal(l.column, column);
}

/* --- the end of input --- */

static void cbreak(void)
{
    struct ktermios t = l.termios;

    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    ldisc_set_termios(&l, &t);
}

static void assert_end(void)
{
    for (int i = 0; i < 3; i++) {
        assert_true(ldisc_readable(&l, 10));
        assert_read(100, "");
    }
    assert_int_equal(ldisc_available(&l), 0);
}

static void after_the_end_every_read_finds_it(void **state)
{
    (void)state;
    type("one\ntwo\n");
    ldisc_end(&l);
    assert_read(100, "one\n");
    assert_int_equal(ldisc_available(&l), 4);
    assert_read(100, "two\n");
    assert_end();
    raw(5, 0);
    assert_end();
    raw(0, 1);
    assert_end();
    cbreak();
    assert_end();
}

static void an_unfinished_line_is_read_as_it_is(void **state)
{
    (void)state;
    type("one\ntw");
    ldisc_end(&l);
    assert_int_equal(ldisc_available(&l), 6);
    assert_read(100, "one\n");
    assert_read(1, "t");
    assert_read(100, "w");
    assert_end();
    cbreak();
    assert_end();
}

static void raw_bytes_stay_as_they_are(void **state)
{
    (void)state;
    raw(100, 0);
    type("abc");
    assert_false(ldisc_readable(&l, 100));
    ldisc_end(&l);
    assert_true(ldisc_readable(&l, 100));
    assert_read(100, "abc");
    assert_end();
}

/* With what it does by the time the input ends, and with what it has read before. */
static void a_line_editor_gets_the_newline_that_is_missing(void **state)
{
    (void)state;
    type("exit 3");
    ldisc_end(&l);
    cbreak();
    assert_read(100, "exit 3\n");
    assert_end();
    setup(NULL);
    cbreak();
    type("exit 3");
    assert_read(100, "exit 3");
    ldisc_end(&l);
    assert_read(3, "\n");
    assert_end();
    setup(NULL);
    cbreak();
    type("exit 3\n");
    ldisc_end(&l);
    assert_read(100, "exit 3\n");
    assert_end();
    setup(NULL);
    type("x\x7f");
    ldisc_end(&l);
    cbreak();
    assert_end();
}

static void the_end_starts_stopped_output(void **state)
{
    (void)state;
    type("\x13");
    assert_true(l.stopped);
    ldisc_end(&l);
    assert_false(l.stopped);
}

#define T(name) cmocka_unit_test_setup(name, setup)

/* What a full buffer holds back comes later; only an endless line is cut. */
static void input_is_held_while_a_line_waits(void **state)
{
    char line[LDISC_BUF + 1];

    (void)state;
    memset(line, 'x', LDISC_BUF);
    line[LDISC_BUF] = '\0';
    assert_int_equal(ldisc_room(&l), LDISC_BUF - 1);
    type("first\n");
    type(line + 7); /* all but the last place are taken */
    assert_int_equal(ldisc_room(&l), 0);
    assert_false(ldisc_drained(&l));
    assert_read(100, "first\n");
    assert_true(ldisc_drained(&l)); /* no complete line is left: nobody could make room */
    type("\n");
    assert_false(ldisc_drained(&l));
    assert_read(LDISC_BUF, (strcpy(line + LDISC_BUF - 7, "\n"), line));
    assert_true(ldisc_drained(&l));
}

static void an_endless_line_is_cut_and_ends(void **state)
{
    char line[LDISC_BUF + 1];

    (void)state;
    memset(line, 'y', LDISC_BUF);
    line[LDISC_BUF] = '\0';
    type(line);
    assert_int_equal(ldisc_room(&l), 1);
    type("zz\n");
    assert_int_equal(ldisc_room(&l), 0);
    strcpy(line + LDISC_BUF - 1, "\n");
    assert_read(LDISC_BUF, line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(input_is_held_while_a_line_waits),
        T(an_endless_line_is_cut_and_ends),
        T(a_line_is_readable_when_it_ends),
        T(lines_are_read_one_by_one_and_in_parts),
        T(erase_takes_characters_off),
        T(erase_of_a_control_character_takes_two_columns),
        T(erase_of_a_tab_goes_back_to_where_it_began),
        T(erase_takes_all_bytes_of_a_utf8_character),
        T(word_and_line_erase),
        T(line_erase_without_echoke_shows_the_character),
        T(reprint_shows_the_line_again),
        T(lnext_makes_a_character_literal),
        T(eof_ends_a_line_without_a_byte),
        T(eof_behind_a_full_buffer_is_no_end_of_file),
        T(signals_flush_what_was_typed),
        T(noflsh_keeps_what_was_typed),
        T(a_signal_starts_stopped_output),
        T(stop_and_start),
        T(carriage_return_and_newline),
        T(a_full_line_keeps_room_for_its_end),
        T(the_ring_wraps),
        T(raw_mode_hands_out_every_byte),
        T(typed_ahead_survives_a_change_of_mode),
        T(flush_forgets_input),
        T(echonl_without_echo),
        T(after_the_end_every_read_finds_it),
        T(an_unfinished_line_is_read_as_it_is),
        T(raw_bytes_stay_as_they_are),
        T(a_line_editor_gets_the_newline_that_is_missing),
        T(the_end_starts_stopped_output),
        T(output_newlines_and_tabs),
        T(output_stops_where_the_room_ends),
        T(fast_and_slow_output_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
