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

struct trace *open_trace_or_json(int argc, char **argv, const char *doc, struct json_option *o)
{
    const struct argp argp = {
        .options = json_option, .parser = parse_json_option, .args_doc = "DIR", .doc = doc
    };
    *o = (struct json_option){ 0 };
    argp_parse(&argp, argc, argv, 0, NULL, o);
    return open_trace(o->dir);
}
