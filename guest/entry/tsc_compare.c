/* tsc_compare.c - one clock: a processor's time stamp counter against the boot CPU's.
 *
 * Time and the order of trace events rest on the counters, so what happened before
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
 * processor moves its own counter by the middle, and compares again: the counter, not
 * a sum in software, because programs read it as well.  LFENCE keeps RDTSC from being
 * done before the load that it must follow; before a store it needs none.
 *
 * That holds for good only where the counters are invariant, as CPUID tells.  A KVM
 * on a host without that sets each vCPU's counter anew whenever it is scheduled, some
 * milliseconds off where the host is busy.  There, or where the second comparison still
 * finds a contradiction, the counters drift: every stamp of the kernel then goes
 * through tsc_in_order(), which gives at least one more than the last it gave to anybody.
 * So time stands still for a moment rather than going back, and each event of the
 * trace has a moment of its own.  Rounds that contradict each other say that the
 * counter was set meanwhile, and not where it is now: then it is not moved, as one that
 * has been put ahead holds the others' time up for ever.  Who is off by more than
 * FAR_NS even so is left out. */
#include "entry/tsc_compare.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/msr.h"
#include "entry/smp.h"
#include "trace/trace.h"

#define ROUNDS                       12u        /* and more while one must be held up in each, */
#define NARROW_NS                    50000ull   /*   that is until this is known, */
#define LONG_NS                      2000000ull /*   or it has lasted that long */
#define FAR_NS                       1000000000ull
#define MSR_TSC                      0x10u
#define MSR_TSC_ADJUST               0x3bu
#define CPUID_7_EBX_TSC_ADJUST       (1u << 1)
#define CPUID_80000007_EDX_INVARIANT (1u << 8)

static struct {
    uint64_t asked;    /* [atomic] by who starts */
    uint64_t answered; /* [atomic] by the boot CPU */
    uint64_t stamp;    /* the boot CPU's at `answered` */
    uint32_t asker;    /* CPU */
} exchange __attribute__((aligned(64)));

static inline uint64_t rdtsc_after_loads(void)
{
    __asm__ volatile("lfence" : : : "memory");
    return rdtsc();
}

bool tsc_serve(void)
{
    uint64_t n = __atomic_load_n(&exchange.asked, __ATOMIC_ACQUIRE);
    if (n == exchange.answered)
        return false;
    exchange.stamp = rdtsc_after_loads();
    __atomic_store_n(&exchange.answered, n, __ATOMIC_RELEASE);
    smp_tell(exchange.asker);
    return true;
}

static void put_in_order(uint64_t at_least)
{
    tsc_put_in_order(at_least);
    trace_long_stamps();
}

void tsc_start(void)
{
    uint32_t max, a, b, c, d = 0;
    cpuid(0x80000000, 0, &max, &b, &c, &d);
    if (max >= 0x80000007)
        cpuid(0x80000007, 0, &a, &b, &c, &d);
    if (max < 0x80000007 || !(d & CPUID_80000007_EDX_INVARIANT))
        put_in_order(rdtsc());
}

struct interval {
    int64_t low, high;
};

/* One question; false: given up. */
static bool ask(uint64_t n, const uint32_t *go_on, uint32_t state)
{
    __atomic_store_n(&exchange.asked, n, __ATOMIC_RELEASE);
    smp_tell(0);
    struct smp_wait w = smp_wait_begin();
    while (__atomic_load_n(&exchange.answered, __ATOMIC_ACQUIRE) != n &&
           __atomic_load_n(go_on, __ATOMIC_RELAXED) == state)
        smp_wait(&w);
    smp_wait_end();
    return __atomic_load_n(&exchange.answered, __ATOMIC_ACQUIRE) == n;
}

static bool measure(struct interval *in, const uint32_t *go_on)
{
    uint32_t state = __atomic_load_n(go_on, __ATOMIC_RELAXED);
    *in = (struct interval){ INT64_MIN / 2, INT64_MAX / 2 };
    exchange.asker = HERE->id;
    uint64_t narrow = clock_tsc_after(NARROW_NS), most = clock_tsc_after(LONG_NS), start = rdtsc();
    for (unsigned i = 0;
         i < ROUNDS || (in->high - in->low > (int64_t)narrow && rdtsc() - start < most); i++) {
        uint64_t n = exchange.asked + 1, t1 = rdtsc();
        if (!ask(n, go_on, state))
            return false;
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

/* By all rounds: where they contradict each other, some were on either side of it. */
static bool is_far(struct interval in)
{
    int64_t far = (int64_t)clock_tsc_after(FAR_NS);
    return MIN(in.low, in.high) > far || MAX(in.low, in.high) < -far;
}

static bool contradicts(struct interval in) { return in.low > 0 || in.high < 0; }

bool tsc_compare(struct tsc_offset *found, const uint32_t *go_on)
{
    struct interval in;
    if (!measure(&in, go_on))
        return false;
    if (in.low <= in.high && contradicts(in)) {
        move_counter(in.low + (in.high - in.low) / 2);
        if (!measure(&in, go_on))
            return false;
    }
    found->offset = in.low + (in.high - in.low) / 2;
    found->error = (uint64_t)(MAX(in.low, in.high) - MIN(in.low, in.high) + 1) / 2;
    if (!tsc_drifts && contradicts(in))
        put_in_order(rdtsc() + (uint64_t)MAX(in.low, in.high));
    /* What is known of this moment says nothing of stamps that are put in order: then 0 is not
     * excluded. */
    if (tsc_drifts)
        found->error =
            MAX(found->error, (uint64_t)(found->offset < 0 ? -found->offset : found->offset));
    return !is_far(in);
}
