/* unpack.h - compressed data, by the libraries of those who made the formats.
 * They run in a process of their own, in the sandbox of a running VM: what a
 * file can do to a decoder it does there. */
#ifndef VMM_UNPACK_H
#define VMM_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What these bytes begin, or NULL if it is nothing that is known here. */
const char *unpack_format(const uint8_t *bytes, size_t n);

struct unpacked {
    size_t taken, made; /* bytes of input, of output */
    char wrong[96];     /* "": all is well */
};

/* Unpacks what begins at `in`, and what follows it without a gap in the same format, to
 * `out`, which is shared memory.  False: see wrong. */
bool unpack(const uint8_t *in, size_t n, uint8_t *out, size_t room, bool seccomp,
            struct unpacked *result);

#endif
