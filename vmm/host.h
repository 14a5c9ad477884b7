/* host.h - what kind of KVM this host has.  A guest must behave the same on
 * all of them; what differs is what is cheap (HC_CAP_PAGE_OPS, HC_CAP_INTERPRETED) and what ring 0
 * can execute at all (emulate.h). */
#ifndef VMM_HOST_H
#define VMM_HOST_H

#include <stdbool.h>
#include <stdio.h>

enum host_flavour { HOST_VMX, HOST_SVM, HOST_PVM };

enum host_flavour host_flavour(void);
const char *host_flavour_name(void);   /* "vmx", "svm", "pvm" */
const char *host_and_ring(bool ring3); /* "pvm-ring3" if the kernel runs there, else "pvm" */
/* Ring 0 of the guest is interpreted, instruction by instruction. */
bool host_interprets_ring0(void);
/* The processor walks the guest's page tables itself (EPT, NPT), as far as that can be known. */
bool host_walks_tables(void);
/* Three lines: flavour, second-level paging, kernel release. */
void host_describe(FILE *out);

#endif
