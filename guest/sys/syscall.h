/* syscall.h - how a system call is written, and how it is reached.
 *
 *     SYSCALL3(read, int, fd, uaddr_t, buf, size_t, n) { ... return n; }
 *
 * defines sys_read(const struct regs *), which the table points to, and the
 * body with typed arguments.  User pointers are uaddr_t: integers.  The list
 * of all calls is sys/list.h; from it come the table, the names in the trace
 * and the coverage report (/proc/forkscope/syscalls). */
#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H

#include "arch/regs.h"
#include "lib/base.h"

typedef long (*syscall_fn)(const struct regs *r);

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

/* Called by the entry code with interrupts off: sets r->rax. */
void syscall_dispatch(struct regs *r);
const char *syscall_name(unsigned nr); /* NULL: no such call here */
#define SYSCALL_NUMBERS 512            /* numbers that are counted; none so high is in use */
uint64_t syscall_count(unsigned nr);   /* calls so far, of unknown numbers too */
void syscall_init(void); /* after cmdline_parse(): trace.syscalls=1 traces all calls */

#endif
