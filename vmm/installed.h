/* installed.h - where `make install` has put kernels. */
#ifndef VMM_INSTALLED_H
#define VMM_INSTALLED_H

/* `name` as it is if it has a slash or is a file here; else the one of that name in
 * ../lib/forkscope, seen from the directory that vmm is in, if there is one.  What a user means
 * comes first, and an installed tree may be moved. */
const char *installed_kernel(const char *name);

#endif
