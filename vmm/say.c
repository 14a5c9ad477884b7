/* say.c - see say.h.  One write(2) a line, so that lines of several threads
 * do not mix.  Longer text than the buffer is cut. */
#include "vmm/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int level;
static atomic_bool raw_terminal;

static void put_line(const char *fmt, va_list ap)
{
    char line[1024] = "vmm: ";
    int saved = errno;
    size_t head = strlen(line);
    size_t room = sizeof(line) - head - 2;
    int n = vsnprintf(line + head, room, fmt, ap);
    size_t len = head;
    if (n > 0)
        len += (size_t)n < room ? (size_t)n : room - 1;

    if (atomic_load(&raw_terminal))
        line[len++] = '\r';
    line[len++] = '\n';
    /* stderr that does not take it leaves nobody to tell */
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
    errno = saved;
}

#define SAY_IF(condition, fmt) \
    do { \
        if (condition) { \
            va_list ap; \
            va_start(ap, fmt); \
            put_line(fmt, ap); \
            va_end(ap); \
        } \
    } while (0)

void say(const char *fmt, ...) { SAY_IF(true, fmt); }

void say_note(const char *fmt, ...) { SAY_IF(level >= 0, fmt); }

void say_more(const char *fmt, ...) { SAY_IF(level > 0, fmt); }

void say_set_level(int new_level) { level = new_level; }

void say_terminal_is_raw(bool raw) { atomic_store(&raw_terminal, raw); }
