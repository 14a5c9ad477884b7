/* syscall.h - how a system call is written.
 *
 *     SYSCALL3(read, int, fd, uaddr_t, buf, size_t, n) { ... return n; }
 *
 * defines sys_read(const struct regs *), which the table points to, and the
 * body with typed arguments.  User pointers are uaddr_t: integers.  The list
 * of all calls is shared/syscalls.h; from it come the table, the names in the trace
 * and the coverage report (/proc/forkscope/syscalls). */
#ifndef ARCH_SYSCALL_H
#define ARCH_SYSCALL_H

#include "arch/regs.h"
#include "lib/base.h"

#define SYSCALL_NUMBERS 512 /* numbers that are counted; none so high is in use */

#define SYSCALL0(name) \
    long sys_##name(const struct regs *r); \
    long sys_##name(const struct regs *r __attribute__((unused)))
#define SYSCALL_BODY_(name, args, ...) \
    static inline __attribute__((always_inline)) long do_##name(__VA_ARGS__); \
    long sys_##name(const struct regs *r); \
    long sys_##name(const struct regs *r) { return do_##name args; } \
    static inline __attribute__((always_inline)) long do_##name(__VA_ARGS__)
#define SYSCALL1(name, t0, a0)         SYSCALL_BODY_(name, ((t0)r->rdi), t0 a0)
#define SYSCALL2(name, t0, a0, t1, a1) SYSCALL_BODY_(name, ((t0)r->rdi, (t1)r->rsi), t0 a0, t1 a1)
#define SYSCALL3(name, t0, a0, t1, a1, t2, a2) \
    SYSCALL_BODY_(name, ((t0)r->rdi, (t1)r->rsi, (t2)r->rdx), t0 a0, t1 a1, t2 a2)
#define SYSCALL4(name, t0, a0, t1, a1, t2, a2, t3, a3) \
    SYSCALL_BODY_(name, ((t0)r->rdi, (t1)r->rsi, (t2)r->rdx, (t3)r->r10), t0 a0, t1 a1, t2 a2, \
                  t3 a3)
#define SYSCALL5(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4) \
    SYSCALL_BODY_(name, ((t0)r->rdi, (t1)r->rsi, (t2)r->rdx, (t3)r->r10, (t4)r->r8), t0 a0, t1 a1, \
                  t2 a2, t3 a3, t4 a4)
#define SYSCALL6(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
    SYSCALL_BODY_(name, ((t0)r->rdi, (t1)r->rsi, (t2)r->rdx, (t3)r->r10, (t4)r->r8, (t5)r->r9), \
                  t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)

#endif
