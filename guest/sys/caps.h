/* caps.h - the part of prctl(2) that is about capabilities. */
#ifndef SYS_CAPS_H
#define SYS_CAPS_H

#include "lib/base.h"

long caps_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d); /* -EINVAL: no such */

#endif
