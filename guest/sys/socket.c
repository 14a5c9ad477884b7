/* socket.c - socket(2).  The kernel has no address family: what a program is told
 * is what Linux says of a family that is not configured, and programs that can do
 * without go on. */
#include "arch/syscall.h"

SYSCALL3(socket, int, family __attribute__((unused)), int, type __attribute__((unused)), int,
         protocol __attribute__((unused)))
{
    return -EAFNOSUPPORT;
}
