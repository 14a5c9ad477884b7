/* vm_create.c - the VM and its parts, made in an order that is fast.
 *
 * After KVM_CREATE_IRQCHIP each change of a memslot waits for milliseconds, so
 * all memory comes first: RAM, then the trace windows, then the irqchip, then
 * the vCPUs.  Everything that the host may refuse is asked here, on one
 * thread, before the first vCPU runs. */
#include "vmm/vm_create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shared/trace_schema.h"
#include "vmm/audit.h"
#include "vmm/audit_proof.h"
#include "vmm/console.h"
#include "vmm/cpuid.h"
#include "vmm/emulate.h"
#include "vmm/host.h"
#include "vmm/rest.h"
#include "vmm/ring3_proof.h"
#include "vmm/say.h"
#include "vmm/tracer.h"
#include "vmm/tracer_keep.h"
#include "vmm/tsc.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/world.h"

#define TSS_ADDRESS 0xfffbd000u /* three pages KVM wants on VMX, in the hole */
#define COM1_PORT   0x3f8
#define COM1_IRQ    4
#define TRACE_ALIGN (1ull << 30)

static bool open_kvm(struct vm *vm)
{
    vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (vm->kvm < 0) {
        say("cannot open /dev/kvm: %s; %s", strerror(errno),
            errno == EACCES ? "join group kvm or run as root"
                            : "load a KVM module, or use 'qemu-system-x86_64 -M microvm'");
        return false;
    }
    int version = ioctl(vm->kvm, KVM_GET_API_VERSION, 0);
    if (version < 0) {
        say("/dev/kvm is not KVM: %s", strerror(errno));
        return false;
    }
    if (version != KVM_API_VERSION) {
        say("/dev/kvm speaks API version %d, not %d", version, KVM_API_VERSION);
        return false;
    }
    int sync = ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    if (sync < 0 || !(sync & KVM_SYNC_X86_REGS)) {
        say("this host's KVM lacks KVM_CAP_SYNC_REGS; Linux 4.17 or later is needed");
        return false;
    }
    vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
    if (vm->fd < 0) {
        say("cannot create a VM: %s", strerror(errno));
        return false;
    }
    int max = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
    if (max > 0 && vm->ncpus > (unsigned)max) {
        say("this host's KVM allows %d vCPUs in a VM; try -c %d", max, max);
        return false;
    }
    return true;
}

static bool set_slot(struct vm *vm, uint32_t slot, uint64_t gpa, void *host, uint64_t bytes)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .flags = vm->opt->audit == AUDIT_DIRTY && slot != SLOT_TRACE ? KVM_MEM_LOG_DIRTY_PAGES : 0,
        .guest_phys_addr = gpa,
        .memory_size = bytes,
        .userspace_addr = (uintptr_t)host,
    };
    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) == 0)
        return true;
    say("KVM does not take memory at 0x%llx: %s", (unsigned long long)gpa, strerror(errno));
    return false;
}

static bool create_memory(struct vm *vm)
{
    int err = gmem_create(&vm->mem, vm->opt->memory);
    if (err != 0) {
        say("cannot get %llu MiB of guest RAM: %s", (unsigned long long)(vm->opt->memory >> 20),
            strerror(-err));
        return false;
    }
    uint64_t low = gmem_low_bytes(vm->mem), high = gmem_high_bytes(vm->mem);
    if (!set_slot(vm, SLOT_LOW, 0, gmem_span(vm->mem, 0, low), low))
        return false;
    if (high != 0 &&
        !set_slot(vm, SLOT_HIGH, GMEM_HIGH_BASE, gmem_span(vm->mem, GMEM_HIGH_BASE, high), high))
        return false;
    if (vm->root.at == NULL)
        return true;
    vm->root_base = gmem_add(vm->mem, vm->root.at, vm->root.bytes);
    return set_slot(vm, SLOT_ROOT, vm->root_base, vm->root.at, vm->root.bytes);
}

static void com1_irq(void *ctx, int level)
{
    const struct vm *vm = ctx;
    struct kvm_irq_level line = { .irq = COM1_IRQ, .level = (uint32_t)level };
    if (ioctl(vm->fd, KVM_IRQ_LINE, &line) != 0)
        say("KVM_IRQ_LINE: %s", strerror(errno));
}

static void com1_send(void *ctx, uint8_t byte)
{
    struct vm *vm = ctx;
    console_output(vm->console, &byte, 1);
}

static void com1_room(void *ctx)
{
    struct vm *vm = ctx;
    console_room(vm->console);
}

static void reset_pulsed(void *ctx)
{
    struct vm *vm = ctx;
    vm_stop(&vm->stop, STOP_STATUS, EXIT_REBOOT, -1, "reset");
}

static bool create_devices(struct vm *vm)
{
    struct uart_wires wires = { vm, com1_irq, com1_send, com1_room };
    vm->reset = (struct reset_line){ vm, reset_pulsed };
    if (uart_create(&vm->uart, &wires) != 0 ||
        console_create(&vm->console, &vm->stop, vm->uart) != 0) {
        say("cannot make the console: %s", strerror(errno));
        return false;
    }
    ports_add(&vm->ports, uart_ports(vm->uart, COM1_PORT));
    ports_add(&vm->ports, i8042_ports(&vm->reset));
    ports_add(&vm->ports, rtc_ports(&vm->rtc));
    return true;
}

/* Trace windows are guest memory, too: one per vCPU, one behind the other above the
 * end of RAM, in one memslot. */
static bool create_trace(struct vm *vm)
{
    if (tracer_create(&vm->tracer, vm->opt->trace_dir, vm->ncpus) != 0)
        return false;
    if (keep_wanted(&vm->opt->keep) && (vm->keep = keep_new(vm->tracer, &vm->opt->keep)) == NULL) {
        say("out of memory");
        return false;
    }
    uint64_t end = gmem_end(vm->mem);
    if (end < GMEM_HIGH_BASE)
        end = GMEM_HIGH_BASE;
    vm->trace_base = (end + TRACE_ALIGN - 1) & ~(TRACE_ALIGN - 1);
    return set_slot(vm, SLOT_TRACE, vm->trace_base, tracer_window(vm->tracer, 0),
                    (uint64_t)vm->ncpus * TRACE_WINDOW_BYTES);
}

static bool describe_trace(const struct vm *vm)
{
    struct timespec ts;
    uint64_t tsc = vm_guest_tsc(vm);
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t offset[CPUS_MAX];
    struct tracer_env env = {
        .tsc_khz = vm->tsc_khz,
        .flavour = host_flavour_name(),
        .kernel_ring = vm->ring3 ? 3 : 0,
        .kernel_path = vm->opt->kernel,
        .wall_ns_at_tsc = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec,
        .tsc_at_wall = tsc,
        .audit = options_audit_name(vm->opt->audit),
        .contents = vm->opt->contents,
        .ram_end = gmem_end(vm->mem),
        .tsc_offset = offset,
    };
    for (unsigned c = 0; c < vm->ncpus; c++)
        offset[c] = (int64_t)vm->vcpu[c].tsc_offset;
    return tracer_describe(vm->tracer, &env) == 0;
}

static bool create_vcpus(struct vm *vm)
{
    if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) != 0) {
        say("KVM_CREATE_IRQCHIP: %s", strerror(errno));
        return false;
    }
    if (host_interprets_ring0())
        emulate_enable(vm);
    int run_bytes = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    vm->run_bytes = run_bytes > 0 ? (size_t)run_bytes : sizeof(struct kvm_run);
    for (unsigned c = 0; c < vm->ncpus; c++)
        if (!vcpu_create(&vm->vcpu[c], vm, c))
            return false;
    if (!tsc_setup(vm))
        return false;
    struct kvm_cpuid2 *cpuid = cpuid_for_vm(vm);
    bool ok = cpuid != NULL;
    for (unsigned c = 0; ok && c < vm->ncpus; c++) {
        cpuid_for_vcpu(cpuid, c);
        ok = vcpu_configure(&vm->vcpu[c], cpuid);
    }
    free(cpuid);
    return ok;
}

/* In ring 3 where ring 0 is interpreted, and what that rests on is found to hold. */
static bool choose_ring(struct vm *vm)
{
    enum kernel_ring wanted = vm->opt->kernel_ring;
    if (wanted == RING_3 && !vm->image.has_ring3) {
        say("%s: this kernel cannot run in ring 3", vm->opt->kernel);
        return false;
    }
    if (wanted == RING_AUTO && vm->opt->contents)
        wanted = RING_0; /* see check_trace() */
    vm->ring3 = wanted == RING_3;
    if (wanted == RING_AUTO && host_interprets_ring0() && vm->image.has_ring3) {
        vm->ring3 = ring3_proof(vm->kvm);
        if (!vm->ring3)
            say_more("the kernel stays in ring 0: what ring 3 needs does not hold on this host");
    }
    return true;
}

/* One that follows the run: at its end, and from the files, there is another. */
static bool wants_audit(const struct options *opt)
{
    return opt->audit >= AUDIT_DIRTY || (opt->audit == AUDIT_FINAL && keep_ends_early(&opt->keep));
}

bool vm_create(struct vm *vm, const struct options *opt)
{
    vm->opt = opt;
    vm->ncpus = opt->cpus;
    rest_init(&vm->rest);
    world_init(&vm->world, vcpu_kick);
    int err = stop_init(&vm->stop);
    if (err != 0) {
        say("eventfd: %s", strerror(-err));
        return false;
    }
    vm->vcpu = calloc(vm->ncpus, sizeof(*vm->vcpu));
    if (vm->vcpu == NULL) {
        say("out of memory");
        return false;
    }
    for (unsigned c = 0; c < vm->ncpus; c++)
        vm->vcpu[c].fd = vm->vcpu[c].stats_fd = -1;
    if (!open_kvm(vm))
        return false;
    if (!choose_ring(vm))
        return false;
    const char *why = opt->audit == AUDIT_TRAP ? audit_proof(vm->kvm) : NULL;
    if (why != NULL) {
        say("--audit=trap cannot be on this host: %s; use --audit=dirty", why);
        return false;
    }
    if (host_flavour() == HOST_VMX && ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS) != 0) {
        say("KVM_SET_TSS_ADDR: %s", strerror(errno));
        return false;
    }
    return create_memory(vm) && (opt->trace_dir == NULL || create_trace(vm)) &&
           (!wants_audit(opt) || audit_create(vm)) && create_devices(vm) && create_vcpus(vm) &&
           (vm->tracer == NULL || describe_trace(vm));
}

void vm_close_kvm(struct vm *vm)
{
    if (vm->kvm >= 0)
        close(vm->kvm);
    vm->kvm = -1;
}

void vm_destroy(struct vm *vm)
{
    for (unsigned c = 0; vm->vcpu != NULL && c < vm->ncpus; c++)
        vcpu_destroy(&vm->vcpu[c]);
    free(vm->vcpu);
    if (vm->fd >= 0)
        close(vm->fd);
    vm_close_kvm(vm);
    audit_destroy(vm->audit);
    keep_free(vm->keep);
    if (vm->tracer != NULL)
        tracer_destroy(vm->tracer);
    console_destroy(vm->console);
    stop_destroy(&vm->stop);
    uart_destroy(vm->uart);
    gmem_destroy(vm->mem);
    root_image_free(&vm->root);
    image_close(&vm->image);
}
