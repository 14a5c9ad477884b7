/* heap.h - kernel objects of up to a page, from power-of-two and a few other
 * size classes.  Any context; NULL when memory is out.  Larger things are built
 * from frames. */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "lib/base.h"

#define KMALLOC_MAX PAGE_SIZE
void *kmalloc(size_t n);
void *kzalloc(size_t n);
void kfree(void *p); /* NULL is fine */
#if MEMCHECK
size_t heap_room(const void *p); /* bytes of the object's slot */
#endif
/* Pages of the heap, and bytes of the objects in use; exact while nobody allocates. */
/* Memory is short: free slabs go, and what this CPU keeps.  False: nothing, or not now. */
bool heap_give_back(void);
void heap_count(uint64_t *pages, uint64_t *in_use);

#endif
