/* layout.c - where the kernel's parts lie: it is the image's place that says it. */
#include "arch/layout.h"

const uint64_t kernel_base = KERNEL_BASE;
const uint64_t direct_map = KERNEL_BASE - DIRECT_MAX;
const uint64_t vmap_base = VMAP_BASE;
