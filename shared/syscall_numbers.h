/* syscall_numbers.h - numbers of system calls that came after the headers of Linux 6.1, which
 * Debian 12 has: for those who include <asm/unistd.h> before it. */
#ifndef SHARED_SYSCALL_NUMBERS_H
#define SHARED_SYSCALL_NUMBERS_H

#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

#endif
