/* syscalls.h (vmm/trace) - Linux's system calls: their names, and what the arguments are of
 * those that the kernel has (shared/syscalls.h). */
#ifndef VMM_TRACE_SYSCALLS_H
#define VMM_TRACE_SYSCALLS_H

#include <stdint.h>
#include <stdio.h>

#define SYSCALL_ARGS 6u

const char *syscall_name(unsigned nr); /* NULL: none has that number */

/* How many arguments the call takes; SYSCALL_ARGS if that is not known. */
unsigned syscall_args(unsigned nr);
/* "FD", "PTR", ...: the kinds of shared/syscalls.h. */
const char *syscall_arg_kind(unsigned nr, unsigned i);
/* Argument i of the call, as its kind wants it. */
void syscall_format_arg(FILE *out, unsigned nr, unsigned i, uint64_t value);

#endif
