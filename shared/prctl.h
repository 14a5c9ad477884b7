/* prctl.h - prctl(2) operations that Linux does not have.  Programs may copy these lines.
 *
 * PR_SET_FORK_TABLES: what fork of this process does with page tables full of private memory;
 * inherited, and kept by exec.  FORK_TABLES_*; others: EINVAL.
 * PR_GET_FORK_TABLES: returns it.  The kernel's word mm.fork=copy|share says what
 * init has; without it, it shares. */
#ifndef SHARED_PRCTL_H
#define SHARED_PRCTL_H

#define PR_SET_FORK_TABLES 0x4653c001
#define PR_GET_FORK_TABLES 0x4653c002
#define FORK_TABLES_COPY   0 /* each used entry is copied, as by most kernels; a huge page has one */
#define FORK_TABLES_SHARE  1 /* the table is shared until somebody would write to it */

#endif
