/* save.h - `--save` and `--out`: what the guest has in its files when it ends, written on the host.
 *
 * Who writes is `vmm-root --keep`, a process that opens what it will write to before the VM runs, and is in
 * a sandbox of its own. */
#ifndef VMM_ROOT_SAVE_H
#define VMM_ROOT_SAVE_H

#include <stdbool.h>

#include "vmm/options.h"

struct vm;

struct save {
    int to, answer; /* pipes; -1: nothing is to be kept */
};

/* Before the sandbox closes.  False after one line. */
bool save_open(struct save *s, const struct options *opt);
/* All vCPUs have stopped.  False after a line. */
bool save_run(struct save *s, const struct vm *vm);

#endif
