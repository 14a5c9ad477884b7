/* audit.h - the audit that looks during the run.
 *
 *   vmm --audit=dirty       at each doorbell and each TLB flush, the page tables that were stored to since the
 *                           last time, of which KVM's dirty log tells, are those of the events
 *   vmm --audit=trap        each store to a table is an exit, and that of an event (audit_trap.c)
 *   vmm --trace-stop=WHEN   with any audit: so are all tables, where recording stops
 *
 * docs/trace.md says what can be seen and what cannot. */
#ifndef VMM_AUDIT_H
#define VMM_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct audit;
struct vcpu;
struct vm;

/* When the VM's memory, tracer and vCPUs are made; vm->audit.  False after a line. */
bool audit_create(struct vm *vm);
void audit_destroy(struct audit *a);

/* The guest has come to a mark, a TLB flush or a doorbell.  No vCPU is in the guest from when
 * audit_begin() returns to audit_end().  0, or -ENOMEM, and other -errno of what KVM refused. */
int audit_begin(struct vcpu *v, bool is_flush);
void audit_end(struct vcpu *v);

/* The opening checkpoint is written: from here on a store is an exit, if it is to a table that is there, or to
 * one of the frames [first, end).  0 or -errno. */
int audit_tables(struct vcpu *v, uint64_t first, uint64_t end);
/* The store at a KVM_EXIT_MMIO: it is made, if it is to a table.  False: to something else. */
bool audit_store(struct vcpu *v);

/* The VMM is about to write there for the guest, which is no way to write to a table. */
void audit_written(struct vcpu *v, uint64_t gpa, uint64_t bytes);

/* Recording has stopped, at a doorbell, between audit_begin() and audit_end(); or at_rest, at one of the
 * last events, after audit_stop(): all tables are compared, and nothing is any more.  Again: nothing happens. */
void audit_last(struct audit *a, bool at_rest);
/* All vCPUs have stopped: the last look, before the tracer finishes or keep_end().  0 or -errno. */
int audit_stop(struct audit *a);
/* What was found, on out; how many violations.  stopped: recording did, before the machine. */
uint64_t audit_finish(struct audit *a, bool stopped, FILE *out);
bool audit_is_over(const struct audit *a);   /* a mark is nothing any more */
uint64_t audit_looks(const struct audit *a); /* marks, or stores */

#endif
