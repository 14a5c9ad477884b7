/* audit_slots.h - guest RAM in memslots of which those with page tables are read-only to the guest, and
 * how KVM is made to forget the translations that it has made of them. */
#ifndef VMM_AUDIT_SLOTS_H
#define VMM_AUDIT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct slots;
struct vm;

struct slots *slots_new(const struct vm *vm); /* NULL: no memory */
void slots_free(struct slots *s);             /* NULL is fine */

/* The frames [first, end) are to be read-only; they need not be RAM.  False: too many pieces. */
bool slots_add(struct slots *s, uint64_t first, uint64_t end);
/* Once, with no vCPU in the guest, in place of RAM's slots: 0, or -errno after a line. */
int slots_install(struct slots *s);
/* It is one of them, and they are installed. */
bool slots_has(const struct slots *s, uint64_t pfn);
/* The first of them in [first, last]; 0: there is none. */
uint64_t slots_first(const struct slots *s, uint64_t first, uint64_t last);
/* With no vCPU in the guest: KVM forgets all translations.  0 or -errno. */
int slots_forget(struct slots *s);

#endif
