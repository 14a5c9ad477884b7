/* trial.c - see trial.h. */
#include "vmm/trial.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#define CPUID_MOST 256u

bool trial_begin(struct trial *t, int kvm, size_t bytes)
{
    t->bytes = bytes;
    t->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    t->ram = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return t->vm >= 0 && t->ram != MAP_FAILED;
}

bool trial_slot(const struct trial *t, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t bytes,
                uint64_t at)
{
    struct kvm_userspace_memory_region region = { slot, flags, gpa, bytes,
                                                  (uintptr_t)(t->ram + at) };
    return ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static bool give_cpuid(const struct trial *t, int kvm)
{
    struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_MOST * sizeof(c->entries[0]));
    if (c == NULL)
        return false;
    c->nent = CPUID_MOST;
    bool ok = ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c) == 0 && ioctl(t->vcpu, KVM_SET_CPUID2, c) == 0;
    free(c);
    return ok;
}

bool trial_vcpu(struct trial *t, int kvm)
{
    if (ioctl(t->vm, KVM_CREATE_IRQCHIP, 0) != 0 ||
        (t->vcpu = ioctl(t->vm, KVM_CREATE_VCPU, 0)) < 0)
        return false;
    int bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (bytes <= 0)
        return false;
    t->run_bytes = (size_t)bytes;
    t->run = mmap(NULL, t->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu, 0);
    if (t->run == MAP_FAILED)
        return false;
    t->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
    return give_cpuid(t, kvm);
}

bool trial_start(const struct trial *t, const struct trial_start *s)
{
    struct kvm_sregs r;
    struct kvm_segment code = {
        .selector = 0x33, .limit = ~0u, .type = 0xb, .present = 1, .dpl = 3, .s = 1, .l = 1, .g = 1
    };
    struct kvm_segment data = {
        .selector = 0x2b, .limit = ~0u, .type = 3, .present = 1, .dpl = 3, .db = 1, .s = 1, .g = 1
    };
    struct kvm_segment tss = {
        .selector = 0x40, .base = s->tss, .limit = 0x67, .type = 0xb, .present = 1
    };
    struct kvm_regs regs = { .rip = s->rip, .rflags = 2, .rsp = s->rsp };
    if (ioctl(t->vcpu, KVM_GET_SREGS, &r) != 0)
        return false;
    r.cs = code;
    r.ds = r.es = r.fs = r.gs = r.ss = data;
    r.tr = tss;
    r.gdt.base = s->gdt;
    r.gdt.limit = 0x37;
    r.idt.base = s->idt;
    r.idt.limit = 0xfff;
    r.cr3 = s->cr3;
    r.cr4 = s->cr4;
    r.efer = s->efer;
    r.cr0 = 0x80010033; /* PG WP NE ET MP PE */
    return ioctl(t->vcpu, KVM_SET_SREGS, &r) == 0 && ioctl(t->vcpu, KVM_SET_REGS, &regs) == 0;
}

void trial_end(const struct trial *t)
{
    if (t->run != MAP_FAILED)
        munmap(t->run, t->run_bytes);
    if (t->vcpu >= 0)
        close(t->vcpu);
    if (t->vm >= 0)
        close(t->vm);
    if (t->ram != MAP_FAILED)
        munmap(t->ram, t->bytes);
}

static void on_alarm(int sig) { (void)sig; }

void trial_limit(struct trial *t, uint64_t us)
{
    struct sigaction ours = { .sa_handler = on_alarm }; /* no SA_RESTART: KVM_RUN ends */
    struct itimerval limit = { .it_value = { (time_t)(us / 1000000),
                                             (suseconds_t)(us % 1000000) } };
    sigaction(SIGALRM, &ours, &t->old);
    setitimer(ITIMER_REAL, &limit, NULL);
}

void trial_unlimit(const struct trial *t)
{
    struct itimerval none = { 0 };
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &t->old, NULL);
}

void trial_put(const struct trial *t, uint64_t at, uint64_t value)
{
    memcpy(t->ram + at, &value, sizeof(value));
}

void trial_gdt(const struct trial *t, uint64_t at)
{
    static const uint64_t gdt[] = { 0,
                                    0,
                                    0x00af9b000000ffff,
                                    0x00cf93000000ffff,
                                    0x00cffb000000ffff,
                                    0x00cff3000000ffff,
                                    0x00affb000000ffff };
    memcpy(t->ram + at, gdt, sizeof(gdt));
}

void trial_gate(const struct trial *t, uint64_t idt, unsigned vector, uint64_t handler,
                unsigned dpl)
{
    trial_put(t, idt + vector * 16,
              (handler & 0xffff) | 0x10ull << 16 | (0x8e00ull | (uint64_t)dpl << 13) << 32 |
                  (handler >> 16 & 0xffff) << 48);
    trial_put(t, idt + vector * 16 + 8, handler >> 32);
}
