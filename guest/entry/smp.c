/* smp.c - from one CPU to N.
 *
 * smp_start() gives every processor of the MADT what it needs (tables, stacks, an
 * idle task, a trace stream), then starts all of them at once by INIT and SIPI and
 * goes on booting.  A processor comes through boot.asm's trampoline, in a page below
 * 1 MiB and on three tables that have the first 4 MiB at their physical addresses,
 * to ap_main(), and waits there, halted, until smp_finish() calls it: then it
 * compares its TSC with the boot CPU's and becomes its idle task.  It allocates
 * nothing and takes no lock before that.  So they start in parallel, and however many
 * there are on how few CPUs of the host, only two of them ever spin, and not for long.
 *
 *   state     set by      means
 *   STARTED   boot CPU    SIPI is sent
 *   ARRIVED   processor   complete but for its clock, waits in HLT
 *   CALLED    boot CPU    to compare now
 *   RUNS      processor   it is a CPU like any other
 *   UNFIT     processor   its counter is far off; it waits for ever
 *   GIVEN_UP  boot CPU    did not do its next step in LIMIT_NS; if it ever does, it
 *                         sees this and waits for ever
 *
 * Each change is a compare-and-swap from the state before, so of a late arrival and
 * the loss of patience one wins.  CPUs are numbered in the MADT's order, the boot
 * CPU first, without gaps: those behind one that is missing are left out as well.
 *
 * Intel's manual wants 10 ms between INIT and SIPI and a second SIPI after 200 us.
 * A virtual APIC needs neither, so the 10 ms pass only where no hypervisor says that
 * it is there; the second SIPI goes to who has not arrived when smp_finish() begins,
 * and one that needed none ignores it.
 *
 * Left out: stopping a CPU; APIC IDs above 254 (acpi.c). */
#include "entry/smp.h"
#include "arch/apic.h"
#include "arch/boot.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/layout.h"
#include "arch/machine.h"
#include "arch/msr.h"
#include "arch/pvh.h"
#include "entry/acpi.h"
#include "entry/trap.h"
#include "entry/tsc_compare.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmap.h"
#include "mm/kstack.h"
#include "mm/pt.h"
#include "proc/task.h"
#include "sched/record.h"
#include "sched/sched.h"
#include "trace/trace.h"

#define SPIN_NS                100000ull
#define LIMIT_NS               (2 * NSEC_PER_SEC)
#define INIT_WAIT_NS           10000000ull
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

enum { OFF, STARTED, ARRIVED, CALLED, RUNS, UNFIT, GIVEN_UP };

static uint32_t state[MAX_CPUS]; /* [atomic] */
static unsigned nstarted = 1;    /* CPUs 1 to nstarted - 1 were started */
static struct tsc_offset tsc;    /* what the CPU called last has found */
static paddr_t low_page;
static pfn_t tables[3]; /* root, third and second level */

/* For boot.asm, all set before the first SIPI. */
uint8_t ap_index[256]; /* by APIC ID: the CPU's number, 0: none */
uint64_t ap_stack[MAX_CPUS];
uint32_t ap_tables; /* physical address of the root */

static bool step(unsigned id, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&state[id], &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static bool stepped(unsigned id, uint32_t from, uint32_t to) /* and the boot CPU knows */
{
    bool done = step(id, from, to);
    smp_tell(0);
    return done;
}

static uint32_t state_of(unsigned id) { return __atomic_load_n(&state[id], __ATOMIC_ACQUIRE); }

/* --- waiting for each other ------------------------------------------------------ */

/* The waiting CPU says that it sleeps, its loop looks at the condition once more, then
 * it halts; the other changes the condition, then looks whether it sleeps.  So one of
 * them sees the other, and an interrupt that comes before HLT ends that.  Halting
 * matters where CPUs outnumber the host's: who spins would take the time that the
 * one it waits for needs. */
static bool asleep[MAX_CPUS]; /* [atomic] */

struct smp_wait smp_wait_begin(void) { return (struct smp_wait){ rdtsc() }; }

void smp_wait(struct smp_wait *w)
{
    bool *mine = &asleep[HERE->id];
    if (rdtsc() - w->since < clock_tsc_after(SPIN_NS)) {
        cpu_relax_poll();
    } else if (!*mine) {
        __atomic_store_n(mine, true, __ATOMIC_SEQ_CST);
    } else {
        cpu_idle_wait();
        w->since = rdtsc();
    }
}

void smp_wait_end(void) { __atomic_store_n(&asleep[HERE->id], false, __ATOMIC_RELAXED); }

void smp_tell(unsigned cpu)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&asleep[cpu], __ATOMIC_RELAXED))
        apic_send_ipi(cpu, IRQ_RESCHED);
}

/* --- the boot CPU: start --------------------------------------------------------- */

/* Where the kernel runs in ring 3 (arch/ring3.h). */
static int make_stub_page(struct cpu *c)
{
    uint64_t va = STUB_PAGES + c->id * PAGE_SIZE;
    pfn_t pfn = frame_alloc();
    if (pfn == 0)
        return -ENOMEM;
    ring3_prepare(c, c->idle->kstack, frame_va(pfn));
    pt_write(&kernel_mm, va, &boot_pt_stub[va >> PAGE_SHIFT & 511], 1, PT_kernel_map,
             pte_make(pfn, PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX));
    return 0;
}

static int prepare(unsigned id, uint8_t apic_id)
{
    struct cpu *c = &cpus[id];
    uintptr_t room = kstack_alloc();
    _Static_assert(CPU_ROOM_BYTES <= KSTACK_BYTES, "it has the room of a stack");
    if (room == 0)
        return -ENOMEM;
    cpu_prepare(c, id, apic_id, (void *)(room - KSTACK_BYTES));
    int err = task_make_idle(c);
    if (err != 0)
        return err;
    if (ring3() && (err = make_stub_page(c)) != 0)
        return err;
    trace_cpu_init(id, map_window);
    ap_stack[id] = c->idle->kstack;
    ap_index[apic_id] = (uint8_t)id;
    state[id] = STARTED;
    return 0;
}

/* The tables of the trampoline: what it runs in at its physical address, and the
 * kernel's half.  No address space, so pt.c and the trace have nothing to do with
 * them.  This early in the boot a frame lies below 4 GiB, where a processor that is
 * not in long mode can load it. */
static int make_tables(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
        if ((tables[i] = frame_alloc_zeroed()) == 0)
            return -ENOMEM;
    uint64_t *root = frame_va(tables[0]), *third = frame_va(tables[1]);
    uint64_t *second = frame_va(tables[2]);
    root[0] = pte_make(tables[1], PTE_P | PTE_W | PTE_A);
    root[255] = boot_pml4[255]; /* where the kernel is, if in ring 3: ring3.h */
    root[511] = boot_pml4[511];
    third[0] = pte_make(tables[2], PTE_P | PTE_W | PTE_A);
    for (unsigned i = 0; i < 2; i++)
        second[i] = i * 0x200000ull | PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS;
    ap_tables = (uint32_t)(tables[0] << PAGE_SHIFT);
    return tables[0] < 1u << (32 - PAGE_SHIFT) ? 0 : -ENOMEM;
}

static bool is_virtual(void)
{
    uint32_t a, b, c, d;
    cpuid(1, 0, &a, &b, &c, &d);
    return c & CPUID_1_ECX_HYPERVISOR;
}

static void send_startup(unsigned first_state)
{
    for (unsigned id = 1; id < nstarted; id++)
        if (state_of(id) == first_state)
            apic_send_startup(cpus[id].apic_id, low_page);
}

void smp_start(void)
{
    uint8_t apic_id[MAX_CPUS];
    unsigned n = acpi_processors(apic_id, MAX_CPUS);
    if (n <= 1)
        return;
    clock_finish();
    low_page = pvh_low_page();
    if (low_page == 0 || make_tables() != 0) {
        kprintf("no memory to start other CPUs\n");
        return;
    }
    memcpy(phys_to_virt(low_page), ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    tsc_start();
    uint64_t init_at = clock_mono_ns();
    for (unsigned i = 0; i < n; i++)
        if (apic_id[i] != cpus[0].apic_id)
            apic_send_init(apic_id[i]);
    for (unsigned i = 0; i < n; i++) {
        if (apic_id[i] == cpus[0].apic_id)
            continue;
        if (nstarted == MAX_CPUS || prepare(nstarted, apic_id[i]) != 0) {
            kprintf("no room for CPU %u and further ones\n", nstarted);
            break;
        }
        nstarted++;
    }
    while (!is_virtual() && clock_mono_ns() < init_at + INIT_WAIT_NS)
        cpu_relax_poll();
    send_startup(STARTED);
}

/* --- the boot CPU: finish -------------------------------------------------------- */

/* Until the CPU has left that state; else it is given up. */
static void wait_while(unsigned id, uint32_t old)
{
    uint64_t limit = clock_mono_ns() + LIMIT_NS;
    struct smp_wait w = smp_wait_begin();
    while (state_of(id) == old) {
        if (tsc_serve())
            w = smp_wait_begin();
        else if (clock_mono_ns() > limit)
            step(id, old, GIVEN_UP);
        else
            smp_wait(&w);
    }
    smp_wait_end();
}

/* A halted CPU must come to see that its patience is at an end. */
static void look_again(struct timer *t) { timer_start(t, clock_mono_ns() + LIMIT_NS); }

static bool bring_in(unsigned id)
{
    wait_while(id, STARTED);
    if (step(id, ARRIVED, CALLED)) {
        smp_tell(id);
        wait_while(id, CALLED);
    }
    return state_of(id) == RUNS;
}

void smp_finish(void)
{
    if (nstarted == 1)
        return;
    struct timer timer;
    timer_setup(&timer, look_again);
    look_again(&timer);
    send_startup(STARTED);
    unsigned id = 1;
    while (id < nstarted && bring_in(id))
        __atomic_store_n(&ncpus, ++id, __ATOMIC_RELEASE);
    timer_stop(&timer);
    record_cpus();
    if (id == nstarted) { /* else one may still come to use them */
        for (unsigned i = 0; i < ARRAY_SIZE(tables) && tables[i] != 0; i++)
            frame_put(tables[i]);
        return;
    }
    if (state_of(id) == UNFIT)
        kprintf("CPU %u: its TSC is off by %lld ticks\n", id, (long long)tsc.offset);
    kprintf("CPU %u (APIC ID %u) does not take part: %u of %u CPUs run\n", id, cpus[id].apic_id, id,
            nstarted);
}

/* --- the processor --------------------------------------------------------------- */

void ap_main(unsigned id)
{
    struct cpu *c = &cpus[id];
    cpu_init_ap(c);
    trap_init();
    cpu_set_kernel_stack(c->idle->kstack);
    apic_init_ap();
    if (!stepped(id, STARTED, ARRIVED))
        machine_stop_here();
    struct smp_wait w = { 0 }; /* halts at once */
    while (state_of(id) == ARRIVED)
        smp_wait(&w);
    smp_wait_end();
    if (!tsc_compare(&tsc, &state[id])) {
        stepped(id, CALLED, UNFIT);
        machine_stop_here();
    }
    if (hc_present)
        hypercall(HC_CPU_ONLINE, id, c->apic_id, (uint64_t)tsc.offset, tsc.error);
    c->idle->last_tsc = tsc_stamp();
    sched_init();
    if (!stepped(id, CALLED, RUNS))
        machine_stop_here();
    sched_idle();
}
