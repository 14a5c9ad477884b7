/* acpi.h - the tables with which a kernel finds CPUs and interrupts.
 * Writes RSDP (at the start), XSDT, FADT, DSDT and MADT into `area`, which the
 * guest sees at address `at`. */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include <stddef.h>
#include <stdint.h>

void acpi_write(void *area, uint32_t at, size_t bytes, unsigned ncpus);

#endif
