/* metadata.h - the `metadata` file of a trace: CTF 1.8's description of the
 * streams, made from the schema, and what is known about the machine. */
#ifndef VMM_TRACE_METADATA_H
#define VMM_TRACE_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_CPUS_MAX       256u
#define TRACE_META_CPU_BYTES 128u

struct trace_meta {
    uint8_t uuid[16];
    uint64_t tsc_khz;
    uint64_t offset_s, offset; /* the wall clock at TSC 0: seconds, and ticks on top */
    uint64_t ncpus;
    uint64_t schema; /* trace_schema_hash() of the writer */
    bool known;      /* on reading back: all its kinds of events are ours, unchanged */
    uint64_t kernel_ring;
    uint64_t ram_end;  /* first address above the guest's RAM; 0: not known */
    uint64_t stop_tsc; /* when the machine stopped; 0: it runs, or vmm was killed */
    int64_t audit;     /* what --audit found wrong; -1: there was none */
    uint64_t stop_at;  /* offset in the file of what trace_meta_stop() gives */
    uint64_t audit_at; /* the same for trace_meta_audit() */
    char flavour[32], git_id[64], kernel[256];
    char verdict[81]; /* what the audit found, in words; empty: there was none */
    struct {
        int64_t tsc_offset; /* its TSC minus the host's, as the VMM knows it */
        int64_t tsc_found;  /* vCPU 0's minus its own, as the guest measured it, */
        int64_t tsc_error;  /* within +- this; -1: it never came up */
        uint64_t at;        /* offset in the file of what trace_meta_cpu() gives */
    } cpu[TRACE_CPUS_MAX];
};

/* Finds offset_s and offset: the TSC read tsc when the wall clock read wall_ns. */
void trace_meta_set_wall(struct trace_meta *m, uint64_t wall_ns, uint64_t tsc);

/* Writes the file, and notes in m where a vCPU's lines are. */
void trace_meta_write(FILE *out, struct trace_meta *m);

/* The lines of env that say what the guest measured on a vCPU.  Their length does
 * not depend on the numbers.  Returns it. */
size_t trace_meta_cpu(const struct trace_meta *m, unsigned cpu, char text[TRACE_META_CPU_BYTES]);

/* The lines of env that say when the machine stopped, and what the audit found.  As above. */
size_t trace_meta_stop(const struct trace_meta *m, char text[TRACE_META_CPU_BYTES]);

/* The line of env that says what the audit found.  As above. */
size_t trace_meta_audit(const struct trace_meta *m, char text[TRACE_META_CPU_BYTES]);

/* Reads back what trace_meta_write() wrote.  0, or -1: not our metadata. */
int trace_meta_parse(struct trace_meta *m, const char *text);

#endif
