/* idmap.h - a record for each number: of a task, an address space, a frame. */
#ifndef VMM_TRACE_IDMAP_H
#define VMM_TRACE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap;

/* A record begins with its number, a uint32_t, and never moves. */
struct idmap *idmap_new(size_t record_size); /* NULL: no memory */
void idmap_free(struct idmap *m);            /* NULL is fine */

void *idmap_find(struct idmap *m, uint32_t id);  /* NULL: none */
void *idmap_get(struct idmap *m, uint32_t id);   /* zeroed when new; NULL: no memory */
void idmap_remove(struct idmap *m, uint32_t id); /* none: nothing happens */
size_t idmap_count(const struct idmap *m);

/* In no order.  visit() must not add or remove. */
void idmap_each(struct idmap *m, void (*visit)(void *arg, void *record), void *arg);

#endif
