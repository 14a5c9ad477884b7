/* random.h - random bytes. */
#ifndef ARCH_RANDOM_H
#define ARCH_RANDOM_H

#include "lib/base.h"

/* Real entropy: the VMM's, RDRAND, else timing noise; through ChaCha-like mixing
 * so that a call costs no exit.  Any context. */
void random_bytes(void *to, size_t n);

#endif
