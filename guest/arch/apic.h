/* apic.h - interrupt controllers, the timer in them, and messages to other CPUs. */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

#include "arch/regs.h"
#include "lib/base.h"

/* Boot CPU's local APIC, the IOAPIC's pins masked.  map: maps registers, for ever. */
void apic_init(void *(*map)(paddr_t at, size_t n));
void apic_init_ap(void);           /* another CPU's, with its timer */
void apic_timer_start(void);       /* boot CPU */
void apic_timer_rate(void);        /*   then, once tsc_khz is known */
void apic_timer_arm(uint64_t tsc); /* fires when the TSC gets there; UINT64_MAX: off */
void ioapic_route(unsigned pin, uint8_t vector); /* edge-triggered, to the boot CPU */

void apic_eoi(void);
bool apic_may_wait(void); /* may an interrupt wait to come in here?  x2APIC: does one? */
/* IRQ_RESCHED or IRQ_TLB to another CPU.  It sees what was stored before. */
void apic_send_ipi(unsigned cpu, uint8_t vector);

/* Other processors, by APIC ID: INIT; SIPI with a page below 1 MiB. */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, paddr_t page);
void apic_send_nmi_to_others(void);

#endif
