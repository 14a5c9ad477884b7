/* tsc.c - one clock: a processor's time stamp counter against the boot CPU's.
 *
 * Time and the order of trace events rest on RDTSC alone, so what happened before
 * on one CPU and was seen on another must have the smaller stamp.  Whether it has
 * is found by asking:
 *
 *   starting CPU                        boot CPU
 *   t1 = RDTSC
 *   asked = n          ------------->   sees n, t2 = RDTSC
 *   sees n, t3 = RDTSC <-------------   stamp = t2, answered = n
 *
 * t1, t2, t3 happened in this order, so the offset o that makes this counter the
 * boot CPU's satisfies t1 + o <= t2 <= t3 + o: it lies in [t2 - t3, t2 - t1].  Each
 * round gives such an interval, however long the CPUs were held up in it; the
 * offset lies in what all have in common.  If 0 does, then the counters contradict
 * each other in nothing that could be seen, and nothing is changed.  Else the
 * processor moves its own counter by the middle, and compares again.  A counter
 * that is wrong after that, too (it runs at another rate, or cannot be set), makes
 * the processor unfit: it is left out, so that time never goes back for anybody.
 *
 * The processor, not a sum in software, because programs read the counter as well.
 * LFENCE keeps RDTSC from being done before the load that it must follow; before a
 * store it needs none. */
#include "arch/cpu.h"
#include "arch/msr.h"
#include "arch/smp.h"

#define ROUNDS          12
#define MSR_TSC         0x10u
#define MSR_TSC_ADJUST  0x3bu
#define CPUID_7_EBX_TSC_ADJUST (1u << 1)

static struct {
    uint64_t asked;             /* [atomic] by who starts */
    uint64_t answered;          /* [atomic] by the boot CPU */
    uint64_t stamp;             /* the boot CPU's at `answered` */
} exchange __attribute__((aligned(64)));

static inline uint64_t rdtsc_after_loads(void)
{
    __asm__ volatile("lfence" : : : "memory");
    return rdtsc();
}

void tsc_serve(void)
{
    uint64_t n = __atomic_load_n(&exchange.asked, __ATOMIC_ACQUIRE);
    if (n == exchange.answered)
        return;
    exchange.stamp = rdtsc_after_loads();
    __atomic_store_n(&exchange.answered, n, __ATOMIC_RELEASE);
}

struct interval { int64_t low, high; };

static bool measure(struct interval *in, const uint32_t *go_on)
{
    uint32_t state = __atomic_load_n(go_on, __ATOMIC_RELAXED);
    *in = (struct interval){ INT64_MIN, INT64_MAX };
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t n = exchange.asked + 1, t1 = rdtsc();
        __atomic_store_n(&exchange.asked, n, __ATOMIC_RELEASE);
        while (__atomic_load_n(&exchange.answered, __ATOMIC_ACQUIRE) != n) {
            if (__atomic_load_n(go_on, __ATOMIC_RELAXED) != state)
                return false;
            cpu_relax_poll();
        }
        uint64_t t3 = rdtsc_after_loads(), t2 = exchange.stamp;
        in->low = MAX(in->low, (int64_t)(t2 - t3));
        in->high = MIN(in->high, (int64_t)(t2 - t1));
    }
    return true;
}

static void move_counter(int64_t by)
{
    uint32_t a, b, c, d;
    cpuid(7, 0, &a, &b, &c, &d);
    if (b & CPUID_7_EBX_TSC_ADJUST)
        wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) + (uint64_t)by);
    else
        wrmsr(MSR_TSC, rdtsc() + (uint64_t)by);
}

bool tsc_compare(struct tsc_offset *found, const uint32_t *go_on)
{
    struct interval in;
    if (!measure(&in, go_on))
        return false;
    if (in.low > 0 || in.high < 0) {
        move_counter(in.low + (in.high - in.low) / 2);
        if (!measure(&in, go_on))
            return false;
    }
    found->offset = in.low + (in.high - in.low) / 2;
    found->error = (uint64_t)(in.high - in.low + 1) / 2;
    return in.low <= 0 && in.high >= 0;
}
