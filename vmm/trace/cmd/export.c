/* export.c - vmm-trace export: a trace in the format of another tool. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/output.h"
#include "vmm/trace/export/export.h"

#define KEY_FORMAT 256 /* and on: the formats */
#define FORMATS    16

struct options {
    const char *dir, *file;
    const struct export_format *format;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o': o->file = arg; return 0;
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->dir; return 0;
    case ARGP_KEY_END:
        if (o->format == NULL)
            argp_error(state, "which format?  --chrome, --perfetto, --sqlite, --csv, ...");
        else if (o->format->seeks && o->file == NULL)
            argp_error(state, "--%s needs -o FILE", o->format->name);
        return 0;
    }
    if (key < KEY_FORMAT || key >= KEY_FORMAT + FORMATS)
        return ARGP_ERR_UNKNOWN;
    if (o->format != NULL)
        argp_error(state, "one format, please");
    o->format = &export_formats[key - KEY_FORMAT];
    return 0;
}

static int run(const struct options *o)
{
    struct export x = { 0 };
    struct output out = { .file = o->file };
    if (o->format->binary && o->file == NULL && isatty(STDOUT_FILENO)) {
        fprintf(stderr, "vmm-trace: --%s is not for a terminal; -o FILE\n", o->format->name);
        return STATUS_TROUBLE;
    }
    if (!output_begin(&out) ||
        (o->format->prepare != NULL && !o->format->prepare(fileno(out.out), o->file)))
        return STATUS_TROUBLE;
    x.out = out.out;
    if ((x.trace = open_trace(o->dir)) == NULL || !o->format->run(&x))
        return STATUS_TROUBLE;
    bool written = output_end(&out);
    int status = close_trace(x.trace);
    return written ? output_keep(status) : STATUS_TROUBLE;
}

int command_export(int argc, char **argv)
{
    static struct argp_option option[FORMATS + 2];
    static const struct argp directory = { .parser = parse_directory };
    static const struct argp_child children[] = { { &directory, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR",
        .doc =
            "Writes the trace in the format of another tool, to standard output or to FILE, which "
            "is there when it is complete, or not at all.",
        .children = children,
    };
    struct options o = { 0 };
    int n = 0;
    for (const struct export_format *f = export_formats; f->name != NULL; f++, n++)
        option[n] = (struct argp_option){ f->name, KEY_FORMAT + n, NULL, 0, f->what, 0 };
    option[n] = (struct argp_option){ "output", 'o', "FILE", 0, "Write to FILE", 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
