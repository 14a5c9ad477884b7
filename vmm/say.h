/* say.h - the VMM's own words.  They go to stderr, one line each, with the
 * program's name first.  A terminal in raw mode needs CR before LF; whoever
 * makes it raw tells say_terminal_is_raw(). */
#ifndef VMM_SAY_H
#define VMM_SAY_H

#include <stdbool.h>

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v.  say_set_level: -1 quiet, 0 usual, 1 verbose. */
void say_more(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Remarks that -q silences; say() itself is for what must be known. */
void say_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void say_set_level(int level);
void say_terminal_is_raw(bool raw);

#endif
