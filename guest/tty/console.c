/* console.c - the console is a terminal on the first serial line. */
#include "fs/device.h"
#include "arch/uart.h"
#include "lib/cmdline.h"
#include "tty/internal.h"
#include <linux/major.h>
#include <linux/stat.h>

#define TTYS0 DEV(TTY_MAJOR, 64)

static struct tty console;

/* A terminal's side from the command line: 1..1000, else the usual one. */
static uint16_t side(const char *key, uint16_t usual)
{
    char text[8];
    unsigned n = 0;

    if (!cmdline_value(key, text, sizeof(text)))
        return usual;
    for (const char *p = text; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (unsigned)(*p - '0');
    return n >= 1 && n <= 1000 ? (uint16_t)n : usual;
}

static void write_line(struct tty *tty __attribute__((unused)), const char *s, size_t n)
{
    console_write(s, n);
}

static void hold_line(struct tty *tty __attribute__((unused)), bool on) { console_hold(on); }

void tty_init(void)
{
    static const struct tty_hw uart = { .write = write_line, .hold = hold_line };

    static const struct device nodes[] = {
        { "console", S_IFCHR | 0600, DEV(TTYAUX_MAJOR, 1), &tty_fops, &console },
        { "tty", S_IFCHR | 0666, DEV(TTYAUX_MAJOR, 0), &tty_fops, NULL },
        { "ttyS0", S_IFCHR | 0660, TTYS0, &tty_fops, &console },
    };
    static struct device_table table = { nodes, ARRAY_SIZE(nodes), NULL };
    static uint8_t input[LDISC_BUF];
    char once[2];

    device_register(&table);
    pty_init();
    tty_setup(&console, TTYS0, &uart, input);
    console.once = cmdline_value("tty.once", once, sizeof(once)) && once[0] == '1';
    console.winsize.ws_row = side("tty.rows", 24);
    console.winsize.ws_col = side("tty.cols", 80);
}

static size_t console_room(void) { return tty_room(&console); }

static void console_input(const uint8_t *from, size_t n) { tty_receive(&console, from, n); }

static void console_ended(void) { tty_end_input(&console); }

static void console_resized(uint16_t rows, uint16_t cols)
{
    spin_lock(&console.lock);
    struct winsize ws = console.winsize; /* with the pixels that somebody may have set */
    spin_unlock(&console.lock);
    ws.ws_row = rows;
    ws.ws_col = cols;
    tty_resize(&console, &ws);
}

void tty_start(void)
{
    static const struct console_reader reader = { console_room, console_input, console_ended,
                                                  console_resized };

    console_init_irq(&reader);
}
