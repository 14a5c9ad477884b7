/* metadata.h - the `metadata` file of a trace: CTF 1.8's description of the
 * streams, made from the schema, and what is known about the machine. */
#ifndef VMM_TRACE_METADATA_H
#define VMM_TRACE_METADATA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct trace_meta {
    uint8_t uuid[16];
    uint64_t tsc_khz;
    uint64_t offset_s, offset;  /* the wall clock at TSC 0: seconds, and ticks on top */
    uint64_t ncpus;
    uint64_t schema;            /* trace_schema_hash() of the writer */
    char flavour[32], git_id[64], kernel[256];
};

/* Finds offset_s and offset: the TSC read tsc when the wall clock read wall_ns. */
void trace_meta_set_wall(struct trace_meta *m, uint64_t wall_ns, uint64_t tsc);

void trace_meta_write(FILE *out, const struct trace_meta *m);

/* Reads back what trace_meta_write() wrote.  0, or -1: not our metadata. */
int trace_meta_parse(struct trace_meta *m, const char *text);

#endif
