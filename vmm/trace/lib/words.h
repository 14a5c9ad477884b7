/* words.h - loops over the many words of range events, in the vector instructions that the
 * processor has.  (The files that hold such loops are compiled with -O3: Makefile.) */
#ifndef VMM_TRACE_WORDS_H
#define VMM_TRACE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* In the stream nothing is aligned. */
typedef uint64_t trace_word_at __attribute__((aligned(1), may_alias));

/* Before a function: it is compiled several times, and chosen when the program starts. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FOR_EACH_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_CPU
#endif

/* How many of the words are not 0. */
uint64_t words_set(const void *words, uint64_t n);
/* How many have one of these bits. */
uint64_t words_with(const uint64_t *words, uint64_t n, uint64_t bits);
/* In how many of the pairs the two words differ. */
uint64_t pairs_that_differ(const void *words, uint64_t pairs);
/* Does a word of a differ from b's in one of these bits? */
bool words_differ(const uint64_t *a, const uint64_t *b, uint64_t n, uint64_t bits);

#endif
