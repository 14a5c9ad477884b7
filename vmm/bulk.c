/* bulk.c - see bulk.h. */
#include "vmm/bulk.h"

#include <stdint.h>
#include <string.h>

static size_t piece(size_t n) { return n < BULK_PIECE ? n : BULK_PIECE; }

/* Pieces go the way in which an overlap does not overwrite what is still to be read. */
void bulk_move(const struct stop *stop, void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d <= (uintptr_t)s) {
        for (size_t part; n > 0 && !stop_asked(stop); d += part, s += part, n -= part) {
            part = piece(n);
            memmove(d, s, part);
        }
        return;
    }
    while (n > 0 && !stop_asked(stop)) {
        size_t part = piece(n);
        n -= part;
        memmove(d + n, s + n, part);
    }
}

void bulk_clear(const struct stop *stop, void *at, size_t n)
{
    uint8_t *p = at;
    for (size_t part; n > 0 && !stop_asked(stop); p += part, n -= part) {
        part = piece(n);
        memset(p, 0, part);
    }
}
