/* hypercall.c - the guest asks, the VMM does.
 *
 * Arguments come from the registers that KVM synced into kvm_run, the result
 * goes back the same way: no further system call.  Each guest address passes
 * gmem_span(), here and nowhere else; what is looked at is copied first. */
#include "vmm/hypercall.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "shared/inspect.h"
#include "shared/trace_schema.h"
#include "vmm/audit.h"
#include "vmm/bootlog.h"
#include "vmm/bulk.h"
#include "vmm/console.h"
#include "vmm/say.h"
#include "vmm/tracer.h"
#include "vmm/tracer_calls.h"
#include "vmm/tracer_keep.h"
#include "vmm/vm.h"
#include "vmm/world.h"

#define ENTROPY_MAX    256
#define PANIC_TEXT_MAX 800

static int64_t hc_exit(struct vcpu *v, uint64_t status, uint64_t kind)
{
    static const char *const kinds[] = {
        [HC_EXIT_POWEROFF] = "power off", [HC_EXIT_REBOOT] = "reboot", [HC_EXIT_HALT] = "halt"
    };
    if (status > 255 || kind >= sizeof(kinds) / sizeof(kinds[0]))
        return -EINVAL;
    if (kind == HC_EXIT_REBOOT)
        status = EXIT_REBOOT;
    vm_stop(&v->vm->stop, STOP_STATUS, (int)status, (int)v->index, "%s", kinds[kind]);
    return 0;
}

static int64_t hc_console_write(struct vcpu *v, uint64_t at, uint64_t bytes)
{
    const void *p = gmem_span(v->vm->mem, at, bytes);
    if (p == NULL)
        return -EFAULT;
    console_output(v->vm->console, p, bytes);
    return (int64_t)bytes;
}

static int64_t hc_boot_stage(struct vcpu *v, uint64_t stage, uint64_t pte_writes, uint64_t faults)
{
    if (stage < BOOT_GUEST_FIRST || stage >= BOOT_STAGE_MAX)
        return -EINVAL;
    bootlog_mark(v->vm, (enum boot_stage)stage, pte_writes, faults);
    return 0;
}

/* What the host refused to the tracer, which has said why, is the end. */
static int64_t trace_result(struct vcpu *v, int err)
{
    if (err != 0 && err != -EINVAL)
        vm_stop(&v->vm->stop, STOP_FAILED, EXIT_VMM, (int)v->index, "%s", "");
    return err;
}

static int64_t hc_trace_open(struct vcpu *v, uint64_t cpu)
{
    if (v->vm->tracer == NULL)
        return -ENODEV;
    if (cpu >= v->vm->ncpus)
        return -EINVAL;
    int64_t err = trace_result(v, tracer_open(v->vm->tracer, (unsigned)cpu));
    return err != 0 ? err : (int64_t)(v->vm->trace_base + cpu * TRACE_WINDOW_BYTES);
}

/* Nobody else is in the guest, and what it has written can be looked at. */
static int ring_alone(struct vcpu *v, uint64_t bytes, uint64_t first, uint64_t last)
{
    if (v->vm->keep != NULL)
        return keep_doorbell(v->vm->keep, v->index, bytes, first, last);
    return tracer_doorbell(v->vm->tracer, v->index, bytes, first, last);
}

static int ring(void *vcpu, uint64_t bytes, uint64_t first, uint64_t last)
{
    struct vcpu *v = vcpu;
    int err = 0;
    if (v->vm->audit == NULL && v->vm->keep == NULL)
        return tracer_doorbell(v->vm->tracer, v->index, bytes, first, last);
    if (v->vm->audit != NULL)
        err = audit_begin(v, false);
    else
        world_stop(v);
    if (err == 0)
        err = ring_alone(v, bytes, first, last);
    if (err == 0 && v->vm->audit != NULL && v->vm->keep != NULL && keep_stopped(v->vm->keep) != 0)
        audit_last(v->vm->audit, false);
    world_go(v);
    return err;
}

static struct tracer_caller caller(struct vcpu *v)
{
    return (struct tracer_caller){
        .tracer = v->vm->tracer, .mem = v->vm->mem, .cpu = v->index, .ring = ring, .arg = v
    };
}

/* A vCPU may ring for its own packet only, so the calls for one packet never
 * run at the same time. */
static int64_t hc_trace_doorbell(struct vcpu *v, uint64_t cpu, uint64_t bytes, uint64_t first,
                                 uint64_t last)
{
    if (v->vm->tracer == NULL)
        return -ENODEV;
    return cpu == v->index ? trace_result(v, ring(v, bytes, first, last)) : -EINVAL;
}

static int64_t hc_trace_mark(struct vcpu *v)
{
    if (v->vm->audit == NULL)
        return -ENODEV;
    if (audit_is_over(v->vm->audit))
        return 0;
    int err = audit_begin(v, true);
    audit_end(v);
    return trace_result(v, err);
}

static int64_t hc_trace_checkpoint(struct vcpu *v, uint64_t root_pfn, uint64_t tsc,
                                   uint64_t first_table, uint64_t tables_end)
{
    if (v->vm->tracer == NULL)
        return -ENODEV;
    const struct tracer_caller c = caller(v);
    int64_t at = tracer_checkpoint(&c, root_pfn, tsc);
    int err = at < 0 && at != -EALREADY ? (int)at : 0;
    if (at >= 0 && v->vm->audit != NULL)
        err = audit_tables(v, first_table, tables_end);
    return err != 0 ? trace_result(v, err) : at;
}

void trace_call(struct vcpu *v)
{
    const struct kvm_regs *r = &v->run->s.regs.regs;
    const struct tracer_caller c = caller(v);
    int err = tracer_event(&c, r, vm_guest_tsc(v->vm));
    if (err == -EINVAL)
        vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index,
                "the kernel reports an event of kind %u that cannot be", (unsigned)r->rax);
    else
        trace_result(v, err);
}

/* A vCPU reports for itself, once: it must name its own APIC ID, too. */
static int64_t hc_cpu_online(struct vcpu *v, uint64_t cpu, uint64_t apic_id, int64_t offset,
                             uint64_t error)
{
    if (cpu >= v->vm->ncpus || apic_id != v->index || error > INT64_MAX)
        return -EINVAL;
    if (v->online)
        return -EALREADY;
    v->online = true;
    say_more("vCPU %u is up; its TSC was found %lld ticks behind vCPU 0's, +- %llu", v->index,
             (long long)offset, (unsigned long long)error);
    if (v->vm->tracer == NULL)
        return 0;
    return trace_result(v, tracer_cpu_online(v->vm->tracer, (unsigned)cpu, offset, error));
}

/* gmem_span() of what is written for the guest next. */
static void *destination(struct vcpu *v, uint64_t at, uint64_t bytes)
{
    void *p = gmem_span(v->vm->mem, at, bytes);
    if (p != NULL && v->vm->audit != NULL)
        audit_written(v, at, bytes);
    return p;
}

static int64_t hc_page_copy(struct vcpu *v, uint64_t to, uint64_t from)
{
    if (to % GMEM_PAGE != 0 || from % GMEM_PAGE != 0)
        return -EINVAL;
    void *d = destination(v, to, GMEM_PAGE);
    const void *s = gmem_span(v->vm->mem, from, GMEM_PAGE);
    if (d == NULL || s == NULL)
        return -EFAULT;
    if (d != s)
        memcpy(d, s, GMEM_PAGE);
    return 0;
}

static int64_t hc_page_clear(struct vcpu *v, uint64_t at, uint64_t pages)
{
    if (at % GMEM_PAGE != 0)
        return -EINVAL;
    if (pages > gmem_end(v->vm->mem) / GMEM_PAGE)
        return -EFAULT;
    void *p = destination(v, at, pages * GMEM_PAGE);
    if (p == NULL)
        return -EFAULT;
    bulk_clear(&v->vm->stop, p, pages * GMEM_PAGE);
    return 0;
}

static int64_t hc_copy(struct vcpu *v, uint64_t to, uint64_t from, uint64_t bytes)
{
    void *d = destination(v, to, bytes);
    const void *s = gmem_span(v->vm->mem, from, bytes);
    if (d == NULL || s == NULL)
        return -EFAULT;
    bulk_move(&v->vm->stop, d, s, bytes);
    return 0;
}

static int64_t hc_clear(struct vcpu *v, uint64_t at, uint64_t bytes)
{
    void *p = destination(v, at, bytes);
    if (p == NULL)
        return -EFAULT;
    bulk_clear(&v->vm->stop, p, bytes);
    return 0;
}

static int64_t hc_entropy(struct vcpu *v, uint64_t at, uint64_t bytes)
{
    if (bytes < 1 || bytes > ENTROPY_MAX)
        return -EINVAL;
    void *p = destination(v, at, bytes);
    if (p == NULL)
        return -EFAULT;
    ssize_t n = getrandom(p, bytes, 0); /* up to 256 bytes come whole */
    return n < 0 ? -errno : n;
}

static int64_t hc_wall_clock(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t hc_console_size(const struct vcpu *v) { return console_size(v->vm->console); }

static int64_t hc_inspect(struct vcpu *v, uint64_t at)
{
    if (gmem_span(v->vm->mem, at, sizeof(struct inspect_root)) == NULL)
        return -EFAULT;
    atomic_store(&v->vm->inspect, at);
    return 0;
}

static int64_t hc_panic(struct vcpu *v, uint64_t at, uint64_t bytes)
{
    char text[PANIC_TEXT_MAX + 1];
    const char *p;
    if (bytes > PANIC_TEXT_MAX)
        bytes = PANIC_TEXT_MAX;
    p = gmem_span(v->vm->mem, at, bytes);
    if (p == NULL) {
        p = "(the message is not in RAM)";
        bytes = strlen(p);
    }
    for (uint64_t i = 0; i < bytes; i++) /* printable, whatever it was */
        text[i] = (p[i] >= ' ' && p[i] <= '~') || p[i] == '\n' ? p[i] : '?';
    text[bytes] = '\0';
    vm_stop(&v->vm->stop, STOP_DIED, 0, (int)v->index, "kernel panic: %s", text);
    return 0;
}

static int64_t dispatch(struct vcpu *v, const struct kvm_regs *r)
{
    switch (r->rax) {
    case HC_EXIT: return hc_exit(v, r->rdi, r->rsi);
    case HC_CONSOLE_WRITE: return hc_console_write(v, r->rdi, r->rsi);
    case HC_BOOT_STAGE: return hc_boot_stage(v, r->rdi, r->rsi, r->rdx);
    case HC_TRACE_CHECKPOINT: return hc_trace_checkpoint(v, r->rdi, r->rsi, r->rdx, r->r10);
    case HC_TRACE_OPEN: return hc_trace_open(v, r->rdi);
    case HC_TRACE_DOORBELL: return hc_trace_doorbell(v, r->rdi, r->rsi, r->rdx, r->r10);
    case HC_PAGE_COPY: return hc_page_copy(v, r->rdi, r->rsi);
    case HC_PAGE_CLEAR: return hc_page_clear(v, r->rdi, r->rsi);
    case HC_COPY: return hc_copy(v, r->rdi, r->rsi, r->rdx);
    case HC_CLEAR: return hc_clear(v, r->rdi, r->rsi);
    case HC_ENTROPY: return hc_entropy(v, r->rdi, r->rsi);
    case HC_WALL_CLOCK: return hc_wall_clock();
    case HC_INSPECT: return hc_inspect(v, r->rdi);
    case HC_YIELD: return sched_yield();
    case HC_CONSOLE_SIZE: return hc_console_size(v);
    case HC_CPU_ONLINE: return hc_cpu_online(v, r->rdi, r->rsi, (int64_t)r->rdx, r->r10);
    case HC_TRACE_MARK: return hc_trace_mark(v);
    case HC_PANIC: return hc_panic(v, r->rdi, r->rsi);
    }
    return -ENOSYS;
}

void hypercall(struct vcpu *v)
{
    struct kvm_regs *r = &v->run->s.regs.regs;
    r->rax = (uint64_t)dispatch(v, r);
    v->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}
