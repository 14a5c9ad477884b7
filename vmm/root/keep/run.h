/* run.h - vmm-root --keep, from the command line and from its pipe on. */
#ifndef VMM_ROOT_KEEP_RUN_H
#define VMM_ROOT_KEEP_RUN_H

#include <stdbool.h>

struct target;

/* main.c */
int keep_main(char **word); /* after --keep.  The status */

/* run.c */
/* Takes records until the pipe ends.  True: all targets are whole. */
bool keep_run(int in, struct target *target, unsigned n);

#endif
