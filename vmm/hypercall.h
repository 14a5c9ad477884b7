/* hypercall.h (vmm) - carries out the call that a vCPU has just made by
 * `out HC_PORT, eax`; shared/hypercall.h says what the calls are. */
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

struct vcpu;

/* Arguments and result are in the synced registers of v->run. */
void hypercall(struct vcpu *v);

/* The same for `out HC_TRACE_PORT, eax`, where there is a trace. */
void trace_call(struct vcpu *v);

#endif
