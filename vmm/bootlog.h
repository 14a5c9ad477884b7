/* bootlog.h - when each stage of the boot was reached, and at what cost.
 * Marks may come from any thread; each stage counts once, the first time. */
#ifndef VMM_BOOTLOG_H
#define VMM_BOOTLOG_H

#include <stdint.h>
#include <stdio.h>

#include "shared/boot_stages.h"

struct bootlog;
struct vm;

void bootlog_start(struct bootlog *log);
void bootlog_mark(struct vm *vm, enum boot_stage stage, uint64_t pte_writes, uint64_t faults);
/* --boot-report into its file, as a picture if the name ends in .svg, else as JSON; closes f.
 * 0 or -errno.  All vCPUs have stopped, as for the two below. */
int bootlog_write(const struct vm *vm, FILE *f);
const char *bootlog_stage_name(enum boot_stage stage);

/* bootview.c: a table, and an SVG. */
void bootlog_print(const struct vm *vm, FILE *f);
void bootlog_draw(const struct vm *vm, FILE *f);

#endif
