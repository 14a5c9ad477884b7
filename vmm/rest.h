/* rest.h - after a stop: all vCPUs come to rest together, before an audit.
 *
 * The kernel reports a store to a page table just before it, so a vCPU that a
 * stop finds in between looks like a store that never happened. */
#ifndef VMM_REST_H
#define VMM_REST_H

#include <stdbool.h>

struct rest;
struct vcpu;

void rest_init(struct rest *r);

/* On the vCPU's thread, after the stop.  Lets the vCPU go on until it and all others
 * are at rest: in user mode or halted, with no interrupt pending that another may
 * wait for.  run lets it run until the next kick and says false if it cannot go on;
 * NULL: the vCPU stays where it is and counts as resting.  A vCPU that stays in the
 * kernel for too long (it hangs) ends where it is, with is_amid set. */
void rest_reach(struct vcpu *v, bool (*run)(struct vcpu *v));

/* Is the vCPU, which does not run, in user mode or halted? */
bool rest_is_outside_kernel(const struct vcpu *v);

#endif
