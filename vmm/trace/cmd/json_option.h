/* json_option.h - the options of a command that takes DIR and --json. */
#ifndef VMM_TRACE_JSON_OPTION_H
#define VMM_TRACE_JSON_OPTION_H

#include <argp.h>

#include "vmm/trace/lib/json.h"

struct trace;

struct json_option { /* the parser's input */
    const char *dir;
    bool json;
};
extern const struct argp_option json_option[];
error_t parse_json_option(int key, char *arg, struct argp_state *state);

/* For a command that takes no more: the trace that argv names, or NULL after a message. */
struct trace *open_trace_or_json(int argc, char **argv, const char *doc, struct json_option *o);

#endif
