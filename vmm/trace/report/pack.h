/* pack.h - columns of numbers, compressed, as text that an HTML file can hold.
 *
 * A table goes out in blocks of rows, so what is held in memory does not grow with the trace.
 * A block is a <script> element of a type that no browser runs; its attributes name the table
 * and its columns, its text is base64 of a zlib stream of
 *     for each column: u32 rows, u32 bytes       (little-endian)
 *     the columns' bytes, one behind the other
 * Within a column, a number is the difference to the one before it, zigzag, seven bits a byte,
 * lowest first.  Kinds of columns:
 *     u   32 bits, the difference modulo 2^32
 *     w   64 bits as two rows of kind u: lower half, upper half, each with its own differences
 *     t   up to 52 bits: times
 *     s   bytes, each string ended by NUL
 * In base64 nothing of the guest's can be markup, whatever it is. */
#ifndef VMM_TRACE_PACK_H
#define VMM_TRACE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct column {
    char *name;
    char kind;
    uint32_t rows;
    uint64_t last[2];
    uint8_t *at;
    size_t n, capacity;
};

#define PACK_COLUMNS 256u

struct pack {
    FILE *out;
    const char *table;
    unsigned trace; /* which of the report's: 0, 1 */
    uint32_t rows;
    size_t bytes; /* in all columns */
    unsigned columns;
    struct column column[PACK_COLUMNS];
};

/* columns: "pid:u from:t name:s"; further ones by pack_column(), which gives the number of the
 * new one. */
void pack_init(struct pack *p, FILE *out, unsigned trace, const char *table, const char *columns);
unsigned pack_column(struct pack *p, const char *name, char kind);
void pack_free(struct pack *p);

void pack_u(struct pack *p, unsigned column, uint32_t v);
void pack_w(struct pack *p, unsigned column, uint64_t v);
void pack_t(struct pack *p, unsigned column, uint64_t v);
/* Not more than size bytes, and up to a NUL. */
void pack_s(struct pack *p, unsigned column, const char *s, size_t size);

void pack_row(struct pack *p);   /* one is whole; a full block goes out */
void pack_flush(struct pack *p); /* what there is goes out */

#endif
