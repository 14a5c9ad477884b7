/* gmem.h - guest physical memory, as the VMM sees it.
 *
 * RAM is one anonymous mapping, made once; it never moves.  As on PCs there is
 * a hole below 4 GiB for devices: at most GMEM_LOW_MAX bytes lie from address
 * 0 on, the rest from 4 GiB on.  gmem_span() is the only way from a guest
 * address to a host pointer; any thread may call it. */
#ifndef VMM_GMEM_H
#define VMM_GMEM_H

#include <stddef.h>
#include <stdint.h>

#define GMEM_PAGE      4096ull
#define GMEM_LOW_MAX   (3ull << 30) /* RAM below the hole */
#define GMEM_HIGH_BASE (4ull << 30) /* where RAM goes on above it */

/* The PC's BIOS area: there, but no memory map calls it RAM (bootinfo.h). */
#define BOOT_RESERVED_START 0xa0000u
#define BOOT_RESERVED_END   0x100000u

struct gmem; /* fields live in gmem.c */

/* bytes: a multiple of GMEM_PAGE.  0 or -errno. */
int gmem_create(struct gmem **out, uint64_t bytes);
void gmem_destroy(struct gmem *m);

/* Host pointer to guest [gpa, gpa + len), or NULL unless all of it is RAM, or was added.
 * The guest may be writing there right now: copy a field out once, then check
 * the copy. */
void *gmem_span(const struct gmem *m, uint64_t gpa, size_t len);

uint64_t gmem_low_bytes(const struct gmem *m);  /* RAM from 0 on */
uint64_t gmem_high_bytes(const struct gmem *m); /* RAM from 4 GiB on */
uint64_t gmem_end(const struct gmem *m);        /* first address above all RAM and what was added */

/* Memory that the guest has besides its RAM: [at, at + bytes), which stays the caller's, once.
 * Returns its guest address: the next 2 MiB above RAM, above 4 GiB if it does not fit below the hole. */
uint64_t gmem_add(struct gmem *m, uint8_t *at, uint64_t bytes);

/* Put bytes [offset, offset + len) of the file at gpa, which must be RAM: whole
 * pages of it are mapped copy-on-write when file and address are page-aligned
 * and there are many of them, the rest is read.  0 or -errno; -ENODATA when
 * the file is shorter.  Only before the first vCPU runs. */
int gmem_place_file(struct gmem *m, uint64_t gpa, int fd, uint64_t offset, uint64_t len);

#endif
