/* symbols.h - addresses of the kernel, by name.  For reports only: reads the
 * kernel's ELF file (libelf) and its line table (libdw). */
#ifndef VMM_SYMBOLS_H
#define VMM_SYMBOLS_H

#include <stddef.h>
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

/* The code of the function that ends with or goes on at the address: its first `n` bytes, as far as there, which
 * lie at `start` when the kernel runs.  NULL: not known.  s may be NULL. */
const uint8_t *symbols_code(struct symbols *s, uint64_t address, uint64_t *start, size_t *n);

#endif
