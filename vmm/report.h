/* report.h - what is to be known about a guest that died or hangs.  All vCPUs
 * have stopped; everything in guest memory is hostile input. */
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

#include <stdio.h>

struct vm;

/* Reason, registers, code, page walks, tasks, last trace events. */
void report_death(struct vm *vm, FILE *out);
/* Reason, where each vCPU is, tasks. */
void report_timeout(struct vm *vm, FILE *out);
/* --stats: exits by reason and hypercalls by number, per vCPU. */
void report_stats(const struct vm *vm, FILE *out);

#endif
