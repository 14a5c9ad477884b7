/* device.h - between the files of arch/ that drive the PC's devices. */
#ifndef ARCH_DEVICE_H
#define ARCH_DEVICE_H

#include "arch/regs.h"
#include "lib/base.h"

#define UART_PIN 4 /* COM1's interrupt, ISA and IOAPIC alike */

/* apic.c */
void apic_init(void);        /* boot CPU's local APIC, the IOAPIC's pins masked; after mm_init */
void apic_init_ap(void);     /* another CPU's, with its timer */
void apic_timer_start(void); /* boot CPU */
void apic_timer_rate(void);  /*   then, once tsc_khz is known */
void apic_timer_arm(uint64_t tsc); /* fires when the TSC gets there; UINT64_MAX: off */
void ioapic_route(unsigned pin, uint8_t vector); /* edge-triggered, to the boot CPU */

/* Other processors, by APIC ID: INIT; SIPI with a page below 1 MiB. */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, paddr_t page);
void apic_send_nmi_to_others(void);

/* clock.c */
uint64_t clock_tsc_after(uint64_t ns); /* TSC ticks in ns */

/* uart.c */
void uart_interrupt(void);
/* console_write() without its lock, for a panic.  s: in the image or the direct map. */
void uart_send(const char *s, size_t n);

#endif
