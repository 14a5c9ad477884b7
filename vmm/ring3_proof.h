/* ring3_proof.h - whether what a kernel in ring 3 rests on (docs/native.md) holds on this host. */
#ifndef VMM_RING3_PROOF_H
#define VMM_RING3_PROOF_H

#include <stdbool.h>

/* Tries it out with a small VM, which takes some milliseconds, and remembers in a file that it
 * holds, as long as the host is not booted again.  kvm: /dev/kvm, open.  Before any thread: it uses
 * SIGALRM. */
bool ring3_proof(int kvm);

#endif
