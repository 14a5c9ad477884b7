/* load.c - load averages: who runs or could run.
 *
 * A parent blocked in vfork has state D, but is not counted, unlike in Linux: it waits
 * for its own child's instructions, not for a device, and the child is counted already. */
#include "sched/load.h"
#include "arch/clock.h"
#include "sched/runq.h"

#define LOAD_PERIOD (5 * NSEC_PER_SEC)

static struct spinlock load_lock = SPINLOCK_INIT(LOCK_load);
uint64_t load_next;
static uint32_t load[3]; /* [load_lock] 16.16 */

void load_init(void) { load_next = clock_mono_ns() + LOAD_PERIOD; }

static unsigned running_now(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ncpus; i++)
        n += runqs[i].n + (cpus[i].running != cpus[i].idle);
    return n;
}

/* Averages over 1, 5 and 15 minutes: every 5 s, load += (n - load) * (1 - e^(-5/T)).
 * Called before what runs changes, so n is what it was since the last time. */
SLOW_PATH void load_update(uint64_t now)
{
    static const uint32_t share[3] = { 5236, 1083, 363 }; /* of 65536 */
    unsigned n = running_now();

    spin_lock(&load_lock);
    if (now > load_next + 4 * 900 * NSEC_PER_SEC)
        load_next = now - 4 * 900 * NSEC_PER_SEC; /* the rest is forgotten anyway */
    for (; load_next <= now; load_next += LOAD_PERIOD) {
        for (unsigned i = 0; i < 3; i++) {
            int64_t diff = ((int64_t)n << 16) - load[i];
            load[i] += (uint32_t)(diff * share[i] / 65536);
        }
    }
    spin_unlock(&load_lock);
}

uint64_t sched_loadavg(unsigned i)
{
    load_look(clock_mono_ns());
    return load[i];
}
