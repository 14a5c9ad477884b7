/* privilege.h - when everything is open, the VMM gives up what it needed for that.
 *
 * Nothing here depends on the system call filter (sandbox.h): who got around one of the
 * two would still meet the other. */
#ifndef VMM_PRIVILEGE_H
#define VMM_PRIVILEGE_H

#include <stdbool.h>

/* Before the first thread is made, so that all have it: closes descriptors that vmm was
 * started with, other than 0, 1 and 2; drops all capabilities; no program that is executed
 * can gain any; no path can be opened or changed any more, where the kernel has Landlock.
 * What is open stays usable.  False after one line. */
bool privilege_drop(void);
/* The same, but files may be made, written and removed beneath these directories. */
bool privilege_drop_but(const int *dir, unsigned n);

/* After that: no further descriptor, and no core file.  False after one line. */
bool privilege_limit(void);

#endif
