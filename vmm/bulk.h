/* bulk.h - what a guest asks to be moved or cleared, however much, piece by piece: a VM that
 * is to stop does not wait for gigabytes. */
#ifndef VMM_BULK_H
#define VMM_BULK_H

#include <stddef.h>

#include "vmm/stop.h"

#define BULK_PIECE (1u << 20)

/* memmove and memset to 0; once `stop` was asked they end with the piece they are in. */
void bulk_move(const struct stop *stop, void *to, const void *from, size_t n);
void bulk_clear(const struct stop *stop, void *at, size_t n);

#endif
