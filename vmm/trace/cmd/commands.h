/* commands.h - the commands of vmm-trace, a file each.
 *
 * Exit status: 0 done; 1 a check found something; 2 bad usage, or the trace
 * cannot be read, or not to its end (what could be read was shown). */
#ifndef VMM_TRACE_COMMANDS_H
#define VMM_TRACE_COMMANDS_H

#include <argp.h>

#include "vmm/trace/lib/reader.h"

enum { STATUS_OK = 0, STATUS_FOUND = 1, STATUS_TROUBLE = 2 };

struct command {
    const char *name, *what;
    int (*run)(int argc, char **argv); /* argv[0] is for messages */
};

int command_summary(int argc, char **argv);
int command_tree(int argc, char **argv);
int command_print(int argc, char **argv);
int command_lint(int argc, char **argv);
int command_info(int argc, char **argv);
int command_recover(int argc, char **argv);

/* The parser of a command that takes only DIR; its input is a const char **. */
error_t parse_directory(int key, char *arg, struct argp_state *state);

/* The trace, or NULL after a message. */
struct trace *open_trace(const char *dir);
/* Closes it; tells what was wrong with it, if anything, and returns the status. */
int close_trace(struct trace *t);

/* What was lost, as "lost 0" or with numbers. */
void print_losses(FILE *out, const struct trace *t);

void out_of_memory(void) __attribute__((noreturn));

#endif
