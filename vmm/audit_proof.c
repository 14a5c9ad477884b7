/* audit_proof.c - see audit_proof.h.
 *
 * A VM of 160 KiB, all of whose page tables are in a read-only memslot, runs a program in ring 3 that reads a
 * byte, executes INT3, and begins again.  Ring 0 says at a port what was read, or that a page fault came;
 * makes the store that it is told, to a table of the program; executes INVLPG, and says at another port
 * that it has flushed.  Each step below must find what the steps before have left: the byte of page A or B,
 * or a fault.  The VMM here does what audit_trap.c does.
 *
 * On most hosts the processor walks the guest's tables itself, which is a write to KVM.  What becomes of that is
 * not tried where KVM's module says so: on an emulated AMD-V the machine ends if only the lowest table is
 * read-only, and hangs, the host with it, if the root is, too. */
#include "vmm/audit_proof.h"

#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "vmm/host.h"

#define LIMIT_S 5
#define ROUNDS  3

/* Physical addresses. */
#define RAM_BYTES    0x20000u
#define TABLES       RAM_BYTES /* in a slot of their own: */
#define ROOT         TABLES
#define LOW          (TABLES + 0x1000u) /* level 3 of the program, 2 */
#define LOWEST       (TABLES + 0x3000u) /* two lowest tables, one of which is used */
#define HIGH         (TABLES + 0x5000u) /* of ring 0: levels 3, 2, 1 */
#define TABLES_BYTES 0x8000u
#define SPARE        0x40000000u
#define CODE         0xc000u
#define DATA         0xd000u
#define PAGE_A       0xe000u
#define PAGE_B       0xf000u
#define IDT          0x10000u

/* Where they are mapped. */
#define STUB_VA    0xffffffff80000000u /* code, data, IDT, tables */
#define TABLES_VA  (STUB_VA + 0x3000u)
#define PROGRAM_VA 0x400000u       /* code, page A or B */
#define WANTED     (DATA + 0xf00u) /* the store: address, value */

#define PORT_READ    0x80
#define PORT_FAULT   0x81
#define PORT_FLUSHED 0x82

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40 };

/* clang-format off */
__asm__(".pushsection .rodata\n"
    ".intel_syntax noprefix\n"
    ".balign 16\n"
    "audit_code:\n"
    "audit_bp: out 0x80, al; push rcx; push rdx; jmp 1f\n"
    "audit_pf: add rsp, 8; out 0x81, al; push rcx; push rdx\n"
    "1:  mov rcx, 0xffffffff80001f00; mov rdx, [rcx+8]; mov rcx, [rcx]\n"
    "    mov [rcx], rdx\n"
    "audit_stored:\n"
    "    mov rcx, 0x401000; invlpg [rcx]; out 0x82, al; pop rdx; pop rcx; iretq\n"
    "audit_program: mov al, byte ptr [0x401000]; int3; jmp audit_program\n"
    "audit_end:\n"
    ".att_syntax prefix\n"
    ".popsection\n");
/* clang-format on */
extern const char audit_code[], audit_bp[], audit_pf[], audit_stored[], audit_program[],
    audit_end[];

#define PAGE(at) ((uint64_t)(at) | P | U | A | D)
#define LINK(at) ((uint64_t)(at) | P | W | U | A)
#define FAULT    0
#define LEAF     (LOWEST + 8) /* the entry of the page in the first lowest table */
#define BRANCH \
    (LOW + 0x1000u + 16) /* the one that leads to a lowest table; in the second B is mapped */

static const struct step {
    uint8_t read; /* 0xa, 0xb, or FAULT */
    uint64_t entry, value;
} steps[] = {
    { 0xa, LEAF, PAGE(PAGE_B) },            /* another page */
    { 0xb, LEAF, PAGE(PAGE_A) },            /* and back */
    { 0xa, LEAF, 0 },                       /* none */
    { FAULT, LEAF, PAGE(PAGE_B) },          /* it appears */
    { 0xb, LEAF, PAGE(PAGE_A) },            /* */
    { 0xa, BRANCH, LINK(LOWEST + 0x1000) }, /* another table */
    { 0xb, BRANCH, LINK(LOWEST) },          /* and back */
};

static const char cannot_make[] = "KVM refuses a small VM with tables in a read-only memslot";
static const char cannot_walk[] =
    "its processor walks page tables itself, and cannot where they are read-only to KVM";
static const char not_trapped[] = "a store to a table in a read-only memslot is not told as it is";
static const char not_seen[] = "programs go on using translations that were flushed";

struct proof {
    int vm, vcpu;
    uint8_t *ram;
    struct kvm_run *run;
    size_t run_bytes;
    bool stale, is_moved;
    void *spare;
};

static void put(const struct proof *p, uint64_t at, uint64_t value)
{
    memcpy(p->ram + at, &value, sizeof(value));
}

static uint64_t va_of(const char *label) { return STUB_VA + (uint64_t)(label - audit_code); }

static void make_tables(const struct proof *p)
{
    const uint64_t lower = P | W | A, page = P | A | D;
    put(p, ROOT, LINK(LOW));
    put(p, LOW, LINK(LOW + 0x1000));
    put(p, BRANCH, LINK(LOWEST));
    put(p, LOWEST, PAGE(CODE));
    put(p, LEAF, PAGE(PAGE_A));
    put(p, LOWEST + 0x1000, PAGE(CODE));
    put(p, LOWEST + 0x1008, PAGE(PAGE_B));
    put(p, ROOT + 511 * 8, HIGH | lower);
    put(p, HIGH + 510 * 8, (HIGH + 0x1000) | lower);
    put(p, HIGH + 0x1000, (HIGH + 0x2000) | lower);
    put(p, HIGH + 0x2000, CODE | page);
    put(p, HIGH + 0x2008, DATA | page | W);
    put(p, HIGH + 0x2010, IDT | page);
    for (unsigned i = 0; i < TABLES_BYTES / 0x1000; i++)
        put(p, HIGH + 0x2018 + i * 8, (TABLES + i * 0x1000) | page | W);
    p->ram[PAGE_A] = 0xa;
    p->ram[PAGE_B] = 0xb;
}

static void make_gate(const struct proof *p, unsigned vector, uint64_t handler)
{
    put(p, IDT + vector * 16,
        (handler & 0xffff) | 0x10ull << 16 | 0xee00ull << 32 | (handler >> 16 & 0xffff) << 48);
    put(p, IDT + vector * 16 + 8, handler >> 32);
}

static void make_data(const struct proof *p)
{
    static const uint64_t gdt[] = {
        0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0x00cff3000000ffff, 0x00affb000000ffff
    };
    memcpy(p->ram + DATA, gdt, sizeof(gdt));
    put(p, DATA + 0x104, STUB_VA + 0x1e00); /* the TSS's RSP0 */
    memcpy(p->ram + CODE, audit_code, (size_t)(audit_end - audit_code));
    make_gate(p, 3, va_of(audit_bp));
    make_gate(p, 14, va_of(audit_pf));
}

static bool set_registers(const struct proof *p)
{
    struct kvm_sregs s;
    struct kvm_segment code = {
        .selector = 0x33, .limit = ~0u, .type = 0xb, .present = 1, .dpl = 3, .s = 1, .l = 1, .g = 1
    };
    struct kvm_segment data = {
        .selector = 0x2b, .limit = ~0u, .type = 3, .present = 1, .dpl = 3, .db = 1, .s = 1, .g = 1
    };
    struct kvm_regs r = { .rip = PROGRAM_VA + (uint64_t)(audit_program - audit_code), .rflags = 2 };
    if (ioctl(p->vcpu, KVM_GET_SREGS, &s) != 0)
        return false;
    s.cs = code;
    s.ds = s.es = s.fs = s.gs = s.ss = data;
    s.tr = (struct kvm_segment){
        .selector = 0x40, .base = STUB_VA + 0x1100, .limit = 0x67, .type = 0xb, .present = 1
    };
    s.gdt.base = STUB_VA + 0x1000;
    s.gdt.limit = 0x37;
    s.idt.base = STUB_VA + 0x2000;
    s.idt.limit = 0xfff;
    s.cr3 = ROOT;
    s.cr4 = 1u << 5; /* PAE */
    s.efer = 0xd01;
    s.cr0 = 0x80010033;
    return ioctl(p->vcpu, KVM_SET_SREGS, &s) == 0 && ioctl(p->vcpu, KVM_SET_REGS, &r) == 0;
}

static bool set_slot(const struct proof *p, uint32_t slot, uint32_t flags, uint64_t gpa,
                     uint64_t bytes, void *host)
{
    struct kvm_userspace_memory_region region = { slot, flags, gpa, bytes, (uintptr_t)host };
    return ioctl(p->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static bool give_cpuid(const struct proof *p, int kvm)
{
    const unsigned most = 256;
    struct kvm_cpuid2 *t = calloc(1, sizeof(*t) + most * sizeof(t->entries[0]));
    if (t == NULL)
        return false;
    t->nent = most;
    bool ok = ioctl(kvm, KVM_GET_SUPPORTED_CPUID, t) == 0 && ioctl(p->vcpu, KVM_SET_CPUID2, t) == 0;
    free(t);
    return ok;
}

/* As vm_create.c and audit_slots.c make theirs. */
static bool create(struct proof *p, int kvm)
{
    const size_t bytes = RAM_BYTES + TABLES_BYTES + 0x1000;
    p->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    p->ram = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->vm < 0 || p->ram == MAP_FAILED)
        return false;
    p->spare = p->ram + RAM_BYTES + TABLES_BYTES;
    if (!set_slot(p, 0, 0, 0, RAM_BYTES, p->ram) ||
        !set_slot(p, 1, KVM_MEM_READONLY, TABLES, TABLES_BYTES, p->ram + TABLES) ||
        !set_slot(p, 2, 0, SPARE, 0x1000, p->spare) || ioctl(p->vm, KVM_CREATE_IRQCHIP, 0) != 0 ||
        (p->vcpu = ioctl(p->vm, KVM_CREATE_VCPU, 0)) < 0)
        return false;
    int run_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_bytes <= 0)
        return false;
    p->run_bytes = (size_t)run_bytes;
    p->run = mmap(NULL, p->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu, 0);
    if (p->run == MAP_FAILED)
        return false;
    p->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
    make_tables(p);
    make_data(p);
    return give_cpuid(p, kvm) && set_registers(p);
}

static void destroy(const struct proof *p)
{
    if (p->run != MAP_FAILED)
        munmap(p->run, p->run_bytes);
    if (p->vcpu >= 0)
        close(p->vcpu);
    if (p->vm >= 0)
        close(p->vm);
    if (p->ram != MAP_FAILED)
        munmap(p->ram, RAM_BYTES + TABLES_BYTES + 0x1000);
}

static bool forget(struct proof *p)
{
    if (!p->stale)
        return true;
    p->stale = false;
    p->is_moved = !p->is_moved;
    return set_slot(p, 2, 0, SPARE + (p->is_moved ? 0x1000 : 0), 0x1000, p->spare);
}

/* Until ring 0 is at a port; -1: something else has happened. */
static int next_port(const struct proof *p, uint8_t *value)
{
    if (ioctl(p->vcpu, KVM_RUN, 0) != 0 || p->run->exit_reason != KVM_EXIT_IO)
        return -1;
    *value = *((const uint8_t *)p->run + p->run->io.data_offset);
    return p->run->io.port;
}

static bool is_stored(const struct proof *p, const struct step *s)
{
    const struct kvm_run *run = p->run;
    return ioctl(p->vcpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_MMIO &&
           run->mmio.is_write && run->mmio.phys_addr == s->entry && run->mmio.len == 8 &&
           memcmp(run->mmio.data, &s->value, 8) == 0 && run->s.regs.regs.rip == va_of(audit_stored);
}

static const char *take(struct proof *p, const struct step *s)
{
    uint8_t value;
    uint64_t old;
    int port = next_port(p, &value);
    if (port < 0)
        return cannot_walk;
    if (port != (s->read == FAULT ? PORT_FAULT : PORT_READ) ||
        (s->read != FAULT && value != s->read))
        return not_seen;
    put(p, WANTED, TABLES_VA + (s->entry - TABLES));
    put(p, WANTED + 8, s->value);
    if (!is_stored(p, s))
        return not_trapped;
    memcpy(&old, p->ram + s->entry, sizeof(old));
    put(p, s->entry, s->value);
    p->stale |= (old & P) != 0;
    if (s->entry == BRANCH && !forget(p))
        return cannot_make;
    if (next_port(p, &value) != PORT_FLUSHED)
        return not_trapped;
    return forget(p) ? NULL : cannot_make;
}

static const char *prove(struct proof *p, int kvm)
{
    const char *why = create(p, kvm) ? NULL : cannot_make;
    for (unsigned r = 0; why == NULL && r < ROUNDS; r++)
        for (unsigned i = 0; why == NULL && i < sizeof(steps) / sizeof(steps[0]); i++)
            why = take(p, &steps[i]);
    return why;
}

static void on_alarm(int sig) { (void)sig; }

const char *audit_proof(int kvm)
{
    if (host_walks_tables())
        return cannot_walk;
    struct proof p = { .vm = -1, .vcpu = -1, .ram = MAP_FAILED, .run = MAP_FAILED };
    struct sigaction ours = { .sa_handler = on_alarm }, old; /* no SA_RESTART: KVM_RUN ends */
    struct itimerval limit = { .it_value.tv_sec = LIMIT_S }, none = { 0 };
    sigaction(SIGALRM, &ours, &old);
    setitimer(ITIMER_REAL, &limit, NULL);
    const char *why = prove(&p, kvm);
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &old, NULL);
    destroy(&p);
    return why;
}
