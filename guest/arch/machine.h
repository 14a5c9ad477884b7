/* machine.h - the machine outside the CPU: start info, console, interrupts, the end. */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "lib/base.h"
#include "shared/boot_stages.h"

/* From the PVH start info, copied out and checked.  RAM regions are sorted,
 * page-aligned, do not overlap. */
struct ram_region {
    paddr_t start, end;
};
struct boot_module {
    paddr_t start;
    uint64_t bytes;
    bool replaces_root; /* "root", else add */
};
#define MAX_RAM_REGIONS 8
#define MAX_MODULES     32
struct boot_info {
    unsigned nregions, nmodules;
    struct ram_region region[MAX_RAM_REGIONS];
    struct boot_module module[MAX_MODULES];
    paddr_t rsdp;
    const char *cmdline; /* NUL-terminated, in the direct map; "" if none */
};
extern struct boot_info boot_info;
extern char kernel_start[], text_end[], rodata_end[],
    kernel_end[];                           /* linker script, page-aligned */
extern char rootimg_start[], rootimg_end[]; /* for virt_to_phys(): not mapped there */

/* Console hardware.  write: any CPU, one line at a time is atomic.  Input
 * arrives as console_input() (tty/tty.h) calls from the UART's interrupt. */
void console_write(const char *s, size_t n);
void console_hold(bool on);  /* no receive interrupt while on: the sender waits */
void console_init_irq(void); /* UART receive interrupt through the IOAPIC */

void irq_handler(uint8_t vector);
void apic_eoi(void);
/* IRQ_RESCHED or IRQ_TLB to another CPU.  It sees what was stored before. */
void apic_send_ipi(unsigned cpu, uint8_t vector);

/* Ends the machine: status goes to whoever started it.  Trace is flushed first. */
void machine_exit(int status, int kind /* enum hc_exit_kind */) __attribute__((noreturn));
bool machine_panics(void); /* some CPU has: the others stop */
void machine_stop_here(void) __attribute__((noreturn));
/* Real entropy: the VMM's, RDRAND, else timing noise; through ChaCha-like mixing
 * so that a call costs no exit.  Any context. */
void random_bytes(void *to, size_t n);
void boot_stage(int stage /* enum boot_stage */); /* marks it once, to VMM and trace */

#endif
