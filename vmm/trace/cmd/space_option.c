/* space_option.c - see space_option.h. */
#include "vmm/trace/cmd/space_option.h"

#include "vmm/trace/cmd/moment.h"

error_t parse_space_option(int key, char *arg, struct argp_state *state, struct space_option *o)
{
    switch (key) {
    case 'm':
        o->by_mm = true;
        o->mm = (uint32_t)number_option(state, arg, UINT32_MAX);
        return 0;
    case 'p':
        o->by_pid = true;
        o->pid = (uint32_t)number_option(state, arg, UINT32_MAX);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}
