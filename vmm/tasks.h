/* tasks.h - what each task of the guest is doing, from the records that it
 * publishes (shared/inspect.h).  The guest has stopped; nothing in the records
 * is trusted. */
#ifndef VMM_TASKS_H
#define VMM_TASKS_H

#include <stdio.h>

struct vm;

void tasks_print(const struct vm *vm, FILE *out);

#endif
