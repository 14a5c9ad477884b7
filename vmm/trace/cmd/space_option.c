/* space_option.c - see space_option.h. */
#include "vmm/trace/cmd/space_option.h"

#include "vmm/trace/cmd/moment.h"

error_t parse_space_option(int key, char *arg, struct argp_state *state, struct space_option *o)
{
    switch (key) {
    case 'm':
        o->by_mm = true;
        o->mm = (uint32_t)number_option(state, arg, UINT32_MAX);
        break;
    case 'p':
        o->by_pid = true;
        o->pid = (uint32_t)number_option(state, arg, UINT32_MAX);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    if (o->by_mm && o->by_pid)
        argp_error(state, "--pid or --mm");
    return 0;
}
