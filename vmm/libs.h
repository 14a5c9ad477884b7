/* libs.h - which libraries a dynamically linked program needs, found as
 * ld.so(8) finds them, but without running anything.
 *
 * Files are read with libelf and are not trusted; a file that is not ELF, or
 * static, simply needs nothing. */
#ifndef VMM_LIBS_H
#define VMM_LIBS_H

#include <stdbool.h>

#include "vmm/there.h"

/* One needed file.  Return false to stop the search. */
typedef bool libs_found(void *ctx, const char *host, const char *guest);

/* Is it an ELF program with an interpreter? */
bool libs_is_dynamic(const char *host);

enum libs_want {
    LIBS_ALL,         /* one that is nowhere is an error */
    LIBS_THOSE_FOUND, /* ... is told, and left out */
};

/* Calls found() for the interpreter and each library of the program `host`,
 * which the guest knows as `guest`; each file once, and not for what is
 * `there` (NULL: nothing), which goes before what the host has.  A library keeps its host
 * path, except that one below $ORIGIN keeps its place relative to the program,
 * and one that only the host's cache knows goes to /lib, where every loader
 * looks.  False after one line on stderr, or when found() said so. */
bool libs_walk(const char *host, const char *guest, const struct there *there, enum libs_want want,
               libs_found *found, void *ctx);

#endif
