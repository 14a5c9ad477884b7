/* rest.h - after a stop: all vCPUs come to rest together, before an audit.
 *
 * The kernel reports a store to a page table just before it, so a vCPU that a
 * stop finds in between looks like a store that never happened. */
#ifndef VMM_REST_H
#define VMM_REST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vcpu;

struct rest { /* one per VM */
    pthread_mutex_t lock;
    pthread_cond_t all;
    unsigned resting;  /* vCPUs that are */
    bool over;         /* all were, or the time is up */
    uint64_t until_ns; /* CLOCK_MONOTONIC; 0: nobody came here yet */
};

void rest_init(struct rest *r);

/* On the vCPU's thread, after the stop.  Lets the vCPU go on until it and all others
 * are at rest: in user mode or halted, with no interrupt pending that another may
 * wait for.  run lets it run until the next kick and says false if it cannot go on;
 * NULL: the vCPU stays where it is and counts as resting.  A vCPU that stays in the
 * kernel for too long (it hangs) ends where it is, with is_amid set. */
void rest_reach(struct vcpu *v, bool (*run)(struct vcpu *v));

#endif
