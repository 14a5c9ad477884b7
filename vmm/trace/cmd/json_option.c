/* json_option.c - see json_option.h. */
#include "vmm/trace/cmd/json_option.h"

#include "vmm/trace/cmd/common.h"

const struct argp_option json_option[] = {
    { "json", 'j', NULL, 0, "As JSON", 0 },
    { 0 },
};

error_t parse_json_option(int key, char *arg, struct argp_state *state)
{
    struct json_option *o = state->input;
    if (key == 'j') {
        o->json = true;
        return 0;
    }
    struct argp_state inner = *state;
    inner.input = &o->dir;
    return parse_directory(key, arg, &inner);
}
