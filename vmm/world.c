/* world.c - see world.h.
 *
 * A kick is a signal whose handler sets kvm_run.immediate_exit.  It is sent to those inside only, and
 * nobody clears immediate_exit there: the loop does after KVM_RUN has returned, outside.  So no
 * kick is missed. */
#include "vmm/world.h"

#include "vmm/vm.h"

void world_init(struct world *w, void (*kick)(struct vcpu *v))
{
    w->kick = kick;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->change, NULL);
}

void world_enter(struct vcpu *v)
{
    struct world *w = &v->vm->world;
    pthread_mutex_lock(&w->lock);
    while (w->wanted)
        pthread_cond_wait(&w->change, &w->lock);
    v->inside = true;
    w->inside++;
    pthread_mutex_unlock(&w->lock);
}

void world_leave(struct vcpu *v)
{
    struct world *w = &v->vm->world;
    pthread_mutex_lock(&w->lock);
    v->inside = false;
    w->inside--;
    if (w->wanted)
        pthread_cond_broadcast(&w->change);
    pthread_mutex_unlock(&w->lock);
}

void world_stop(struct vcpu *v)
{
    struct world *w = &v->vm->world;
    pthread_mutex_lock(&w->lock);
    while (w->wanted) /* another one's turn */
        pthread_cond_wait(&w->change, &w->lock);
    w->wanted = true;
    for (unsigned c = 0; c < v->vm->ncpus; c++)
        if (v->vm->vcpu[c].inside)
            w->kick(&v->vm->vcpu[c]);
    while (w->inside > 0)
        pthread_cond_wait(&w->change, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void world_go(struct vcpu *v)
{
    struct world *w = &v->vm->world;
    pthread_mutex_lock(&w->lock);
    w->wanted = false;
    pthread_cond_broadcast(&w->change);
    pthread_mutex_unlock(&w->lock);
}
