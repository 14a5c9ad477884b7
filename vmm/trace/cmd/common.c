/* common.c - what all commands of vmm-trace do in the same way. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/trace/cmd/common.h"

error_t parse_directory(int key, char *arg, struct argp_state *state)
{
    const char **dir = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one DIR, please");
        *dir = arg;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which DIR?"); return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

void (*after_open)(void);

/* A failure: its message; then none is open. */
static bool give_up(struct trace **t, unsigned n, const char *err)
{
    fprintf(stderr, "vmm-trace: %s\n", err);
    while (n-- > 0)
        trace_close(t[n]);
    return false;
}

bool open_traces(const char *const *dir, unsigned n, struct trace **t)
{
    char err[512];
    for (unsigned i = 0; i < n; i++)
        if (trace_open_files(&t[i], dir[i], err, sizeof(err)) != 0)
            return give_up(t, i, err);
    if (after_open != NULL)
        after_open();
    for (unsigned i = 0; i < n; i++)
        if (trace_read_meta(t[i], err, sizeof(err)) != 0)
            return give_up(t, n, err);
    return true;
}

struct trace *open_trace(const char *dir)
{
    struct trace *t;
    return open_traces(&dir, 1, &t) ? t : NULL;
}

static void print_open_packets(const struct trace *t)
{
    fflush(stdout);
    for (unsigned i = 0; i < trace_stream_count(t); i++)
        if (trace_stream(t, i)->open_packet)
            fprintf(stderr, "vmm-trace: %s: %s; its last packet was read as far as it is whole%s\n",
                    trace_stream(t, i)->name,
                    trace_live(t) ? "is being recorded" : "vmm was killed",
                    trace_live(t) ? "" : " (recover closes it)");
}

int close_trace(struct trace *t)
{
    const char *problem = trace_problem(t);
    print_open_packets(t);
    int status = STATUS_OK;
    if (problem != NULL) {
        fflush(stdout);
        fprintf(stderr, "vmm-trace: %s\n", problem);
        status = STATUS_TROUBLE;
    }
    trace_close(t);
    return status;
}

void print_losses(FILE *out, const struct trace *t)
{
    uint64_t events = 0, packets = 0;
    for (unsigned i = 0; i < trace_stream_count(t); i++) {
        events += trace_stream(t, i)->lost_events;
        packets += trace_stream(t, i)->lost_packets;
    }
    if (events == 0 && packets == 0)
        fputs("lost 0", out);
    else
        fprintf(out, "LOST %" PRIu64 " events and %" PRIu64 " packets", events, packets);
}
