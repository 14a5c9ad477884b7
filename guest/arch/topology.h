/* topology.h - how CPUs and caches lie to each other, as CPUID says: threads of a core and cores of a
 * package have the same APIC ID but for its lowest bits, and so have CPUs that share a cache. */
#ifndef ARCH_TOPOLOGY_H
#define ARCH_TOPOLOGY_H

#include "lib/base.h"

/* So many bits of the APIC ID are below ... */
struct topology {
    uint32_t core_shift, package_shift;
};
struct cache {
    uint32_t type; /* 1 data, 2 instruction, 3 unified */
    uint32_t level, line_bytes, partitions, ways, sets;
    uint32_t shift; /* CPUs that share it are the same above */
};

void topology_ask(struct topology *t);
/* The n-th of each CPU; false: there are no more. */
bool topology_cache(uint32_t n, struct cache *c);
uint64_t topology_group(uint32_t cpu, uint32_t shift); /* CPUs whose IDs are the same above */

#endif
