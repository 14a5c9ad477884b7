/* cpu.c - what a processor needs before it can run the kernel's C code freely:
 * features, descriptor tables, GS, the control registers and MSRs.
 *
 * CPUID decides everything, because hosts that interpret ring 0 lack some
 * instructions and hide their feature bits.  Each CPU has its own GDT, for its
 * own TSS; the IDT is shared and read-only (boot.asm). */
#include "arch/cpu.h"
#include "arch/apic.h"
#include "arch/boot.h"
#include "arch/fpu.h"
#include "arch/hypercall.h"
#include "arch/msr.h"
#include "arch/regs.h"
#include "arch/ring3.h"
#include "arch/uaccess.h"
#include "lib/string.h"

#define CPUID_1_ECX_X2APIC     (1u << 21)
#define CPUID_1_ECX_DEADLINE   (1u << 24)
#define CPUID_1_ECX_XSAVE      (1u << 26)
#define CPUID_1_ECX_RDRAND     (1u << 30)
#define CPUID_1_EDX_PGE        (1u << 13)
#define CPUID_7_EBX_FSGSBASE   (1u << 0)
#define CPUID_7_EBX_SMEP       (1u << 7)
#define CPUID_7_EBX_SMAP       (1u << 20)
#define CPUID_7_ECX_UMIP       (1u << 2)
#define CPUID_80000001_EDX_NX  (1u << 20)
#define CPUID_80000001_EDX_1G  (1u << 26)
#define CPUID_D_1_EAX_XSAVEOPT (1u << 0)

#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

/* State components that are used where offered: x87, SSE, AVX, AVX-512.  PKRU
 * is left out, as protection keys are; AMX, because its state needs a page more. */
#define XCR0_WANTED 0xe7u

#define IST_WORDS       256 /* 2 KiB: enough for a panic */
#define DEBUG_WORDS     32  /* a frame, and some registers */
#define POLLS_PER_YIELD 64  /* some us where ring 0 is native */

struct tables {       /* one CPU's */
    uint64_t gdt[12]; /* the last two: segments.c */
    struct tss tss;
    uint64_t debug_stack[DEBUG_WORDS] __attribute__((aligned(16)));
    uint64_t (*ist)[IST_WORDS]; /* IST_COUNT stacks, each ends with a word that entry.asm's
                                 * paranoid_entry reads */
};

struct cpu cpus[MAX_CPUS];
unsigned ncpus = 1;
struct cpu_features cpu_has;
bool hc_present;
uint32_t hc_caps;

static uint64_t boot_ist[IST_COUNT][IST_WORDS] __attribute__((aligned(16)));

/* Segments, in the order of regs.h, accessed bits set: the CPU never writes here
 * but for the TSS's busy bit. */
static struct tables boot_tables = {
    .gdt = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
             0x00affb000000ffff },
    .tss = { .iomap = sizeof(struct tss) },
    .ist = boot_ist,
};
static struct tables *cpu_tables[MAX_CPUS] = { &boot_tables }; /* [k] once the CPU is started */

/* Global pages would stay translated in a program; MSRs cost a way through the stub, the
 * local APIC's page does not; and user memory is not mapped where SMAP would guard it. */
static void leave_out_for_ring3(void)
{
    cpu_has.pge = cpu_has.smap = false;
    cpu_has.x2apic = cpu_has.tsc_deadline = false;
}

static void find_features(void)
{
    uint32_t a, b, c, d, max, max_ext;
    cpuid(0, 0, &max, &b, &c, &d);
    cpuid(1, 0, &a, &b, &c, &d);
    cpu_has.pge = d & CPUID_1_EDX_PGE;
    cpu_has.x2apic = c & CPUID_1_ECX_X2APIC;
    cpu_has.tsc_deadline = c & CPUID_1_ECX_DEADLINE;
    cpu_has.xsave = c & CPUID_1_ECX_XSAVE;
    cpu_has.rdrand = c & CPUID_1_ECX_RDRAND;
    cpu_has.hwcap = d;
    if (max >= 7) {
        cpuid(7, 0, &a, &b, &c, &d);
        cpu_has.fsgsbase = b & CPUID_7_EBX_FSGSBASE;
        cpu_has.smep = b & CPUID_7_EBX_SMEP;
        /* Hosts that interpret ring 0 may show the bit and not know STAC. */
        cpu_has.smap = (b & CPUID_7_EBX_SMAP) && !kernel_interpreted();
        cpu_has.umip = c & CPUID_7_ECX_UMIP;
    }
    cpuid(0x80000000, 0, &max_ext, &b, &c, &d);
    if (max_ext >= 0x80000001) {
        cpuid(0x80000001, 0, &a, &b, &c, &d);
        cpu_has.nx = d & CPUID_80000001_EDX_NX;
        cpu_has.page1g = d & CPUID_80000001_EDX_1G;
    }
    if (ring3())
        leave_out_for_ring3();
}

static void find_hypercalls(void)
{
    uint32_t a, b, c, d;
    cpuid(HC_CPUID_BASE, 0, &a, &b, &c, &d);
    if (b != HC_SIGNATURE_EBX || c != HC_SIGNATURE_ECX || d != HC_SIGNATURE_EDX ||
        a < HC_CPUID_BASE + 1)
        return;
    cpuid(HC_CPUID_BASE + 1, 0, &a, &b, &c, &d);
    hc_present = a == HC_ABI_VERSION;
    hc_caps = hc_present ? b : 0;
}

static void load_tables(struct cpu *c)
{
    struct tables *t = cpu_tables[c->id];
    uint64_t base = (uint64_t)&t->tss, limit = sizeof(struct tss) - 1;
    t->gdt[TSS_SEL / 8] =
        limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    t->gdt[TSS_SEL / 8 + 1] = base >> 32;
    for (unsigned i = 0; i < IST_COUNT; i++) {
        uint64_t *top = &t->ist[i][IST_WORDS - 2]; /* 16-aligned */
        *top = (uint64_t)c;
        t->tss.ist[i] = (uint64_t)top;
    }
    t->tss.ist[IST_DB - 1] = (uint64_t)&t->debug_stack[DEBUG_WORDS];
    c->emergency = t->tss.ist[IST_DF - 1];
    if (ring3()) /* the stub has its own */
        return;
    struct table_pointer gdtr = { sizeof(t->gdt) - 1, (uint64_t)t->gdt };
    /* Not from a constant: clang would make one of the whole, its address at no multiple of 8,
     * and then it could not stand in the packed list of relocations. */
    uint64_t idt_at;
    __asm__("lea idt(%%rip), %0" : "=r"(idt_at));
    struct table_pointer idtr = { 4095, idt_at };
    __asm__ volatile("lgdt %0" : : "m"(gdtr));
    __asm__ volatile("lidt %0" : : "m"(idtr));
    __asm__ volatile("ltr %w0" : : "r"(TSS_SEL));
    __asm__ volatile("lldt %w0" : : "r"(0)); /* none: a reset leaves one of 64 KiB at address 0 */
}

/* The size of the vector state depends on what XCR0 enables. */
static void find_vector_state(void)
{
    uint32_t a, b, c, d;
    cpu_has.fpu_bytes = 512;
    if (!cpu_has.xsave)
        return;
    cpuid(0xd, 0, &a, &b, &c, &d);
    cpu_has.xcr0 = a & XCR0_WANTED;
    xsetbv(0, cpu_has.xcr0);
    cpuid(0xd, 0, &a, &b, &c, &d); /* EBX: size for the XCR0 just set */
    cpu_has.fpu_bytes = b;
    cpuid(0xd, 1, &a, &b, &c, &d);
    cpu_has.xsaveopt = a & CPUID_D_1_EAX_XSAVEOPT;
}

static void load_control_registers(void)
{
    uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= cpu_has.pge ? CR4_PGE : 0;
    cr4 |= cpu_has.smep ? CR4_SMEP : 0;
    cr4 |= cpu_has.smap ? CR4_SMAP : 0;
    cr4 |= cpu_has.umip ? CR4_UMIP : 0;
    cr4 |= cpu_has.fsgsbase ? CR4_FSGSBASE : 0;
    cr4 |= cpu_has.xsave ? CR4_OSXSAVE : 0;
    write_cr4(cr4);
}

/* EFER is set already: the boot tables hold NX bits.  In ring 3 the stub has set these. */
static void load_msrs(struct cpu *c)
{
    if (ring3()) {
        wrgsbase((uint64_t)c);
        return;
    }
    wrmsr(MSR_GS_BASE, (uint64_t)c);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
}

void cpu_init_bsp(void)
{
    struct cpu *c = &cpus[0];
    c->self = c;
    c->holder = 1;
    load_msrs(c);
    if (ring3()) {
        ring3_init();
        user_end = direct_map - PAGE_SIZE;
    }
    load_tables(c);
    find_hypercalls();
    find_features();
    load_control_registers();
    find_vector_state();
}

/* Its exception stacks and tables share the pages of one kernel stack.  Below the first
 * of them is the page that is never mapped; below the others is one whose user has
 * nothing left to do or ends the machine: double fault and machine check never return,
 * so only the first, the NMI's, is used more than once. */
struct exception_area {
    uint64_t ist[IST_COUNT][IST_WORDS] __attribute__((aligned(16)));
    struct tables tables;
};

void cpu_prepare(struct cpu *c, uint32_t id, uint32_t apic_id, void *room)
{
    struct exception_area *area = room;
    _Static_assert(sizeof(*area) <= CPU_ROOM_BYTES, "they fit");
    memcpy(area->tables.gdt, boot_tables.gdt, sizeof(area->tables.gdt));
    memset(&area->tables.tss, 0, sizeof(area->tables.tss));
    area->tables.tss.iomap = sizeof(struct tss);
    area->tables.ist = area->ist;
    cpu_tables[id] = &area->tables;
    c->self = c;
    c->id = id;
    c->holder = id + 1;
    c->apic_id = apic_id;
}

void cpu_init_ap(struct cpu *c)
{
    load_msrs(c);
    load_tables(c);
    load_control_registers();
    if (cpu_has.xsave)
        xsetbv(0, cpu_has.xcr0);
}

void cpu_set_kernel_stack(uint64_t top)
{
    struct cpu *c = this_cpu();
    if (!ring3())
        cpu_tables[c->id]->tss.rsp[0] = top;
    c->kstack_top = top;
}

/* Between STI and HLT no interrupt comes in, so that none is missed that should end the
 * HLT.  But a host may forget that when it runs something else between the two: the handler
 * returns to the HLT, and what it has made runnable waits for ever.  So it does not
 * return there. */
void cpu_idle_interrupted(struct regs *r)
{
    uint64_t hlt;
    __asm__("lea cpu_idle_halts(%%rip), %0" : "=r"(hlt));
    if (r->rip == hlt) {
        r->rip++;
        HERE->halts_skipped++;
    }
}

__attribute__((noinline)) void cpu_idle_wait(void)
{
    if (ring3())
        ring3_halt();
    else
        __asm__ volatile("sti\n"
                         "cpu_idle_halts: hlt\n"
                         "cli\n" ::
                             : "memory");
}

/* An interrupt that waits comes in after the instruction behind STI.  Where ring 0 is
 * interpreted that is not so: KVM looks for interrupts only when it is through with a
 * piece of its interpretation, some 130 instructions, or when that is broken off by an
 * exit; so three instructions with IF on see none (300 such windows in a row, an
 * interrupt waiting all the time), and a port read among them always lets it in.  The port
 * is the PC's "system control port B", which Linux reads, too; nothing depends on it.  The
 * exit costs as much as ten instructions, and there the local APIC is asked first.  In ring 3
 * the stub would have to do all that; HLT does it, and ends at once if an interrupt waits. */
void cpu_irq_window(void)
{
    if (ring3()) {
        if (apic_may_wait())
            ring3_halt();
    } else if (!(hc_caps & HC_CAP_PAGE_OPS)) {
        __asm__ volatile("sti; nop; cli" : : : "memory");
    } else if (apic_may_wait()) {
        __asm__ volatile("sti; nop; inb $0x61, %%al; nop; cli" : : : "rax", "memory");
    }
}

static void (*asked)(void); /* [k] */

void cpu_on_poll(void (*fn)(void)) { asked = fn; }

/* With more CPUs than the host has, the one we wait for may wait for the processor that
 * spins here: we offer it now and then.  4 or 8 of them on two processors, all at one
 * spinlock: 15 to 25 % less time, measured where ring 0 is interpreted. */
void cpu_relax_poll(void)
{
    if (asked != NULL)
        asked();
    __asm__ volatile("pause" : : : "memory");
    if (++this_cpu()->polls % POLLS_PER_YIELD == 0 && hc_present)
        hypercall(HC_YIELD, 0, 0, 0, 0);
}

/* --- the program's FS and GS base ------------------------------------------------- */

uint64_t user_fs_base(void)
{
    return cpu_has.fsgsbase || ring3() ? rdfsbase() : rdmsr(MSR_FS_BASE);
}

/* While in the kernel, SWAPGS has put the user's GS base there. */
uint64_t user_gs_base(void) { return ring3() ? this_cpu()->user_gs : rdmsr(MSR_KERNEL_GS_BASE); }

void cpu_load_fs_base(uint64_t base)
{
    if (ring3())
        wrfsbase(base);
    else
        wrmsr(MSR_FS_BASE, base);
}

void cpu_load_gs_base(uint64_t base)
{
    if (ring3())
        this_cpu()->user_gs = base;
    else
        wrmsr(MSR_KERNEL_GS_BASE, base);
}

int user_set_fs_base(uint64_t base)
{
    if (base >= USER_END)
        return -EPERM;
    cpu_load_fs_base(base);
    return 0;
}

int user_set_gs_base(uint64_t base)
{
    if (base >= USER_END)
        return -EPERM;
    cpu_load_gs_base(base);
    return 0;
}
