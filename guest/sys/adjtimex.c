/* adjtimex.c - adjtimex(2), clock_adjtime(2): the clock is moved, and says how good it is.
 *
 * Whoever disciplines a clock tells the kernel how far off it is and how fast it runs.  Another rate is one for
 * all clocks but CLOCK_MONOTONIC_RAW, from the call on (clock_set_rate()).  An offset is made good
 * at once, where Linux takes some time for it; so none is ever left.  What is said about errors, the time constant
 * and the state is kept and told.  STA_INS and STA_DEL are not kept, for there is no leap second. */
#include "arch/clock.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/tlb.h"
#include "proc/cpu_clock.h"
#include "proc/itimer.h"
#include "sched/timer.h"
#include "sys/time.h"
#include <linux/timex.h>

#define USEC            1000000
#define TICK_USEC       10000 /* of USER_HZ */
#define TOLERANCE       (500l << 16)
#define ERROR_MOST      16000000  /* usec */
#define OFFSET_MOST     500000000 /* ns */
#define CONSTANT_OF     2
#define CONSTANT_MOST   10
#define TAI_MOST        100000 /* s */
#define STATUS_KEPT     (STA_PLL | STA_FLL | STA_UNSYNC | STA_FREQHOLD)
#define MODE_ADJTIME    0x8000u /* adjtime(3)'s offset, and nothing else */
#define MODE_READ_ONLY  0x2000u
#define MODE_SINGLESHOT 0x0001u

/* [a] each: who sets several of them at once sets them one after the other. */
static struct {
    long maxerror, esterror, constant;
    int status;
    long freq, tick; /* ppm * 2^16; usec of a tick that should have TICK_USEC */
} kept = { ERROR_MOST, ERROR_MOST, CONSTANT_OF, STA_UNSYNC, 0, TICK_USEC };

static struct spinlock rate_lock = SPINLOCK_INIT(LOCK_clock_rate);

static int check(const struct timex *tx)
{
    if (tx->modes & MODE_ADJTIME) {
        if (!(tx->modes & MODE_SINGLESHOT))
            return -EINVAL;
        return tx->modes & MODE_READ_ONLY || has_cap(CAP_SYS_TIME) ? 0 : -EPERM;
    }
    if (tx->modes != 0 && !has_cap(CAP_SYS_TIME))
        return -EPERM;
    if ((tx->modes & ADJ_TICK) && (tx->tick < TICK_USEC / 10 * 9 || tx->tick > TICK_USEC / 10 * 11))
        return -EINVAL;
    return 0;
}

/* By ns, forward or back. */
static int move_clock(int64_t ns)
{
    int64_t now = (int64_t)clock_real_ns();

    if (__builtin_add_overflow(now, ns, &now) || now < 0)
        return -EINVAL;
    if (ns != 0)
        time_set_clock((uint64_t)now);
    return 0;
}

static int set_offset(const struct timex *tx)
{
    int64_t part = tx->modes & ADJ_NANO ? (int64_t)NSEC_PER_SEC : USEC, ns;

    if (tx->time.tv_usec < 0 || tx->time.tv_usec >= part ||
        __builtin_mul_overflow(tx->time.tv_sec, (int64_t)NSEC_PER_SEC, &ns) ||
        __builtin_add_overflow(ns, tx->time.tv_usec * ((int64_t)NSEC_PER_SEC / part), &ns))
        return -EINVAL;
    return move_clock(ns);
}

/* Usec, or with STA_NANO ns; only with a loop that is on. */
static int follow_offset(long offset)
{
    int64_t most = kept.status & STA_NANO ? OFFSET_MOST : OFFSET_MOST / 1000;

    if (!(kept.status & STA_PLL))
        return 0;
    offset = MAX(MIN(offset, most), -most);
    return move_clock(kept.status & STA_NANO ? offset : offset * 1000);
}

/* The clock runs as `kept` says. */
static void set_rate(void)
{
    spin_lock(&rate_lock);
    int64_t rate = (int64_t)clock_nominal_rate() * kept.tick / TICK_USEC;
    rate += rate * kept.freq / ((int64_t)USEC << 16);
    cpus_hold();
    clock_set_rate((uint64_t)rate);
    cpus_release();
    spin_unlock(&rate_lock);
    timer_rate_changed();
}

static void keep_rate(const struct timex *tx)
{
    long freq = kept.freq, tick = kept.tick;

    if (tx->modes & ADJ_FREQUENCY)
        kept.freq = MAX(MIN(tx->freq, TOLERANCE), -TOLERANCE);
    if (tx->modes & ADJ_TICK)
        kept.tick = tx->tick;
    if (kept.freq != freq || kept.tick != tick)
        set_rate();
}

static void keep_tai(const struct timex *tx)
{
    if (!(tx->modes & ADJ_TAI) || tx->constant < 0 || tx->constant > TAI_MOST)
        return;
    uint32_t seconds = (uint32_t)tx->constant;
    if (__atomic_exchange_n(&clock_tai_seconds, seconds, __ATOMIC_RELAXED) != seconds)
        time_set_clock(CLOCK_SAME);
}

static void keep(const struct timex *tx)
{
    if (tx->modes & ADJ_STATUS)
        kept.status = (kept.status & ~STATUS_KEPT) | (tx->status & STATUS_KEPT);
    if (tx->modes & ADJ_NANO)
        kept.status |= STA_NANO;
    if (tx->modes & ADJ_MICRO)
        kept.status &= ~STA_NANO;
    if (tx->modes & ADJ_MAXERROR)
        kept.maxerror = MAX(MIN(tx->maxerror, ERROR_MOST), 0);
    if (tx->modes & ADJ_ESTERROR)
        kept.esterror = MAX(MIN(tx->esterror, ERROR_MOST), 0);
    if (tx->modes & ADJ_TIMECONST)
        kept.constant = MAX(MIN(tx->constant + (kept.status & STA_NANO ? 0 : 4), CONSTANT_MOST), 0);
}

static int change(const struct timex *tx)
{
    int err = check(tx);

    if (err == 0 && (tx->modes & ADJ_SETOFFSET))
        err = set_offset(tx);
    if (err != 0 || tx->modes == 0)
        return err;
    if (tx->modes & MODE_ADJTIME) /* usec */
        return tx->modes & MODE_READ_ONLY
                   ? 0
                   : move_clock(MAX(MIN(tx->offset, INT64_MAX / 1000), INT64_MIN / 1000) * 1000);
    keep(tx);
    keep_rate(tx);
    keep_tai(tx);
    return tx->modes & ADJ_OFFSET ? follow_offset(tx->offset) : 0;
}

static void tell(struct timex *tx)
{
    unsigned modes = tx->modes;
    uint64_t now = clock_real_ns();

    memset(tx, 0, sizeof *tx);
    tx->modes = modes;
    tx->status = kept.status;
    tx->precision = 1;
    tx->tai = (int)clock_tai_seconds;
    tx->freq = kept.freq;
    tx->tick = kept.tick;
    tx->tolerance = TOLERANCE;
    tx->maxerror = kept.maxerror;
    tx->esterror = kept.esterror;
    tx->constant = kept.constant;
    tx->time.tv_sec = (long)(now / NSEC_PER_SEC);
    tx->time.tv_usec = (long)(now % NSEC_PER_SEC / (kept.status & STA_NANO ? 1 : 1000));
}

static long adjust(uaddr_t to)
{
    struct timex tx;

    if (get_user(tx, to) != 0)
        return -EFAULT;
    int err = change(&tx);
    if (err != 0)
        return err;
    tell(&tx);
    return put_user(tx, to) != 0 ? -EFAULT : kept.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

SYSCALL1(adjtimex, uaddr_t, to) { return adjust(to); }

SYSCALL2(clock_adjtime, int, id, uaddr_t, to)
{
    struct timex tx;

    if (id == CLOCK_REALTIME)
        return adjust(to);
    if (get_user(tx, to) != 0)
        return -EFAULT;
    return time_has_clock(id) ? -EOPNOTSUPP : -EINVAL;
}
