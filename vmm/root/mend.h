/* mend.h - files of a root image that became shorter while the machine runs.
 *
 * A page that a file has lost cannot be had again, and who touches it gets an error: KVM_RUN with EFAULT, or
 * SIGBUS.  Then zeros are put in its place, and the index says to the kernel from which page on the file is
 * lost; that gives EIO or SIGBUS to its programs. */
#ifndef VMM_ROOT_MEND_H
#define VMM_ROOT_MEND_H

#include <stdbool.h>

#include "vmm/root/image.h"

/* Before the sandbox closes: what mending needs.  False after one line. */
bool root_mend_prepare(struct root_image *im);
/* Looks at all files.  *seen is the caller's own, 0 at first.  True: something was mended, by the caller or
 * since it was here last.  Any thread, a signal handler's too. */
bool root_mend(struct root_image *im, unsigned *seen);

#endif
