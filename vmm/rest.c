/* rest.c - see rest.h.
 *
 * A vCPU in user mode, or halted, is between two operations of the kernel, and stays
 * there by not being run.  But another may be inside an operation that waits for it, for
 * a shootdown of translations: that one asks with an interrupt.  So a resting vCPU looks
 * once in a while whether one is pending, and then runs until it is at rest again.  A
 * lock cannot be waited for, since who rests holds none.
 *
 * The main thread's signals end each run after a millisecond: see vcpu_join_all(). */
#include "vmm/rest.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "vmm/in_kernel.h"
#include "vmm/vm.h"

#define LIMIT_NS     1000000000ull /* and for each vCPU, since they share the host: */
#define LIMIT_CPU_NS 30000000ull
#define LOOK_NS      1000000ull
#define LAPIC_IRR    0x200 /* eight words, 16 bytes apart */

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void rest_init(struct rest *r)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->all, &attr);
    pthread_condattr_destroy(&attr);
}

bool rest_is_outside_kernel(const struct vcpu *v)
{
    struct kvm_regs r;
    struct kvm_sregs s;
    struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
    return ioctl(v->fd, KVM_GET_MP_STATE, &mp) == 0 &&
           (mp.mp_state != KVM_MP_STATE_RUNNABLE ||
            (ioctl(v->fd, KVM_GET_SREGS, &s) == 0 && ioctl(v->fd, KVM_GET_REGS, &r) == 0 &&
             !vcpu_in_kernel(&r, &s)));
}

static bool has_interrupt(const struct vcpu *v)
{
    struct kvm_lapic_state apic;
    if (ioctl(v->fd, KVM_GET_LAPIC, &apic) != 0)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t word;
        memcpy(&word, apic.regs + LAPIC_IRR + 16 * i, sizeof(word));
        if (word != 0)
            return true;
    }
    return false;
}

/* Waits until it is over (true) or the vCPU is wanted (false).  lock held. */
static bool wait_for_others(struct rest *r, const struct vcpu *v, bool may_run)
{
    if (++r->resting == v->vm->ncpus) {
        r->over = true;
        pthread_cond_broadcast(&r->all);
    }
    while (!r->over) {
        uint64_t now = now_ns(), at = now + LOOK_NS;
        struct timespec ts = { (time_t)(at / 1000000000), (long)(at % 1000000000) };
        pthread_cond_timedwait(&r->all, &r->lock, &ts);
        if (!r->over && now >= r->until_ns) {
            r->over = true;
            pthread_cond_broadcast(&r->all);
        }
        if (!r->over && may_run && has_interrupt(v)) {
            r->resting--;
            return false;
        }
    }
    return true;
}

static bool is_at_rest(const struct vcpu *v)
{
    return rest_is_outside_kernel(v) && !has_interrupt(v);
}

void rest_reach(struct vcpu *v, bool (*run)(struct vcpu *v))
{
    struct rest *r = &v->vm->rest;

    pthread_mutex_lock(&r->lock);
    if (r->until_ns == 0)
        r->until_ns = now_ns() + LIMIT_NS + v->vm->ncpus * LIMIT_CPU_NS;
    while (!r->over) {
        if (run == NULL || is_at_rest(v)) {
            if (wait_for_others(r, v, run != NULL))
                break;
        }
        pthread_mutex_unlock(&r->lock);
        if (!run(v))
            run = NULL;
        pthread_mutex_lock(&r->lock);
        r->over |= now_ns() >= r->until_ns;
    }
    pthread_mutex_unlock(&r->lock);
    v->is_amid = run != NULL && !rest_is_outside_kernel(v);
}
