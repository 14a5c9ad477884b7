/* clock.c - time: the TSC, scaled.
 *
 * Its rate is told by CPUID 0x40000010 (as QEMU and VMware define it) or by CPUID
 * 0x15, else measured once against the PIT, from clock_init() to clock_finish(): what
 * the boot does in between need not wait for it, and finds that no time has passed.
 * The TSC is taken to be constant, as it is in a virtual machine, and the same on all
 * CPUs, as tsc.c has made sure.
 * Ticks become nanoseconds by a multiplication and a shift: the factor has 32 bits
 * behind the point, so it is exact to 1e-9 at 1 GHz and more. */
#include "arch/clock.h"
#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/msr.h"
#include "arch/vvar.h"

#define CPUID_TIMING 0x40000010u

uint64_t tsc_khz;
uint64_t clock_tsc_base, clock_ns_per_tick;
static uint64_t ticks_per_ns; /* 32.32 */

static inline uint64_t scale(uint64_t x, uint64_t factor)
{
    return (uint64_t)((unsigned __int128)x * factor >> 32);
}

/* --- the rate ------------------------------------------------------------------ */

static uint64_t khz_from_cpuid(void)
{
    uint32_t max, a, b, c, d;
    cpuid(0x40000000, 0, &max, &b, &c, &d);
    if (max >= CPUID_TIMING && max < CPUID_TIMING + 0x100) {
        cpuid(CPUID_TIMING, 0, &a, &b, &c, &d);
        if (a != 0)
            return a;
    }
    cpuid(0, 0, &max, &b, &c, &d);
    if (max >= 0x15) { /* EBX/EAX: TSC to crystal; ECX: the crystal's Hz */
        cpuid(0x15, 0, &a, &b, &c, &d);
        if (a != 0 && b != 0 && c != 0)
            return (uint64_t)c * b / a / 1000;
    }
    return 0;
}

#define PIT_HZ      1193182ull
#define PIT_COUNT0  0x40
#define PIT_COMMAND 0x43
#define PIT_MODE0   0x30 /* counter 0, low then high byte, output high at its end */
#define PIT_LATCH0  0x00
#define PIT_STATUS0 0xe2 /* read-back of its status */
#define PIT_OUTPUT  0x80

struct sample {
    uint64_t tsc;
    uint32_t uncertain;
    uint16_t count;
};

static inline uint16_t pit_read(void)
{
    outb(PIT_COMMAND, PIT_LATCH0);
    uint16_t low = inb(PIT_COUNT0);
    return (uint16_t)(low | inb(PIT_COUNT0) << 8);
}

/* The moment at which the counter changed, between two readings of the TSC. */
static struct sample pit_edge(void)
{
    uint16_t first = pit_read(), count;
    uint64_t before, after = rdtsc();
    do {
        before = after;
        count = pit_read();
        after = rdtsc();
    } while (count == first);
    return (struct sample){ before + (after - before) / 2, (uint32_t)(after - before), count };
}

static struct sample pit_from; /* where the measurement begins */

static void pit_start(void)
{
    outb(PIT_COMMAND, PIT_MODE0);
    outb(PIT_COUNT0, 0); /* 65536: 55 ms */
    outb(PIT_COUNT0, 0);
    pit_from = pit_edge();
}

static bool pit_ended(void)
{
    outb(PIT_COMMAND, PIT_STATUS0);
    return inb(PIT_COUNT0) & PIT_OUTPUT;
}

/* From one edge of the counter to a later one, until what is uncertain about both
 * is less than 1/1000 of the distance, or 10 ms are over.  Where a port is read in a few
 * instructions (QEMU with -icount) that is so after 20 us; where that is an exit to
 * another process, after some ms.  A boot that took longer than the counter runs
 * starts it again. */
static uint64_t khz_from_pit(void)
{
    for (;; pit_start()) {
        struct sample now;
        uint16_t ticks;
        do {
            now = pit_edge();
            ticks = (uint16_t)(pit_from.count - now.count);
        } while (now.tsc - pit_from.tsc < 500ull * (pit_from.uncertain + now.uncertain) &&
                 ticks < PIT_HZ / 100);
        if (!pit_ended())
            return (now.tsc - pit_from.tsc) * PIT_HZ / ticks / 1000;
    }
}

/* --- the wall clock ------------------------------------------------------------ */

#define RTC_INDEX 0x70
#define RTC_DATA  0x71

static uint8_t rtc_read(uint8_t reg)
{
    outb(RTC_INDEX, reg);
    return inb(RTC_DATA);
}

static unsigned from_bcd(uint8_t v) { return (v >> 4) * 10u + (v & 15); }

/* Days since 1970 of a date in the Gregorian calendar; a year begins in March, so
 * that the leap day is its last. */
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
    year -= month <= 2;
    uint64_t march_based = (month + 9) % 12;
    return year * 365ull + year / 4 - year / 100 + year / 400 + (march_based * 153 + 2) / 5 + day -
           1 - 719468;
}

/* Source: MC146818A data sheet; century in register 0x32 by convention.  Seconds
 * are all the chip has. */
static uint64_t rtc_seconds(void)
{
    static const uint8_t regs[7] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32 };
    unsigned v[7];
    uint8_t mode = rtc_read(0x0b);
    do {
        for (unsigned i = 0; i < 7; i++)
            v[i] = rtc_read(regs[i]);
    } while ((rtc_read(0x0a) & 0x80) != 0 || rtc_read(0x00) != v[0]); /* it moved meanwhile */
    bool pm = !(mode & 0x02) && (v[2] & 0x80);
    v[2] &= 0x7f;
    if (!(mode & 0x04))
        for (unsigned i = 0; i < 7; i++)
            v[i] = from_bcd((uint8_t)v[i]);
    if (!(mode & 0x02))
        v[2] = v[2] % 12 + (pm ? 12 : 0);
    unsigned century = v[6] >= 19 && v[6] <= 99 ? v[6] : 20;
    uint64_t days = days_of(century * 100 + v[5], v[4], v[3]);
    return ((days * 24 + v[2]) * 60 + v[1]) * 60 + v[0];
}

/* --- the interface --------------------------------------------------------------- */

static void set_rate(uint64_t khz)
{
    tsc_khz = khz;
    clock_ns_per_tick = (1000000ull << 32) / khz;
    ticks_per_ns = (khz << 32) / 1000000;
    apic_timer_rate();
}

void clock_init(void)
{
    apic_timer_start();
    uint64_t khz = khz_from_cpuid();
    if (khz == 0)
        pit_start();
    clock_tsc_base = rdtsc();
    if (khz != 0)
        set_rate(khz);
    vvar.real_base =
        hc_present ? (uint64_t)hypercall(HC_WALL_CLOCK, 0, 0, 0, 0) : rtc_seconds() * NSEC_PER_SEC;
}

void clock_finish(void)
{
    if (tsc_khz == 0)
        set_rate(khz_from_pit());
}

static struct { /* CLOCK_MONOTONIC as it was before its rate was changed first; 0: it was not */
    uint64_t tsc_base, ns_per_tick;
} raw;

uint64_t clock_nominal_rate(void)
{
    return raw.ns_per_tick != 0 ? raw.ns_per_tick : clock_ns_per_tick;
}

uint64_t clock_raw_ns(void)
{
    return raw.ns_per_tick != 0 ? scale(tsc_stamp() - raw.tsc_base, raw.ns_per_tick)
                                : clock_mono_ns();
}

/* A new line through the present moment: where it meets 0 is rounded up, so no clock goes back, and none goes
 * forward by more than a ns. */
void clock_set_rate(uint64_t ns_per_tick)
{
    uint64_t tsc = tsc_stamp(), ns = clock_mono_at(tsc), ticks, rest;

    if (raw.ns_per_tick == 0) {
        raw.tsc_base = clock_tsc_base;
        raw.ns_per_tick = clock_ns_per_tick;
    }
    __asm__("divq %4" : "=a"(ticks), "=d"(rest) : "a"(ns << 32), "d"(ns >> 32), "r"(ns_per_tick));
    clock_tsc_base = tsc - ticks - 1;
    clock_ns_per_tick = ns_per_tick;
    ticks_per_ns = UINT64_MAX / ns_per_tick;
    if (vvar.ns_per_tick != 0) {
        vvar.raw_tsc_base = raw.tsc_base;
        vvar.raw_ns_per_tick = raw.ns_per_tick;
        vvar.tsc_base = clock_tsc_base;
        vvar.ns_per_tick = clock_ns_per_tick;
        vvar.changes++;
    }
}

uint64_t clock_tsc_after(uint64_t ns) { return scale(ns, ticks_per_ns); }

uint64_t clock_real_ns(void)
{
    return __atomic_load_n(&vvar.real_base, __ATOMIC_RELAXED) + clock_mono_ns();
}

struct clock_steps clock_steps;
uint32_t clock_tai_seconds;

void clock_set_real_ns(uint64_t ns)
{
    uint64_t base = ns == CLOCK_SAME ? vvar.real_base : ns - clock_mono_ns();

    clock_steps.count++;
    clock_steps.tai_ns = __atomic_load_n(&clock_tai_seconds, __ATOMIC_RELAXED) * NSEC_PER_SEC;
    clock_steps.moved_ns += base - vvar.real_base;
    __atomic_store_n(&vvar.real_base, base, __ATOMIC_RELAXED);
}

/* One tick later than the moment: the timer must not fire before it. */
void clock_arm(uint64_t mono_ns)
{
    apic_timer_arm(mono_ns == UINT64_MAX ? UINT64_MAX
                                         : clock_tsc_base + clock_tsc_after(mono_ns) + 1);
}
