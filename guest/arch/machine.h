/* machine.h - the machine as a whole: what the loader told, where the kernel lies, the end. */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "lib/base.h"

/* Ends the machine: status goes to whoever started it. */
void machine_exit(int status, int kind /* enum hc_exit_kind */) __attribute__((noreturn));
bool machine_panics(void); /* some CPU has: the others stop */
void machine_stop_here(void) __attribute__((noreturn));

/* guest/kernel.ld: page-aligned */
extern char kernel_start[], text_end[], rodata_end[], kernel_end[];
/* rootimg.asm: for virt_to_phys(): not mapped there */
extern char rootimg_start[], rootimg_end[];

#endif
