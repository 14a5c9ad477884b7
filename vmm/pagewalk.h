/* pagewalk.h - walks the guest's page tables by hand, for reports: shows each
 * entry on the way, also when the walk fails. */
#ifndef VMM_PAGEWALK_H
#define VMM_PAGEWALK_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/gmem.h"

/* Guest physical address of va under the paging mode of s (none, or 4 or 5
 * levels; 32-bit paging is not walked).  False: not mapped, or a table outside
 * RAM.  out: lines about each level, or NULL. */
bool pagewalk(const struct gmem *mem, const struct kvm_sregs *s, uint64_t va, uint64_t *gpa,
              FILE *out);
/* Copies what is mapped of [va, va + n); returns the number of bytes. */
size_t pagewalk_read(const struct gmem *mem, const struct kvm_sregs *s, uint64_t va, void *buf,
                     size_t n);

#endif
