/* cpus.c - sets of CPUs, as Linux writes them. */
#include "arch/cpu.h"
#include "pseudofs/text.h"

/* In words of 32 bits from the left, as many digits as there are CPUs for. */
void text_cpu_map(struct text *t, uint64_t mask)
{
    unsigned low = MIN(ncpus, 32u), high = ncpus - low;
    if (high != 0)
        text_printf(t, "%0*lx,", (int)(high + 3) / 4, mask >> 32);
    text_printf(t, "%0*lx\n", (int)(low + 3) / 4, mask & UINT32_MAX);
}

/* Ranges. */
void text_cpu_list(struct text *t, uint64_t mask)
{
    const char *comma = "";
    for (unsigned cpu = 0, last; cpu < ncpus; cpu = last + 1) {
        for (last = cpu; last + 1 < ncpus && (mask >> cpu & mask >> (last + 1) & 1);)
            last++;
        if (!(mask >> cpu & 1))
            continue;
        text_printf(t, "%s%u", comma, cpu);
        if (last != cpu)
            text_printf(t, "-%u", last);
        comma = ",";
    }
    text_printf(t, "\n");
}
