/* words.c - see words.h. */
#include "vmm/trace/lib/words.h"

FOR_EACH_CPU uint64_t words_set(const void *words, uint64_t n)
{
    const trace_word_at *w = words;
    uint64_t set = 0;
    for (uint64_t i = 0; i < n; i++)
        set += w[i] != 0;
    return set;
}

FOR_EACH_CPU uint64_t words_with(const uint64_t *words, uint64_t n, uint64_t bits)
{
    uint64_t with = 0;
    for (uint64_t i = 0; i < n; i++)
        with += (words[i] & bits) != 0;
    return with;
}

FOR_EACH_CPU uint64_t pairs_that_differ(const void *words, uint64_t pairs)
{
    const trace_word_at *w = words;
    uint64_t differ = 0;
    for (uint64_t i = 0; i < pairs; i++)
        differ += w[2 * i] != w[2 * i + 1];
    return differ;
}

FOR_EACH_CPU bool words_differ(const uint64_t *a, const uint64_t *b, uint64_t n, uint64_t bits)
{
    uint64_t differ = 0;
    for (uint64_t i = 0; i < n; i++)
        differ |= a[i] ^ b[i];
    return (differ & bits) != 0;
}
