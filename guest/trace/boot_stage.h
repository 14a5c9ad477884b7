/* boot_stage.h - how far the boot has come. */
#ifndef TRACE_BOOT_STAGE_H
#define TRACE_BOOT_STAGE_H

#include "shared/boot_stages.h"

void boot_stage(int stage /* enum boot_stage */); /* marks it once, to VMM and trace */

#endif
