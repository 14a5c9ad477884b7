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
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "shared/pte.h"
#include "vmm/host.h"
#include "vmm/trial.h"

#define LIMIT_US 5000000
#define ROUNDS   3

/* Physical addresses. */
#define RAM_BYTES    0x20000u
#define TABLES       RAM_BYTES /* in a slot of their own: */
#define ROOT         TABLES
#define LOW          (TABLES + 0x1000u) /* level 3 of the program, 2 */
#define LOWEST       (TABLES + 0x3000u) /* two lowest tables, one of which is used */
#define HIGH         (TABLES + 0x5000u) /* of ring 0: levels 3, 2, 1 */
#define TABLES_BYTES 0x8000u
#define SPARE_AT     (TABLES + TABLES_BYTES) /* in this process's memory; in the VM's it moves from: */
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

enum { P = PTE_P, W = PTE_W, U = PTE_U, A = PTE_A, D = PTE_D };

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
    struct trial t;
    bool stale, is_moved;
};

static void put(const struct proof *p, uint64_t at, uint64_t value) { trial_put(&p->t, at, value); }

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
    p->t.ram[PAGE_A] = 0xa;
    p->t.ram[PAGE_B] = 0xb;
}

static void make_data(const struct proof *p)
{
    trial_gdt(&p->t, DATA);
    put(p, DATA + 0x104, STUB_VA + 0x1e00); /* the TSS's RSP0 */
    memcpy(p->t.ram + CODE, audit_code, (size_t)(audit_end - audit_code));
    trial_gate(&p->t, IDT, 3, va_of(audit_bp), 3);
    trial_gate(&p->t, IDT, 14, va_of(audit_pf), 3);
}

/* As vm_create.c and audit_slots.c make theirs. */
static bool create(struct proof *p, int kvm)
{
    const struct trial_start s = {
        .rip = PROGRAM_VA + (uint64_t)(audit_program - audit_code),
        .gdt = STUB_VA + 0x1000,
        .tss = STUB_VA + 0x1100,
        .idt = STUB_VA + 0x2000,
        .cr3 = ROOT,
        .cr4 = 1u << 5, /* PAE */
        .efer = 0xd01,  /* SCE LME LMA NXE */
    };
    struct trial *t = &p->t;
    if (!trial_begin(t, kvm, SPARE_AT + 0x1000) || !trial_slot(t, 0, 0, 0, RAM_BYTES, 0) ||
        !trial_slot(t, 1, KVM_MEM_READONLY, TABLES, TABLES_BYTES, TABLES) ||
        !trial_slot(t, 2, 0, SPARE, 0x1000, SPARE_AT) || !trial_vcpu(t, kvm))
        return false;
    make_tables(p);
    make_data(p);
    return trial_start(t, &s);
}

static bool forget(struct proof *p)
{
    if (!p->stale)
        return true;
    p->stale = false;
    p->is_moved = !p->is_moved;
    return trial_slot(&p->t, 2, 0, SPARE + (p->is_moved ? 0x1000 : 0), 0x1000, SPARE_AT);
}

/* Until ring 0 is at a port; -1: something else has happened. */
static int next_port(const struct proof *p, uint8_t *value)
{
    if (ioctl(p->t.vcpu, KVM_RUN, 0) != 0 || p->t.run->exit_reason != KVM_EXIT_IO)
        return -1;
    *value = *((const uint8_t *)p->t.run + p->t.run->io.data_offset);
    return p->t.run->io.port;
}

static bool is_stored(const struct proof *p, const struct step *s)
{
    const struct kvm_run *run = p->t.run;
    return ioctl(p->t.vcpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_MMIO &&
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
    memcpy(&old, p->t.ram + s->entry, sizeof(old));
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

const char *audit_proof(int kvm)
{
    if (host_walks_tables())
        return cannot_walk;
    struct proof p = { .t = TRIAL_NONE };
    trial_limit(&p.t, LIMIT_US);
    const char *why = prove(&p, kvm);
    trial_unlimit(&p.t);
    trial_end(&p.t);
    return why;
}
