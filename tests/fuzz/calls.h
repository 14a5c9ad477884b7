/* calls.h - between calls.c (who is started, what is checked), calls_run.c (one thread's calls)
 * and calls_args.c (what they are called with). */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include <stdint.h>

#define PAGE        4096ul
#define ARENA       0x200000000000ul /* what pointers point to */
#define ARENA_PAGES 48ul
#define LOG_ENTRIES 32u
#define THREADS     3u
#define WORKERS     4u

struct random {
    uint64_t state;
};
uint64_t next_random(struct random *r);
static inline uint64_t below(struct random *r, uint64_t n) { return next_random(r) % n; }
static inline int one_in(struct random *r, uint64_t n) { return below(r, n) == 0; }

/* What a thread has called last: shared with who reports it. */
struct call {
    uint32_t nr, done;
    long arg[6], result;
};
struct log {
    uint32_t n;
    struct call call[LOG_ENTRIES];
};

/* The kernel's list: the number's name, 0: no such call. */
#define CALLS 512u
extern const char *const call_names[CALLS];

/* calls_args.c */
void arena_make(struct random *r);
void arena_fill(struct random *r, long at, unsigned n); /* if it is there */
unsigned choose_call(struct random *r, struct call *c); /* its number, with arguments */

/* calls_structs.c */
void mend_structs(struct random *r, struct call *c);
long fuzz_listener(void); /* a descriptor: who makes some calls is asked about there */

/* calls_run.c */
long raw_call(const struct call *c);
void run_calls(struct random *r, struct log *log, unsigned n);
__attribute__((noreturn)) void thread_main(struct random *r, struct log *log, unsigned n);
long start_thread(void *stack_top, struct random *r, struct log *log, unsigned n);
void last_words(const struct log *log, const char *who); /* prints it */

#endif
