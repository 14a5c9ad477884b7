/* exec.h - another program for current. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "lib/base.h"

/* /proc/sys/kernel/randomize_va_space.  0: programs lie where they always do; 1: the heap
 * begins behind the program. */
extern uint32_t randomize_va_space; /* [a] */

/* exec_calls.c: on success current->uregs hold the program's start: return to user mode
 * with them. */
long exec_user(const char *path, uaddr_t argv, uaddr_t envp); /* execve(2) */
long exec_kernel(const char *path, const char *const argv[],
                 const char *const envp[]); /* PID 1's */
long exec_kernel_fd(int fd, const char *name, const char *const argv[], const char *const envp[]);

#endif
