/* world.h - one vCPU's thread stops all others at once, outside of KVM_RUN, to look at
 * memory and trace while neither changes.  For the audit that looks during the run; nobody else
 * pays for it.
 *
 * Each KVM_RUN lies between world_enter() and world_leave().  world_stop() is called by a vCPU's
 * thread that has left; when it returns, no vCPU is in the guest, and none enters it before
 * world_go().  Nothing is waited for but exits from KVM_RUN, which a signal forces, so who is in a
 * system call meanwhile, a full pipe's for instance, keeps nobody waiting. */
#ifndef VMM_WORLD_H
#define VMM_WORLD_H

struct vcpu;
struct world; /* in vm.h */

void world_init(struct world *w, void (*kick)(struct vcpu *v));
void world_enter(struct vcpu *v);
void world_leave(struct vcpu *v);
void world_stop(struct vcpu *v);
void world_go(struct vcpu *v);

#endif
