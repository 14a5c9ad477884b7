/* base.h - the words every file of the kernel uses.
 * Errors are -errno, as Linux numbers them; a function that can fail returns
 * int or long, 0 or positive for success, and hands objects out by pointer. */
#ifndef LIB_BASE_H
#define LIB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/errno.h>

typedef uint64_t paddr_t; /* guest physical address */
typedef uint32_t pfn_t;   /* frame number; 0 is never handed out, so 0 is "none" */
typedef uint64_t uaddr_t; /* user virtual address: an integer, never dereferenced */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* For what a short function seldom goes on to do: kept out of it, so that the short
 * way saves no registers for the long one's sake. */
#define SLOW_PATH __attribute__((noinline, cold))
/* What short functions in line nearly never call saves all registers, so that none of those around
 * them saves any for its sake: a call that the compiler does not see.  Not in host programs that
 * test, which use vector registers. */
#if defined(__SSE__) || defined(__clang__)
#define KEEPS_REGISTERS
#define CALL_KEEPING(fn, ...) fn(__VA_ARGS__)
#else
#define KEEPS_REGISTERS __attribute__((no_caller_saved_registers))
#define CALL_KEEPING(fn, ...) \
    __asm__ volatile("call " #fn : : __VA_OPT__("D"(__VA_ARGS__)) : "memory", "cc")
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* Each use has variables of its own, so that one may stand within another. */
#define PASTE_(a, b) a##b
#define PASTE(a, b)  PASTE_(a, b)
#define CHOOSE_(op, a, b, x, y) \
    ({ \
        __typeof__(a) x = (a); \
        __typeof__(b) y = (b); \
        x op y ? x : y; \
    })
#define CHOOSE(op, a, b, n)             CHOOSE_(op, a, b, PASTE(a_, n), PASTE(b_, n))
#define MIN(a, b)                       CHOOSE(<, a, b, __COUNTER__)
#define MAX(a, b)                       CHOOSE(>, a, b, __COUNTER__)
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline uint64_t page_down(uint64_t x) { return x & PAGE_MASK; }
static inline uint64_t page_up(uint64_t x)
{
    return (x + PAGE_SIZE - 1) & PAGE_MASK;
} /* 0 on overflow */

/* Errors that never reach user space: the way out of a system call turns them
 * into a restart or -EINTR (proc/signal.c).  Linux's numbers, so that a trace
 * reads the same. */
#define ERESTARTSYS           512 /* restart if SA_RESTART or no handler */
#define ERESTARTNOINTR        513 /* always restart */
#define ERESTARTNOHAND        514 /* restart only if no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* restart_syscall with what is left of a time-out */

/* 1: the kernel that watches its memory, mm/memcheck.h */
#ifndef MEMCHECK
#define MEMCHECK 0
#endif

/* arch/machine.c: stops the machine with a report.  printf-like. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define ASSERT(cond) \
    do { \
        if (unlikely(!(cond))) \
            panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
    } while (0)

#endif
