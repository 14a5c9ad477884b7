/* printf.h - formatted text: %d %u %x %o %c %s %p %% with flags 0 - + # space,
 * width, precision, * and the lengths hh h l ll z.  Any CPU, any context. */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>
#include "lib/base.h"

/* As C99: terminates if room > 0, returns the length it would have had. */
int ksnprintf(char *to, size_t room, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int kvsnprintf(char *to, size_t room, const char *fmt, va_list ap);
/* arch/uart.c: the kernel's own words, on the console and in its log; at most 256 bytes a call. */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
