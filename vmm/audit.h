/* audit.h - the audit that looks during the run: at each doorbell and each TLB flush, the page
 * tables that were stored to since the last time equal those that the events tell of.
 *
 *   vmm --audit=dirty       which ones those are, KVM's dirty log says
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

/* All vCPUs have stopped: the last look, before the tracer finishes.  0 or -errno. */
int audit_stop(struct audit *a);
/* What was found, on out; how many violations. */
uint64_t audit_finish(struct audit *a, FILE *out);
uint64_t audit_marks(const struct audit *a);

#endif
