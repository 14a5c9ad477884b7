/* cpuid.c - KVM's table, plus what only the VMM knows.
 *
 *   topology     one package; every vCPU a core of one thread, x2APIC ID =
 *                APIC ID = index (leaves 1, 4, 0xb, 0x80000008, 0x8000001d, 0x8000001e)
 *   0x80000002   the host's name of the processor, where KVM has none
 *   0x40000010   TSC and APIC bus frequency, as QEMU and VMware hand it over
 *   0x40000100   the signature and capabilities of shared/hypercall.h
 *   0xd          on hosts that interpret ring 0 KVM offers no XSAVE, although
 *                ring 3 has it: the VMM completes it (emulate.h), so the table
 *                says so, with the host's layout
 *
 * In leaves 1 and 7 kvm_pvm adds bits of the host to whatever table it is given.
 * So what ring 0 cannot do there cannot be hidden: SMAP, POPCNT, CMPXCHG16B, BMI.
 * A kernel has to know by HC_CAP_INTERPRETED.  (RDTSCP and INVPCID are not offered.)
 *
 * KVM_GET_SUPPORTED_CPUID takes 0.45 ms on such hosts: it is called once. */
#include "vmm/cpuid.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/host.h"
#include "vmm/say.h"
#include "vmm/vm.h"
#include "vmm/xstate.h"

#define ENTRIES_MAX    256
#define BUS_KHZ        1000000u /* KVM's APIC timer counts nanoseconds */
#define LEAF_FREQUENCY 0x40000010u

#define L1_ECX_X2APIC       (1u << 21)
#define L1_ECX_TSC_DEADLINE (1u << 24)
#define L1_ECX_XSAVE        (1u << 26)
#define L1_ECX_HYPERVISOR   (1u << 31)
#define L1_EDX_HTT          (1u << 28)
/* What exists only together with the vector state: FMA, AVX, F16C. */
#define L1_ECX_VECTOR (1u << 12 | 1u << 28 | 1u << 29)
/* AVX2; AVX512 F DQ IFMA PF ER CD BW VL */
#define L7_EBX_VECTOR (1u << 5 | 1u << 16 | 1u << 17 | 1u << 21 | 7u << 26 | 3u << 30)
/* AVX512 VBMI VBMI2; VAES VPCLMULQDQ; VNNI BITALG; VPOPCNTDQ */
#define L7_ECX_VECTOR (1u << 1 | 1u << 6 | 15u << 9 | 1u << 14)
#define XSAVEOPT      (1u << 0)

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *t, uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < t->nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];
        if (e->function == leaf &&
            (e->index == sub || !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
            return e;
    }
    return NULL;
}

static void drop(struct kvm_cpuid2 *t, uint32_t leaf)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < t->nent; i++)
        if (t->entries[i].function != leaf)
            t->entries[kept++] = t->entries[i];
    t->nent = kept;
}

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX
/* flags: INDEXED where there are several of that leaf. */
static struct kvm_cpuid_entry2 *add(struct kvm_cpuid2 *t, uint32_t leaf, uint32_t sub,
                                    uint32_t flags)
{
    static struct kvm_cpuid_entry2 none;
    if (t->nent == ENTRIES_MAX) /* KVM knows some 80 */
        return &none;
    struct kvm_cpuid_entry2 *e = &t->entries[t->nent++];
    *e = (struct kvm_cpuid_entry2){
        .function = leaf,
        .index = sub,
        .flags = flags,
    };
    return e;
}

static unsigned log2_up(unsigned n)
{
    unsigned bits = 0;
    while (1u << bits < n)
        bits++;
    return bits;
}

/* Caches: those of level 3 and above are the package's, the others a core's.  Intel's leaf also has how
 * many cores there may be. */
static void set_caches(struct kvm_cpuid2 *t, unsigned bits)
{
    uint32_t all = (1u << bits) - 1, cores = (1u << (bits < 6 ? bits : 6)) - 1;
    for (unsigned i = 0; i < t->nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];
        if ((e->function != 4 && e->function != 0x8000001d) || (e->eax & 0x1f) == 0)
            continue;
        e->eax = (e->eax & 0x3fff) | ((e->eax >> 5 & 7) >= 3 ? all << 14 : 0);
        if (e->function == 4)
            e->eax |= cores << 26;
    }
}

static void set_topology(struct kvm_cpuid2 *t, unsigned ncpus)
{
    unsigned bits = log2_up(ncpus);
    struct kvm_cpuid_entry2 *e = find(t, 1, 0);
    if (e != NULL) {
        e->ebx = (e->ebx & 0x0000ffff) | ncpus << 16;
        e->edx = ncpus > 1 ? e->edx | L1_EDX_HTT : e->edx & ~L1_EDX_HTT;
    }
    set_caches(t, bits);
    drop(t, 0xb);
    drop(t, 0x1f);
    e = find(t, 0, 0);
    if (e != NULL && e->eax >= 0xb) {
        if (e->eax >= 0x1f)
            e->eax = 0x1e;
        struct kvm_cpuid_entry2 *level = add(t, 0xb, 0, INDEXED);
        level->ebx = 1;
        level->ecx = 1u << 8 | 0; /* type thread */
        level = add(t, 0xb, 1, INDEXED);
        level->eax = bits;
        level->ebx = ncpus;
        level->ecx = 2u << 8 | 1; /* type core */
        level = add(t, 0xb, 2, INDEXED);
        level->ecx = 2; /* no more levels */
    }
    e = find(t, 0x80000008, 0);
    if (e != NULL)
        e->ecx = (e->ecx & ~0xffffu) | (ncpus - 1);
}

static void set_features(const struct vm *vm, struct kvm_cpuid2 *t)
{
    struct kvm_cpuid_entry2 *e = find(t, 1, 0);
    if (e == NULL)
        return;
    e->ecx |= L1_ECX_HYPERVISOR | L1_ECX_X2APIC;
    if (ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
        e->ecx |= L1_ECX_TSC_DEADLINE;
}

/* The processor's name: kvm_pvm leaves it empty. */
static void set_brand(struct kvm_cpuid2 *t)
{
    for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
        struct kvm_cpuid_entry2 *e = find(t, leaf, 0);
        if (e != NULL && (e->eax | e->ebx | e->ecx | e->edx) == 0)
            __cpuid(leaf, e->eax, e->ebx, e->ecx, e->edx);
    }
}

static void set_hypervisor(const struct vm *vm, struct kvm_cpuid2 *t)
{
    struct kvm_cpuid_entry2 *e = find(t, 0x40000000, 0);
    if (e != NULL)
        e->eax = LEAF_FREQUENCY; /* the last leaf of KVM's range */
    drop(t, LEAF_FREQUENCY);
    e = add(t, LEAF_FREQUENCY, 0, 0);
    e->eax = (uint32_t)vm->tsc_khz;
    e->ebx = BUS_KHZ;

    e = add(t, HC_CPUID_BASE, 0, 0);
    e->eax = HC_CPUID_BASE + 1;
    e->ebx = HC_SIGNATURE_EBX;
    e->ecx = HC_SIGNATURE_ECX;
    e->edx = HC_SIGNATURE_EDX;
    e = add(t, HC_CPUID_BASE + 1, 0, 0);
    e->eax = HC_ABI_VERSION;
    e->ebx = (vm->tracer != NULL ? HC_CAP_TRACE : 0) |
             (vm->opt->audit >= AUDIT_DIRTY ? HC_CAP_MARKS : 0) |
             (vm->opt->audit == AUDIT_TRAP ? HC_CAP_ROOT_MARKS : 0) |
             (host_interprets_ring0() && !vm->ring3
                  ? HC_CAP_PAGE_OPS | HC_CAP_BYTE_OPS | HC_CAP_INTERPRETED | HC_CAP_TRACE_CALLS
                  : 0) |
             (host_interprets_ring0() ? HC_CAP_NO_DEBUG : 0) |
             (vm->opt->contents ? HC_CAP_TRACE_CALLS : 0);
}

/* Sizes and offsets of the components are those of KVM_GET_XSAVE2, that is the
 * host's. */
static void offer_xsave(struct kvm_cpuid2 *t)
{
    struct xstate_layout layout;
    unsigned a, b, c, d;
    struct kvm_cpuid_entry2 *basic = find(t, 0, 0), *one = find(t, 1, 0), *seven = find(t, 7, 0);
    xstate_host_layout(&layout);
    if (layout.components == 0 || basic == NULL || one == NULL)
        return;
    if (basic->eax < 0xd)
        basic->eax = 0xd;
    drop(t, 0xd);
    struct kvm_cpuid_entry2 *e = add(t, 0xd, 0, INDEXED);
    e->eax = (uint32_t)layout.components;
    e->ebx = e->ecx = (uint32_t)xstate_area_bytes(&layout, layout.components);
    add(t, 0xd, 1, INDEXED)->eax = XSAVEOPT;
    for (unsigned i = 2; i < 8; i++) {
        if (!(layout.components >> i & 1))
            continue;
        e = add(t, 0xd, i, INDEXED);
        e->eax = layout.size[i];
        e->ebx = layout.offset[i];
    }

    __cpuid(1, a, b, c, d);
    one->ecx |= (c & L1_ECX_VECTOR) | L1_ECX_XSAVE;
    __cpuid_count(7, 0, a, b, c, d);
    if (seven != NULL) {
        seven->ebx |= b & L7_EBX_VECTOR;
        seven->ecx |= c & L7_ECX_VECTOR;
    }
}

struct kvm_cpuid2 *cpuid_for_vm(const struct vm *vm)
{
    struct kvm_cpuid2 *t = calloc(1, sizeof(*t) + ENTRIES_MAX * sizeof(t->entries[0]));
    if (t != NULL)
        t->nent = ENTRIES_MAX;
    if (t == NULL || ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, t) != 0) {
        say("KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
        free(t);
        return NULL;
    }
    set_features(vm, t);
    set_brand(t);
    set_topology(t, vm->ncpus);
    set_hypervisor(vm, t);
    if (host_interprets_ring0())
        offer_xsave(t);
    return t;
}

void cpuid_for_vcpu(struct kvm_cpuid2 *t, unsigned apic_id)
{
    for (unsigned i = 0; i < t->nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];
        if (e->function == 1)
            e->ebx = (e->ebx & 0x00ffffff) | apic_id << 24;
        else if (e->function == 0xb)
            e->edx = apic_id;
        else if (e->function == 0x8000001e) {
            e->eax = apic_id;
            e->ebx = apic_id & 0xff; /* one thread a core */
            e->ecx = 0;              /* one node */
        }
    }
}
