/* seccomp.h - seccomp(2), for prctl(2). */
#ifndef SYS_SECCOMP_H
#define SYS_SECCOMP_H

#include "lib/base.h"
#include <linux/seccomp.h>

long seccomp_set(uint32_t op, uint32_t flags, uaddr_t args); /* op: SECCOMP_SET_MODE_* and so on */

#endif
