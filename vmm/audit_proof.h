/* audit_proof.h - whether this host's KVM lets --audit=trap be (audit_trap.c). */
#ifndef VMM_AUDIT_PROOF_H
#define VMM_AUDIT_PROOF_H

/* Tries it out with a small VM, which takes some milliseconds.  kvm: /dev/kvm, open.  Before any thread: it
 * uses SIGALRM.  NULL: it can be; or why not. */
const char *audit_proof(int kvm);

#endif
