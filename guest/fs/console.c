/* console.c - the console is a terminal on the first serial line. */
#include "fs/tty_internal.h"

#include "arch/machine.h"
#include "lib/cmdline.h"

#define TTYS0_DEV 0x440         /* major 4, minor 64 */

static struct tty console;
struct tty *console_tty = &console;

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

void tty_init(void)
{
    tty_setup(&console, TTYS0_DEV, console_write);
    console.winsize.ws_row = side("tty.rows", 24);
    console.winsize.ws_col = side("tty.cols", 80);
}

void console_input(uint8_t c)
{
    tty_receive(&console, c);
}
