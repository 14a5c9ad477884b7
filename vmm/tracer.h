/* tracer.h - the VMM's half of tracing: the directory with its stream files,
 * the windows through which the guest writes, and the doorbell.
 *
 * Everything but the space for packets is refused, if at all, by tracer_create() and
 * tracer_describe(), before the guest runs.  Afterwards a tracer makes only these system
 * calls, which a seccomp filter must let through: fallocate, pwrite64, mmap, munmap,
 * ftruncate, brk, futex, and write to stderr.
 *
 * Calls for different vCPUs may run at the same time, a doorbell on its vCPU's
 * thread.  finish and destroy need all vCPUs stopped. */
#ifndef VMM_TRACER_H
#define VMM_TRACER_H

#include <stdbool.h>
#include <stdint.h>

struct tracer;

struct tracer_env {
    uint64_t tsc_khz;    /* of the guest's TSC */
    const char *flavour; /* of KVM: "vmx", "svm", "pvm", ... */
    unsigned kernel_ring;
    const char *kernel_path;
    uint64_t wall_ns_at_tsc;   /* the wall clock, ns since 1970, when */
    uint64_t tsc_at_wall;      /* the guest's TSC had this value */
    const char *audit;         /* which one is asked for; or NULL */
    bool contents;             /* what is in copies and fresh frames is hashed, too */
    uint64_t ram_end;          /* first address above the guest's RAM */
    const int64_t *tsc_offset; /* of each vCPU: its TSC minus the host's */
};

/* Makes the directory, if it is not there, and in it an empty stream file for each
 * vCPU.  A directory with anything in it but dot-files is refused, since CTF
 * readers take every file for a stream.
 * 0 or -errno, and then one line is on stderr. */
int tracer_create(struct tracer **out, const char *dir, unsigned ncpus);

/* Writes metadata, once, before the guest runs.  Apart from tracer_create(),
 * because windows are wanted before there is a vCPU, and the clock is only known
 * after.  0 or -errno, and then one line is on stderr.  The file stays open: what
 * tracer_cpu_online() is told replaces numbers of a fixed width in it. */
int tracer_describe(struct tracer *t, const struct tracer_env *env);

/* Host address of the TRACE_WINDOW_BYTES that the guest shall see; page-aligned,
 * the same for the life of the tracer, so it can back a memslot.  The windows lie
 * one behind the other.  What is written before tracer_open() goes nowhere. */
void *tracer_window(struct tracer *t, unsigned cpu);

/* Puts the vCPU's window on its first packet; for a vCPU that never comes up no
 * space is reserved, and its file stays empty.  Any thread; again: nothing
 * happens.  0; -EINVAL: no such vCPU; other -errno as for a doorbell. */
int tracer_open(struct tracer *t, unsigned cpu);

/* The guest has compared the vCPU's TSC with vCPU 0's: that one minus this one is
 * `found`, within +-error.  For metadata's env.  Any thread.  0 or -EINVAL. */
int tracer_cpu_online(struct tracer *t, unsigned cpu, int64_t found, uint64_t error);

/* The guest has filled its packet up to content_bytes, header included.  Closes
 * it and slides the window to the next one.  0; -EINVAL: no such vCPU, none that
 * was opened, or a size that cannot be; other -errno: the host refused, a line is on stderr, the
 * guest must not go on.  Times are made to be in order, whatever the guest says. */
int tracer_doorbell(struct tracer *t, unsigned cpu, uint64_t content_bytes, uint64_t first_tsc,
                    uint64_t last_tsc);

/* The machine has stopped, and the guest's TSC was this.  For metadata's env. */
void tracer_stopped(struct tracer *t, uint64_t tsc);

/* What the audit found, for metadata's env: one line of letters, digits and punctuation,
 * and how many violations.  0 or -errno. */
int tracer_verdict(struct tracer *t, const char *text, uint64_t violations);

/* Closes the packets that are still open with the whole events in them, and cuts
 * the files to whole packets.  No doorbell after this.  0 or -errno. */
int tracer_finish(struct tracer *t);

void tracer_destroy(struct tracer *t);

#endif
