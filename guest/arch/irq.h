/* irq.h - what is done on an interrupt: whoever wants one registers for its vector. */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "lib/base.h"

/* At boot, before the vector can come.  fn is called on the CPU that was interrupted, in the
 * idle loop or on the way in from user mode: no lock is held, interrupts are off. */
void irq_register(uint8_t vector, void (*fn)(void));
void irq_handler(uint8_t vector); /* called by trap.c */

#endif
