/* calls_run.c - what a thread of a worker does: one call after the other.
 *
 * No function of the C library: a thread has no TLS, and the calls change its base.  A child of
 * fork, vfork or clone comes out of the same instruction, perhaps on another stack; it makes some
 * calls of its own and ends.  The stack that a clone gets is a page of the arena's end. */
#include "calls.h"
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_clone3
#define __NR_clone3 435
#endif

uint64_t next_random(struct random *r)
{
    r->state += 0x9e3779b97f4a7c15ull;
    uint64_t x = r->state;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static struct log *child_log;
static uint64_t child_seed;

__attribute__((noreturn, used)) static void child_main(void)
{
    struct random r = { __atomic_add_fetch(&child_seed, 1, __ATOMIC_RELAXED) };

    if (child_log)
        run_calls(&r, child_log, 3 + (unsigned)below(&r, 8));
    for (;;) {
        struct call end = { .nr = SYS_exit };
        raw_call(&end);
    }
}

/* Who comes out with 0 and is a child goes to child_main(), on whatever stack it has. */
__attribute__((noinline)) static long fork_call(const struct call *c)
{
    register long r10 __asm__("r10") = c->arg[3];
    register long r8 __asm__("r8") = c->arg[4];
    register long r9 __asm__("r9") = c->arg[5];
    long result;

    __asm__ volatile("syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "and $-16, %%rsp\n"
                     "sub $256, %%rsp\n"
                     "call child_main\n"
                     "1:\n"
                     : "=a"(result)
                     : "a"((long)c->nr), "D"(c->arg[0]), "S"(c->arg[1]), "d"(c->arg[2]), "r"(r10),
                       "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

long raw_call(const struct call *c)
{
    register long r10 __asm__("r10") = c->arg[3];
    register long r8 __asm__("r8") = c->arg[4];
    register long r9 __asm__("r9") = c->arg[5];
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)c->nr), "D"(c->arg[0]), "S"(c->arg[1]), "d"(c->arg[2]), "r"(r10),
                       "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static long new_stack(struct random *r)
{
    return (long)(ARENA + (44 + below(r, 4)) * PAGE + PAGE - 64);
}

/* A clone gets flags that go together more often than chance has them, and a stack. */
static void mend(struct random *r, struct call *c)
{
    static const long together[] = {
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
        CLONE_VM | CLONE_VFORK | 17,
        17,
        CLONE_VM | CLONE_FILES | 17,
        CLONE_FILES | CLONE_FS | 17,
    };

    if (c->nr == __NR_clone && one_in(r, 2))
        c->arg[0] = together[below(r, 5)];
    if (c->nr == __NR_clone && (c->arg[0] & CLONE_VM) && !one_in(r, 8))
        c->arg[1] = new_stack(r);
    if (c->nr == __NR_clone3 && !one_in(r, 4)) {
        uint64_t args[11] = { (uint64_t)together[below(r, 5)] & ~0xffull };
        args[4] = args[0] & CLONE_THREAD ? 0 : 17;
        if (args[0] & CLONE_VM) {
            args[5] = (uint64_t)new_stack(r) - 2048;
            args[6] = 2048;
        }
        static uint64_t buffer[11];
        for (unsigned i = 0; i < 11; i++)
            buffer[i] = args[i];
        c->arg[0] = (long)buffer;
        c->arg[1] = one_in(r, 4) ? 64 : 88;
    }
    if (c->nr == SYS_rt_sigaction && !one_in(r, 3))
        c->arg[1] = 0; /* a handler from the arena ends the worker */
}

void run_calls(struct random *r, struct log *log, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct call *c = &log->call[__atomic_fetch_add(&log->n, 1, __ATOMIC_RELAXED) % LOG_ENTRIES];
        struct call mine = { 0 };

        choose_call(r, &mine);
        mend(r, &mine);
        *c = mine;
        child_log = log;
        long result = mine.nr == SYS_fork || mine.nr == SYS_vfork || mine.nr == SYS_clone ||
                              mine.nr == __NR_clone3
                          ? fork_call(&mine)
                          : raw_call(&mine);
        c->result = result;
        c->done = 1;
    }
}

void thread_main(struct random *r, struct log *log, unsigned n)
{
    run_calls(r, log, n);
    for (;;) {
        struct call end = { .nr = SYS_exit };
        raw_call(&end);
    }
}

/* rdi rsi rdx of the new thread wait on its stack. */
long start_thread(void *stack_top, struct random *r, struct log *log, unsigned n)
{
    uint64_t *sp = (uint64_t *)stack_top - 8;
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    long result;

    sp[0] = (uint64_t)r;
    sp[1] = (uint64_t)log;
    sp[2] = n;
    sp[3] = (uint64_t)thread_main;
    __asm__ volatile("syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "pop %%rdi\n"
                     "pop %%rsi\n"
                     "pop %%rdx\n"
                     "pop %%rax\n"
                     "and $-16, %%rsp\n"
                     "call *%%rax\n"
                     "1:\n"
                     : "=a"(result)
                     : "a"((long)SYS_clone), "D"(flags), "S"(sp), "d"(0l), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

void last_words(const struct log *log, const char *who)
{
    uint32_t n = log->n;

    for (uint32_t i = n > LOG_ENTRIES ? n - LOG_ENTRIES : 0; i < n; i++) {
        const struct call *c = &log->call[i % LOG_ENTRIES];
        printf("  %s: %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)", who,
               c->nr < CALLS && call_names[c->nr] ? call_names[c->nr] : "?", c->arg[0], c->arg[1],
               c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
        if (c->done)
            printf(" = %ld\n", c->result);
        else
            printf(" ...\n");
    }
}
