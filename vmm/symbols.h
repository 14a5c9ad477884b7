/* symbols.h - addresses of the kernel, by name.  For reports only: reads the
 * kernel's ELF file (libelf) and its line table (libdw). */
#ifndef VMM_SYMBOLS_H
#define VMM_SYMBOLS_H

#include <stdint.h>
#include <stdio.h>

struct symbols;

/* fd: the ELF file; stays the caller's.  NULL: no symbols to be had. */
struct symbols *symbols_open(int fd);
/* The kernel runs this far from where it is linked; 0 after symbols_open(). */
void symbols_shift(struct symbols *s, uint64_t by);
void symbols_close(struct symbols *s); /* NULL is fine */

/* "name+0x12 (file.c:34)", or as much as is known, or nothing.  s may be NULL.
 * Returns the start of the function, or 0. */
uint64_t symbols_print(struct symbols *s, uint64_t address, FILE *out);

#endif
