/* irq.c - from an interrupt's vector to who has registered for it.  The table is filled at
 * boot, by those above: arch/ knows none of them. */
#include "arch/irq.h"
#include "arch/apic.h"
#include "arch/regs.h"

static void (*handlers[256 - IRQ_BASE])(void); /* [k] */

void irq_register(uint8_t vector, void (*fn)(void)) { handlers[vector - IRQ_BASE] = fn; }

/* Acknowledged first: nothing nests, as interrupts stay off. */
void irq_handler(uint8_t vector)
{
    void (*fn)(void) = handlers[vector - IRQ_BASE];
    if (vector == IRQ_SPURIOUS)
        return;
    apic_eoi();
    if (fn != NULL)
        fn();
}
