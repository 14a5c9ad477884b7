/* version.h - what this vmm calls itself: in --version, and in traces as the one
 * who made them.  The Makefile defines GIT_ID in a clone of the repository. */
#ifndef VMM_VERSION_H
#define VMM_VERSION_H

#ifdef GIT_ID
#define VMM_VERSION "0.1 (" GIT_ID ")"
#else
#define VMM_VERSION "0.1"
#endif

#endif
