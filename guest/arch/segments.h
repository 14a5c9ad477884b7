/* segments.h - the segment registers of a program, and the register that says where its LDT is.  Only programs
 * that have an LDT (mm/ldt.h) need them saved; for all others they are what the hardware holds. */
#ifndef ARCH_SEGMENTS_H
#define ARCH_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct segments {
    uint16_t ds, es, fs, gs;
};

#define LDT_SEL      0x50 /* in the GDT, behind the TSS */
#define SELECTOR_LDT 4u   /* the bit that says where the descriptor is */
#define LDT_ENTRIES  8192u

/* This CPU's, as the program has them. */
struct segments segments_read(void);
/* Loads them; each selector's descriptor must be one that user mode may load.  The bases of FS and GS
 * are then the descriptors'. */
void segments_load(const struct segments *s);
void segments_load_data(uint16_t ds, uint16_t es);
/* This CPU's LDT: that many entries at `base`, mapped for ring 0; 0: none. */
void segments_load_ldt(uint64_t base, unsigned entries);

#endif
