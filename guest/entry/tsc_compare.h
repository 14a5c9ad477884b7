/* tsc_compare.h - one clock for all processors. */
#ifndef ENTRY_TSC_COMPARE_H
#define ENTRY_TSC_COMPARE_H

#include "lib/base.h"

/* First of all it looks whether the counters can be relied on.  A processor
 * that starts compares its TSC with the boot CPU's, which serves it meanwhile.  One
 * at a time. */
void tsc_start(void);
struct tsc_offset {
    int64_t offset;
    uint64_t error;
}; /* to add here for the boot CPU's, +- */
bool tsc_compare(struct tsc_offset *found, const uint32_t *go_on); /* while *go_on is as it was.
                                 * false: given up, or the counter is far off and stays it */
bool tsc_serve(void);                                              /* answers if asked */

#endif
