/* space_option.h - the options --mm and --pid of a command that is about address spaces. */
#ifndef VMM_TRACE_SPACE_OPTION_H
#define VMM_TRACE_SPACE_OPTION_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

struct space_option { /* neither: all of them */
    bool by_mm, by_pid;
    uint32_t mm, pid;
};
/* One of them at most.  Takes the keys 'm' and 'p'; ARGP_ERR_UNKNOWN for any other. */
error_t parse_space_option(int key, char *arg, struct argp_state *state, struct space_option *o);

#endif
