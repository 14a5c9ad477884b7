/* acpi.h - what is wanted of the ACPI tables: which processors there are. */
#ifndef ENTRY_ACPI_H
#define ENTRY_ACPI_H

#include "lib/base.h"

/* APIC IDs of the enabled processors, in the MADT's order, up to `most`; IDs of 255
 * and more are left out.  Returns how many; 0: there is no table to believe. */
unsigned acpi_processors(uint8_t *apic_id, unsigned most);

#endif
