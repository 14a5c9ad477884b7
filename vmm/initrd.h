/* initrd.h - the root image of --initrd, as a kernel will find it. */
#ifndef VMM_INITRD_H
#define VMM_INITRD_H

#include <stdbool.h>

#include "vmm/bootinfo.h"
#include "vmm/image.h"
#include "vmm/options.h"

/* False after one line on stderr. */
bool initrd_open(const struct options *opt, const struct image *kernel, struct boot_module *m);

#endif
