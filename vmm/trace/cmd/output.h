/* output.h - where an export goes: a file that is there when it is complete, or not at all.
 *
 * The work is done by a child, so that it can give up its rights (confine.h) and the file
 * can still get its name at the end.  The parent sees no byte of the trace: it waits, and
 * renames or removes. */
#ifndef VMM_TRACE_OUTPUT_H
#define VMM_TRACE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
    const char *file; /* NULL: standard output */
    FILE *out;
};

/* Opens it; after this, the child goes on.  The parent does not return: it ends with the
 * child's status.  What is no regular file (a device, a pipe) is written as it is, without a
 * child.  False after one line. */
bool output_begin(struct output *o);

/* Flushes it.  False after one line, if not all could be written. */
bool output_end(struct output *o);

/* After that, the status to end with; the parent will make it `status` again, and keep the file.
 * With any other end there will be no file, whatever went wrong: only who says so has all. */
int output_keep(int status);

#endif
