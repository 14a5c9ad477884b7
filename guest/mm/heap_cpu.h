/* heap_cpu.h - freed objects that a CPU keeps for the next kmalloc(): heap.c. */
#ifndef MM_HEAP_CPU_H
#define MM_HEAP_CPU_H

#define HEAP_CLASSES 14

struct heap_cpu {
    void *first;
    unsigned long n;
}; /* linked by their first words; how many */

#endif
