/* smp.h - the other processors: how they are started and told things. */
#ifndef ENTRY_SMP_H
#define ENTRY_SMP_H

#include "lib/base.h"

/* The boot CPU, when the scheduler works: all processors of the MADT begin to
 * start.  Returns without waiting for them. */
void smp_start(void);
/* The boot CPU, before the first user instruction: waits until they run, and has
 * counted them in ncpus then.  Who does not come is reported and left out. */
void smp_finish(void);

/* A loop that waits for another CPU during the start:
 *     struct smp_wait w = smp_wait_begin();
 *     while (condition)
 *         smp_wait(&w);
 *     smp_wait_end();
 * It spins for a moment, then halts.  Who has made the condition false calls
 * smp_tell() for that CPU. */
struct smp_wait {
    uint64_t since;
};
struct smp_wait smp_wait_begin(void);
void smp_wait(struct smp_wait *w);
void smp_wait_end(void);
void smp_tell(unsigned cpu);

void ap_main(unsigned id) __attribute__((noreturn)); /* boot.asm */

#endif
