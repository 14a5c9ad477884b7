/* common.h - what all commands of vmm-trace do in the same way. */
#ifndef VMM_TRACE_COMMON_H
#define VMM_TRACE_COMMON_H

#include <argp.h>
#include <stdio.h>

#include "vmm/trace/lib/reader.h"
#include "vmm/trace/lib/status.h"

/* The parser of a command that takes only DIR; its input is a const char **. */
error_t parse_directory(int key, char *arg, struct argp_state *state);

/* What open_trace() does when all files are open, before it looks at what they hold:
 * confine() for commands that only read; NULL: nothing. */
extern void (*after_open)(void);

/* The trace, or NULL after a message. */
struct trace *open_trace(const char *dir);
/* The same for n of them.  False: none is open. */
bool open_traces(const char *const *dir, unsigned n, struct trace **t);
/* Closes it; tells what was wrong with it, if anything, and returns the status. */
int close_trace(struct trace *t);

/* What was lost, as "lost 0" or with numbers. */
void print_losses(FILE *out, const struct trace *t);

#endif
