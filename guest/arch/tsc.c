/* tsc.c - stamps in order where the processors' counters drift apart: each is at least one
 * more than the last that was given to anybody (entry/tsc_compare.c). */
#include "arch/tsc.h"

bool tsc_drifts;
static uint64_t last_stamp; /* [a] if they drift */

uint64_t tsc_in_order(uint64_t tsc)
{
    uint64_t last = __atomic_load_n(&last_stamp, __ATOMIC_RELAXED), stamp;
    do
        stamp = MAX(tsc, last + 1);
    while (!__atomic_compare_exchange_n(&last_stamp, &last, stamp, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
    return stamp;
}

void tsc_put_in_order(uint64_t at_least)
{
    tsc_in_order(at_least);
    __atomic_store_n(&tsc_drifts, true, __ATOMIC_SEQ_CST);
}
