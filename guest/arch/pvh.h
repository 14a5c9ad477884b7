/* pvh.h - fills in boot_info and the command line's words.  Before any memory
 * is handed out: what the loader left may lie in free RAM. */
#ifndef ARCH_PVH_H
#define ARCH_PVH_H

#include "lib/base.h"

void pvh_init(paddr_t start_info);
/* A page below 640 KiB that nobody uses, 0 if there is none.  Always the same. */
paddr_t pvh_low_page(void);

#endif
