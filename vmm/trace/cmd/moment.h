/* moment.h - points of a trace, as users write them and as commands print them.
 *
 * A time is in seconds since the first event, with nine digits: "1.234567890".  It may be given
 * with a unit ("250ms", "1.5s", "80us", "9ns"), as the number of an event ("#123"), or as
 * seconds since 1970, as babeltrace2 --clock-seconds prints them. */
#ifndef VMM_TRACE_MOMENT_H
#define VMM_TRACE_MOMENT_H

#include <argp.h>

#include "vmm/trace/lib/reader.h"

struct moment {
    enum { MOMENT_NONE, MOMENT_EVENT, MOMENT_START, MOMENT_1970 } kind;
    uint64_t value; /* a number, or nanoseconds */
};

#define MOMENT_HELP "seconds since the start, 250ms, or #N: event N"

/* An option's argument; does not return if it makes no sense. */
struct moment moment_option(struct argp_state *state, const char *arg);

/* Is event number n, at that tsc, later?  Never for MOMENT_NONE. */
bool moment_passed(const struct moment *m, const struct trace *t, uint64_t first_tsc, uint64_t n,
                   uint64_t tsc);

/* Is it that, or later? */
bool moment_reached(const struct moment *m, const struct trace *t, uint64_t first_tsc, uint64_t n,
                    uint64_t tsc);

/* Nanoseconds since 1970, as babeltrace2 computes them. */
uint64_t moment_1970(const struct trace_meta *m, uint64_t tsc);

#define MOMENT_BYTES 40
char *moment_text(char buf[MOMENT_BYTES], const struct trace *t, uint64_t first_tsc, uint64_t tsc);

/* An option's argument that is a number up to max. */
uint64_t number_option(struct argp_state *state, const char *arg, uint64_t max);

/* One that is an address, or FROM-TO; last: the last address of it. */
void range_option(struct argp_state *state, const char *arg, uint64_t *first, uint64_t *last);

#endif
