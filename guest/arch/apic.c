/* apic.c - interrupts: the local APIC with its timer, and the IOAPIC.
 * Source: SDM volume 3, "Advanced Programmable Interrupt Controller"; 82093AA data
 * sheet for the IOAPIC.
 *
 * x2APIC (MSRs) where CPUID offers it, else the MMIO page.  The timer counts to a
 * TSC value where CPUID offers that, else it is a one-shot count-down, whose rate
 * is told by CPUID 0x40000010 or measured once against the TSC, on the boot CPU for
 * all, while it boots.  The IOAPIC is taken to be where every PC has it, with ISA pins in order; all
 * that it sends goes to the boot CPU.  After boot each CPU touches its own local
 * APIC only. */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/apic.h"
#include "arch/msr.h"

#define LAPIC_BASE  0xfee00000ull
#define IOAPIC_BASE 0xfec00000ull

#define LAPIC_ID        0x20
#define LAPIC_TPR       0x80
#define LAPIC_EOI       0xb0
#define LAPIC_SVR       0xf0
#define LAPIC_IRR       0x200 /* 32 vectors each */
#define LAPIC_ICR       0x300
#define LAPIC_ICR_HIGH  0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_COUNT     0x380
#define LAPIC_CURRENT   0x390
#define LAPIC_DIVIDE    0x3e0
#define SVR_ENABLE      0x100u
#define LVT_MASKED      0x10000u
#define LVT_DEADLINE    0x40000u
#define DIVIDE_BY_1     0xbu
#define ICR_NMI         0x00400u
#define ICR_INIT        0x00500u
#define ICR_STARTUP     0x00600u
#define ICR_PENDING     0x01000u /* xAPIC only: not sent yet */
#define ICR_ASSERT      0x04000u
#define ICR_OTHERS      0xc0000u /* to all but oneself */
#define BASE_ENABLE     0x800ull
#define BASE_X2APIC     0x400ull

#define IOAPIC_SELECT        0
#define IOAPIC_WINDOW        4 /* in words */
#define IOAPIC_REDIRECT(pin) (0x10 + 2 * (pin))

#define CPUID_TIMING 0x40000010u /* EAX TSC kHz, EBX bus kHz */
#define MEASURE_NS   1000000ull

static volatile uint32_t *lapic; /* NULL: x2APIC */
static volatile uint32_t *ioapic;
static uint64_t bus_per_tsc; /* the count-down timer's ticks to the TSC's, 32.32 */

static uint32_t lapic_read(uint32_t reg)
{
    return lapic != NULL ? lapic[reg / 4] : (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
}

static void lapic_write(uint32_t reg, uint32_t value)
{
    if (lapic != NULL)
        lapic[reg / 4] = value;
    else
        wrmsr(MSR_X2APIC + reg / 16, value);
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
    ioapic[IOAPIC_SELECT] = reg;
    ioapic[IOAPIC_WINDOW] = value;
}

void ioapic_route(unsigned pin, uint8_t vector)
{
    ioapic_write(IOAPIC_REDIRECT(pin) + 1, cpus[0].apic_id << 24);
    ioapic_write(IOAPIC_REDIRECT(pin), vector);
}

/* The two 8259s of a PC: all their lines masked, interrupts come by the IOAPIC.
 * A machine without them ignores the ports. */
static void mask_8259(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

static void enable_local(void)
{
    if (cpu_has.x2apic)
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_ENABLE | BASE_X2APIC);
    lapic_write(LAPIC_SVR, SVR_ENABLE | IRQ_SPURIOUS);
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
}

void apic_init(void *(*map)(paddr_t at, size_t n))
{
    if (!cpu_has.x2apic)
        lapic = map(LAPIC_BASE, PAGE_SIZE);
    enable_local();
    uint32_t id = lapic_read(LAPIC_ID);
    this_cpu()->apic_id = lapic != NULL ? id >> 24 : id;
    mask_8259();
    ioapic = map(IOAPIC_BASE, PAGE_SIZE); /* all pins are masked after reset */
}

/* --- to other CPUs ------------------------------------------------------------- */

/* MFENCE; LFENCE: in x2APIC mode the write is not ordered behind earlier stores. */
static void send(uint32_t apic_id, uint32_t what)
{
    if (lapic == NULL) {
        __asm__ volatile("mfence; lfence" : : : "memory");
        wrmsr(MSR_X2APIC + LAPIC_ICR / 16, (uint64_t)apic_id << 32 | what);
        return;
    }
    while (lapic_read(LAPIC_ICR) & ICR_PENDING)
        __asm__ volatile("pause");
    lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR, what);
}

void apic_send_ipi(unsigned cpu, uint8_t vector) { send(cpus[cpu].apic_id, ICR_ASSERT | vector); }

void apic_send_init(uint32_t apic_id) { send(apic_id, ICR_ASSERT | ICR_INIT); }

void apic_send_startup(uint32_t apic_id, paddr_t page)
{
    send(apic_id, ICR_ASSERT | ICR_STARTUP | (uint32_t)(page >> PAGE_SHIFT));
}

void apic_send_nmi_to_others(void) { send(0, ICR_ASSERT | ICR_OTHERS | ICR_NMI); }

/* --- the timer ----------------------------------------------------------------- */

static void timer_mode(void)
{
    lapic_write(LAPIC_DIVIDE, DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, (cpu_has.tsc_deadline ? LVT_DEADLINE : 0) | IRQ_TIMER);
}

static uint64_t told_bus_khz(void)
{
    uint32_t max, khz = 0, b, c, d;
    cpuid(0x40000000, 0, &max, &b, &c, &d);
    if (max >= CPUID_TIMING && max < CPUID_TIMING + 0x100)
        cpuid(CPUID_TIMING, 0, &b, &khz, &c, &d);
    return khz;
}

static uint64_t bus_khz, start, uncertain;

static void count_from_here(void)
{
    start = rdtsc();
    lapic_write(LAPIC_COUNT, UINT32_MAX);
    uncertain = rdtsc() - start;
}

void apic_timer_start(void)
{
    timer_mode();
    if (cpu_has.tsc_deadline)
        return;
    bus_khz = told_bus_khz();
    if (bus_khz == 0)
        count_from_here();
}

/* What the count-down has lost while the TSC went on: until what is uncertain about the
 * two readings is less than 1/1000 of the distance between them, or for MEASURE_NS.
 * Most often that is so at once, as the boot has gone on, too. */
static uint64_t measure_bus_khz(void)
{
    uint64_t most = clock_tsc_after(MEASURE_NS), before, after;
    uint32_t left;
    if (lapic_read(LAPIC_CURRENT) == 0) /* too long ago */
        count_from_here();
    do {
        before = rdtsc();
        left = lapic_read(LAPIC_CURRENT);
        after = rdtsc();
    } while (before - start < 1000 * (uncertain + after - before) && before - start < most);
    lapic_write(LAPIC_COUNT, 0);
    return (UINT32_MAX - left) * tsc_khz / (before - start);
}

void apic_timer_rate(void)
{
    if (!cpu_has.tsc_deadline)
        bus_per_tsc = ((bus_khz ? bus_khz : measure_bus_khz()) << 32) / tsc_khz;
}

void apic_init_ap(void)
{
    enable_local();
    timer_mode();
}

void apic_timer_arm(uint64_t tsc)
{
    if (cpu_has.tsc_deadline) {
        wrmsr(MSR_TSC_DEADLINE, tsc == UINT64_MAX ? 0 : tsc);
        return;
    }
    uint64_t count = 0, now = rdtsc();
    if (tsc != UINT64_MAX) {
        count = tsc > now ? (uint64_t)((unsigned __int128)(tsc - now) * bus_per_tsc >> 32) : 0;
        count = MIN(count + 1, (uint64_t)UINT32_MAX); /* too far: fires early, is armed again */
    }
    lapic_write(LAPIC_COUNT, (uint32_t)count);
}

/* Vectors are those of the IOAPIC's first pins and from IRQ_TIMER on. */
bool apic_may_wait(void)
{
    return lapic_read(LAPIC_IRR + IRQ_BASE / 32 * 16) != 0 ||
           lapic_read(LAPIC_IRR + IRQ_TIMER / 32 * 16) != 0;
}

void apic_eoi(void) { lapic_write(LAPIC_EOI, 0); }
