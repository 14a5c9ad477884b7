/* dispatch.c - from a number to a function.  Everything here comes from
 * shared/syscalls.h.  Counts are kept by number for all numbers there are, so that a
 * call this kernel lacks shows up, too. */
#include "arch/cpu.h"
#include "arch/preempt.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/watched.h"
#include "sched/record.h"
#include "sched/times.h"
#include "sys/dispatch.h"
#include "trace/trace.h"
#include <asm/unistd.h>
/* after them: */
#include "shared/syscall_numbers.h"

typedef long (*syscall_fn)(const struct regs *r);

#define SYSCALL(name, ...) long sys_##name(const struct regs *r);
#include "shared/syscalls.h"
#undef SYSCALL

static const syscall_fn table[SYSCALL_NUMBERS] = {
#define SYSCALL(name, ...) [__NR_##name] = sys_##name,
#include "shared/syscalls.h"
#undef SYSCALL
};

/* All that Linux has, by number, one string behind the other: the Makefile makes it. */
static const char names[] =
#include "syscall_names.inc"
    ;

/* Calls that leave a trace whenever there is one: those that make, change, end
 * or await a process, or make one wait for another (ptrace). */
static const bool about_processes[SYSCALL_NUMBERS] = {
    [__NR_fork] = true,   [__NR_vfork] = true,    [__NR_clone] = true,  [__NR_clone3] = true,
    [__NR_execve] = true, [__NR_execveat] = true, [__NR_exit] = true,   [__NR_exit_group] = true,
    [__NR_wait4] = true,  [__NR_waitid] = true,   [__NR_ptrace] = true,
};

static uint64_t calls[SYSCALL_NUMBERS]; /* [a] */
static bool trace_all;

void syscall_init(void)
{
    char value[2];
    trace_all = cmdline_value("trace.syscalls", value, sizeof value) && value[0] == '1';
}

const char *syscall_name(unsigned nr)
{
    const char *name = names;
    for (; nr > 0 && name < names + sizeof names - 1; nr--)
        name += strlen(name) + 1;
    return *name ? name : NULL;
}

bool syscall_exists(unsigned nr) { return nr < SYSCALL_NUMBERS && table[nr] != NULL; }

uint64_t syscall_count(unsigned nr) { return nr < SYSCALL_NUMBERS ? calls[nr] : 0; }

static SLOW_PATH long traced(syscall_fn fn, unsigned nr, struct regs *r)
{
    trace_syscall_enter(current->rec->mm, nr, r->rdi, r->rsi, r->rdx);
    long ret = fn(r);
    trace_syscall_exit(current->rec->mm, nr, ret);
    return ret;
}

/* The VMM tells at the end what programs asked for in vain.  Number -1 is how a tracer or a filter has a call
 * left out: nobody asks for that. */
static SLOW_PATH long not_there(uint64_t nr)
{
    if ((uint32_t)nr != UINT32_MAX)
        record_vain((uint32_t)MIN(nr, (uint64_t)UINT32_MAX));
    return -ENOSYS;
}

/* The call in r, by r->error, of a task that is watched: its number may be another one by now. */
static void call_watched(struct regs *r)
{
    uint64_t nr = r->error;
    syscall_fn fn = nr < SYSCALL_NUMBERS ? table[nr] : NULL;

    current->rec->syscall = (uint16_t)nr;
    if (fn == NULL)
        r->rax = (uint64_t)not_there(nr);
    else if (trace_on && (trace_all || about_processes[nr]))
        r->rax = (uint64_t)traced(fn, (unsigned)nr, r);
    else
        r->rax = (uint64_t)fn(r);
}

static SLOW_PATH void unusual(struct regs *r, uint64_t nr)
{
    bool watched = task_watched(current);

    if (watched && nr < SYSCALL_NUMBERS)
        __atomic_fetch_add(&calls[nr], 1, __ATOMIC_RELAXED);
    if (watched)
        watched_call(r, call_watched);
    else
        r->rax = (uint64_t)not_there(nr);
}

void syscall_dispatch(struct regs *r)
{
    struct task *t = current;
    uint64_t nr = r->rax;
    syscall_fn fn = NULL;

    task_enter_kernel(t);
    preempt_begin();
    t->rec->syscall = (uint16_t)nr;
    if (likely(nr < t->syscalls)) { /* 0: somebody looks at them */
        __atomic_fetch_add(&calls[nr], 1, __ATOMIC_RELAXED);
        fn = table[nr];
    }
    if (unlikely(fn == NULL))
        unusual(r, nr);
    else if (unlikely(trace_on) && (trace_all || about_processes[nr]))
        r->rax = (uint64_t)traced(fn, (unsigned)nr, r);
    else
        r->rax = (uint64_t)fn(r);
    LOCK_NO_LOCK("held on the way to user mode");
    task_leave_kernel(t);
}
