/* status.c - see status.h. */
#include "vmm/trace/lib/status.h"

#include <stdio.h>
#include <stdlib.h>

void out_of_memory(void)
{
    fputs("vmm-trace: out of memory\n", stderr);
    exit(STATUS_TROUBLE);
}
