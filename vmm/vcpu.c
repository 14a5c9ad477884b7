/* vcpu.c - runs a vCPU: one thread, one loop, which only routes exits.
 *
 * Stopping: vm_stop() sets stop->asked, and the console's thread sends each
 * vCPU thread a signal.  Its handler sets kvm_run.immediate_exit, so that a
 * KVM_RUN that was about to start returns at once: no stop is missed.  A
 * thread that waits elsewhere, for instance in write(2) on a full pipe, gets
 * EINTR; as that signal may come just before the wait begins, join_all() keeps
 * sending it until the thread is gone.  Anybody else's SIGUSR1 only makes the
 * thread look up.  These signals are also the clock by which
 * vCPUs that go on to a place of rest (rest.h) look where they are. */
#include "vmm/vcpu.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "vmm/audit.h"
#include "vmm/emulate.h"
#include "vmm/host.h"
#include "vmm/hypercall.h"
#include "vmm/kvm_stats.h"
#include "vmm/rest.h"
#include "vmm/root/mend.h"
#include "vmm/sandbox.h"
#include "vmm/say.h"
#include "vmm/world.h"

#define KICK_SIGNAL SIGUSR1
#define KICK_NS     1000000 /* between two of join_all()'s signals */
#define XCR0_VECTOR 0xe7u   /* x87, SSE, AVX, AVX-512 */

enum verdict { VCPU_RESUME, VCPU_BROKEN };

static sem_t start_gate, confined;
static __thread struct kvm_run *own_run; /* of this vCPU thread */

bool vcpu_create(struct vcpu *v, struct vm *vm, unsigned index)
{
    v->vm = vm;
    v->index = index;
    v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, index);
    if (v->fd < 0) {
        say("cannot create vCPU %u: %s", index, strerror(errno));
        return false;
    }
    v->run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
    if (v->run == MAP_FAILED) {
        v->run = NULL;
        say("cannot map vCPU %u: %s", index, strerror(errno));
        return false;
    }
    v->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
    v->stats_fd = vm->opt->stats || vm->opt->boot_report != NULL ? kvm_stats_open(v->fd) : -1;
    return true;
}

/* XCR0 begins with the vector state that CPUID offers, not with 1 as after a
 * reset.  For a guest that sets it, as all do, this is no difference but under
 * QEMU's TCG: there a nested guest's XSETBV is not intercepted, the KVM in
 * between never hears of it, and at the next entry restores the value it knows. */
static bool set_xcr0(const struct vcpu *v, const struct kvm_cpuid2 *cpuid)
{
    struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
    for (unsigned i = 0; i < cpuid->nent; i++)
        if (cpuid->entries[i].function == 0xd && cpuid->entries[i].index == 0)
            xcrs.xcrs[0].value = cpuid->entries[i].eax & XCR0_VECTOR;
    return xcrs.xcrs[0].value == 0 || ioctl(v->fd, KVM_SET_XCRS, &xcrs) == 0;
}

bool vcpu_configure(struct vcpu *v, const struct kvm_cpuid2 *cpuid)
{
    if (ioctl(v->fd, KVM_SET_CPUID2, cpuid) == 0 && (host_interprets_ring0() || set_xcr0(v, cpuid)))
        return true;
    say("cannot set CPUID of vCPU %u: %s", v->index, strerror(errno));
    return false;
}

void vcpu_destroy(struct vcpu *v)
{
    emulate_free(&v->emulate);
    if (v->run != NULL)
        munmap(v->run, v->vm->run_bytes);
    if (v->stats_fd >= 0)
        close(v->stats_fd);
    if (v->fd >= 0)
        close(v->fd);
}

bool vcpu_set_entry(struct vcpu *v, uint32_t entry, uint32_t start_info)
{
    struct kvm_sregs s;
    if (ioctl(v->fd, KVM_GET_SREGS, &s) != 0) {
        say("KVM_GET_SREGS: %s", strerror(errno));
        return false;
    }
    struct kvm_segment code = {
        .limit = 0xffffffff, .selector = 0x08, .type = 0xb, .present = 1, .db = 1, .s = 1, .g = 1
    };
    struct kvm_segment data = code;
    data.selector = 0x10;
    data.type = 0x3;
    s.cs = code;
    s.ds = s.es = s.fs = s.gs = s.ss = data;
    s.tr = (struct kvm_segment){ .limit = 0x67, .type = 0xb, .present = 1 };
    s.cr0 = (s.cr0 | 1) & ~(1ull << 31); /* PE, no PG */
    s.cr4 = 0;
    struct kvm_regs r = { .rip = entry, .rbx = start_info, .rflags = 2 };
    if (ioctl(v->fd, KVM_SET_SREGS, &s) == 0 && ioctl(v->fd, KVM_SET_REGS, &r) == 0)
        return true;
    say("cannot set the start registers: %s", strerror(errno));
    return false;
}

const char *vcpu_exit_name(uint32_t reason)
{
#define NAME(r) [KVM_EXIT_##r] = "KVM_EXIT_" #r
    static const char *const names[] = {
        NAME(UNKNOWN),
        NAME(EXCEPTION),
        NAME(IO),
        NAME(HYPERCALL),
        NAME(DEBUG),
        NAME(HLT),
        NAME(MMIO),
        NAME(IRQ_WINDOW_OPEN),
        NAME(SHUTDOWN),
        NAME(FAIL_ENTRY),
        NAME(INTR),
        NAME(SET_TPR),
        NAME(TPR_ACCESS),
        NAME(NMI),
        NAME(INTERNAL_ERROR),
        NAME(SYSTEM_EVENT),
        NAME(IOAPIC_EOI),
        NAME(HYPERV),
        NAME(X86_RDMSR),
        NAME(X86_WRMSR),
        NAME(DIRTY_RING_FULL),
        NAME(X86_BUS_LOCK),
        NAME(NOTIFY),
    };
#undef NAME
    if (reason < sizeof(names) / sizeof(names[0]) && names[reason] != NULL)
        return names[reason];
    return "an unknown exit";
}

static void count(atomic_uint_fast64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static enum verdict hypercall_exit(struct vcpu *v)
{
    uint64_t nr = v->run->s.regs.regs.rax;
    if (nr < HC_MAX)
        count(&v->hypercalls[nr]);
    hypercall(v);
    return VCPU_RESUME;
}

static enum verdict pio_exit(struct vcpu *v)
{
    struct kvm_run *run = v->run;
    bool is_out = run->io.direction == KVM_EXIT_IO_OUT;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;

    if (run->io.port == HC_PORT && is_out)
        return hypercall_exit(v);
    if (run->io.port == HC_TRACE_PORT && is_out && v->vm->tracer != NULL) {
        trace_call(v);
        return VCPU_RESUME;
    }
    for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size)
        ports_io(&v->vm->ports, is_out, run->io.port, data, run->io.size);
    return VCPU_RESUME;
}

/* The only memory-mapped device outside KVM is the doorbell: other reads are all ones.  A store may
 * be to a table that is read-only for the audit's sake. */
static enum verdict mmio_exit(struct vcpu *v)
{
    if (v->run->mmio.phys_addr == HC_DOORBELL && v->run->mmio.is_write)
        return hypercall_exit(v);
    if (v->vm->audit != NULL && v->run->mmio.is_write && audit_store(v))
        return VCPU_RESUME;
    if (!v->run->mmio.is_write)
        memset(v->run->mmio.data, 0xff, sizeof(v->run->mmio.data));
    return VCPU_RESUME;
}

static enum verdict internal_error(struct vcpu *v)
{
    if (host_interprets_ring0() && v->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
        emulate_instruction(v)) {
        count(&v->emulated);
        return VCPU_RESUME;
    }
    vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index, "KVM_EXIT_INTERNAL_ERROR, suberror %u (%s)",
            v->run->internal.suberror,
            v->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
                ? "KVM cannot emulate the instruction"
                : "see linux/kvm.h");
    return VCPU_BROKEN;
}

static enum verdict route_exit(struct vcpu *v)
{
    struct kvm_run *run = v->run;
    switch (run->exit_reason) {
    case KVM_EXIT_IO: return pio_exit(v);
    case KVM_EXIT_MMIO: return mmio_exit(v);
    case KVM_EXIT_INTR: return VCPU_RESUME; /* a signal: the loop looks why */
    case KVM_EXIT_INTERNAL_ERROR: return internal_error(v);
    case KVM_EXIT_SHUTDOWN:
        vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index, "triple fault (KVM_EXIT_SHUTDOWN)%s",
                host_flavour() == HOST_SVM ? "; this KVM has reset the registers" : "");
        return VCPU_BROKEN;
    case KVM_EXIT_FAIL_ENTRY:
        vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index,
                "KVM_EXIT_FAIL_ENTRY, hardware reason 0x%llx",
                (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
        return VCPU_BROKEN;
    }
    vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index, "%s (%u), which nothing here expects",
            vcpu_exit_name(run->exit_reason), run->exit_reason);
    return VCPU_BROKEN;
}

/* KVM_RUN, with errno.  Where somebody stops the world now and then, not while it stands. */
static int enter_guest(struct vcpu *v)
{
    if (v->vm->audit == NULL && v->vm->keep == NULL)
        return ioctl(v->fd, KVM_RUN, 0);
    world_enter(v);
    int ret = ioctl(v->fd, KVM_RUN, 0), err = errno;
    world_leave(v);
    errno = err;
    return ret;
}

/* Until the next kick; false: it cannot go on. */
static bool run_once(struct vcpu *v)
{
    v->run->immediate_exit = 0;
    return enter_guest(v) != 0 || route_exit(v) != VCPU_BROKEN;
}

/* Runs the vCPU until the VM is to stop; false: it cannot go on. */
static bool run_until_stop(struct vcpu *v)
{
    while (!atomic_load_explicit(&v->vm->stop.asked, memory_order_relaxed)) {
        int ret = enter_guest(v);
        if (ret != 0 && (errno == EINTR || errno == EAGAIN)) {
            /* A signal, which need not be ours; or INIT/SIPI changed the vCPU's state.  A
             * stop is asked for before its kick: cleared first, looked at next, it
             * is not missed. */
            v->run->immediate_exit = 0;
            continue;
        }
        if (ret != 0 && errno == EFAULT && root_mend(&v->vm->root, &v->mended))
            continue;
        if (ret != 0) {
            vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index, "KVM_RUN: %s", strerror(errno));
            return false;
        }
        uint32_t reason = v->run->exit_reason;
        count(&v->exits[reason < VCPU_EXIT_REASONS ? reason : 0]);
        if (route_exit(v) == VCPU_BROKEN)
            return false;
    }
    return true;
}

static void *vcpu_thread(void *arg)
{
    struct vcpu *v = arg;
    char name[16];
    snprintf(name, sizeof(name), "vCPU %u", v->index);
    prctl(PR_SET_NAME, name);
    own_run = v->run;
    enum sandbox_role role = v->vm->opt->audit == AUDIT_TRAP ? SANDBOX_TRAP : SANDBOX_VCPU;
    if (v->vm->opt->seccomp && !sandbox_enter(role))
        exit(EXIT_VMM); /* no vCPU has run yet */
    sem_post(&confined);
    while (sem_wait(&start_gate) != 0)
        ;
    bool can_go_on = run_until_stop(v);
    const struct stop *stop = &v->vm->stop; /* complete: it was asked for */
    if ((v->vm->opt->audit != AUDIT_NONE || v->vm->opt->save != NULL || v->vm->opt->nout > 0) &&
        (stop->kind == STOP_STATUS || stop->kind == STOP_TIMEOUT))
        rest_reach(v, can_go_on && stop->cpu != (int)v->index ? run_once : NULL);
    return NULL;
}

void vcpu_kick(struct vcpu *v) { pthread_kill(v->thread, KICK_SIGNAL); }

static void on_kick(int sig)
{
    (void)sig;
    if (own_run != NULL)
        own_run->immediate_exit = 1;
}

void vcpu_take_kicks(void)
{
    struct sigaction kick = { .sa_handler = on_kick, .sa_flags = SA_RESTART };
    sigaction(KICK_SIGNAL, &kick, NULL);
}

/* From here on it ends waits, but those of this thread, for which it is no news. */
static void kicks_end_waits(void)
{
    struct sigaction kick = { .sa_handler = on_kick };
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, KICK_SIGNAL);
    sigaction(KICK_SIGNAL, &kick, NULL);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool vcpu_start_all(struct vm *vm)
{
    sem_init(&start_gate, 0, 0);
    sem_init(&confined, 0, 0);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    int err = 0;
    for (unsigned c = 0; c < vm->ncpus && err == 0; c++)
        err = pthread_create(&vm->vcpu[c].thread, &attr, vcpu_thread, &vm->vcpu[c]);
    pthread_attr_destroy(&attr);
    for (unsigned c = 0; c < vm->ncpus && err == 0; c++)
        while (sem_wait(&confined) != 0)
            ;
    kicks_end_waits();
    if (err != 0)
        say("cannot start a thread per vCPU: %s", strerror(err));
    return err == 0;
}

void vcpu_release_all(struct vm *vm)
{
    for (unsigned c = 0; c < vm->ncpus; c++)
        sem_post(&start_gate);
}

void vcpu_join_all(struct vm *vm)
{
    for (unsigned c = 0; c < vm->ncpus; c++) {
        struct timespec until;
        do {
            for (unsigned i = c; i < vm->ncpus; i++)
                pthread_kill(vm->vcpu[i].thread, KICK_SIGNAL);
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += KICK_NS;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
        } while (pthread_timedjoin_np(vm->vcpu[c].thread, NULL, &until) == ETIMEDOUT);
    }
}
