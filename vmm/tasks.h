/* tasks.h - what each task of the guest is doing, from the records that it
 * publishes (shared/inspect.h).  The guest has stopped; nothing in the records
 * is trusted. */
#ifndef VMM_TASKS_H
#define VMM_TASKS_H

#include <stdint.h>
#include <stdio.h>

struct vm;

struct task_name {
    uint32_t pid, mm; /* mm: 0, none but the kernel's */
    char comm[17];    /* printable */
};

/* The task that runs on a CPU; pid 0: none, or it is not known. */
void tasks_running(const struct vm *vm, unsigned cpu, struct task_name *name);

/* All of them: state, what each waits for, on whom, since when. */
void tasks_print(const struct vm *vm, FILE *out);

/* One line, if programs asked for system calls that the kernel does not have: which, and how often. */
void tasks_note_vain(const struct vm *vm);

#endif
