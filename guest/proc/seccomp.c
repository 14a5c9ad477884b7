/* seccomp.c - filters of system calls: how they are added, shared and run.
 *
 * A filter is a BPF program (lib/bpf.h) and the filter that was there before it: a task's
 * filters are a chain, newest first, and tasks that have a filter in common share the rest of
 * the chain.  All of them are run for each call; what weighs most of what they say is done.
 *
 * A chain only grows, at its new end.  So what a task's pointer once led to stays as long as
 * the task: TSYNC may put a longer chain into a thread that is running its present one, which is
 * the rest of it.  Who adds holds seccomp_adding, so that no chain grows between the look
 * whether all threads can take the caller's and the moment when they have it; threads that come
 * meanwhile begin with what their maker has (seccomp_inherit, in the same step in which they
 * come into the list of threads), and the walk meets them or their maker.
 *
 * Costs nothing where there is none: task.syscalls is 0 for who has one, so the dispatcher's
 * test of the number sends him here.
 *
 * Who answers SECCOMP_RET_USER_NOTIF: seccomp_notify.c.  Left out: a log; SECCOMP_RET_LOG allows. */
#include "proc/pid_ns.h"
#include "proc/seccomp.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/bpf.h"
#include "lib/refcount.h"
#include "lib/string.h"
#include "fs/fd.h"
#include "mm/heap.h"
#include "proc/core.h"
#include "proc/exit.h"
#include "proc/process.h"
#include "proc/seccomp_notify.h"
#include "proc/signal.h"
#include "proc/watched.h"
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>

struct seccomp {
    struct refcount users;
    unsigned depth;            /* filters in the chain */
    unsigned cost;             /* their instructions, and some for each: bounded, */
    struct seccomp *prev;      /* NULL: the oldest */
    struct listener *listener; /* NULL: none */
    bool log, wait_killable;   /* SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
    struct bpf_prog prog;
};
#define COST_EACH 4u
#define COST_MAX  32768u /* Linux has as many, but of what it makes of them: about two for one */

static struct mutex seccomp_adding = MUTEX_INIT(seccomp_adding, LOCK_seccomp);

/* --- chains -------------------------------------------------------------------- */

static void free_filter(struct seccomp *f)
{
    for (unsigned i = 0; i < BPF_PAGES; i++)
        kfree(f->prog.page[i]);
    if (f->listener != NULL)
        listener_filter_gone(f->listener);
    kfree(f);
}

#define WORK_FREE 600u /* instructions, about (arch/preempt.h) */

void seccomp_put(struct seccomp *f)
{
    while (f != NULL && ref_put(&f->users)) {
        struct seccomp *prev = f->prev;
        free_filter(f);
        f = prev;
        preempt_work(WORK_FREE);
    }
}

unsigned seccomp_filters(const struct task *t) { return t->seccomp ? t->seccomp->depth : 0; }

void seccomp_inherit(struct task *child)
{
    struct task *me = current;

    ASSERT_SPIN_HELD(&tree_lock);
    child->seccomp_mode = me->seccomp_mode;
    child->no_new_privs = me->no_new_privs; /* TSYNC may just have brought both */
    child->seccomp = me->seccomp;
    if (child->seccomp != NULL)
        ref_get(&child->seccomp->users);
}

struct seccomp *seccomp_leave(struct task *t)
{
    struct seccomp *f = t->seccomp;

    ASSERT_SPIN_HELD(&tree_lock);
    t->seccomp = NULL;
    return f;
}

/* --- adding -------------------------------------------------------------------- */

/* Room for n instructions, and what is in user memory there. */
static int read_filter(struct seccomp *f, uaddr_t from, unsigned n)
{
    f->prog.n = n;
    for (unsigned i = 0, part; i < n; i += part) {
        part = MIN(n - i, BPF_PER_PAGE);
        struct sock_filter *page = kmalloc(part * sizeof *page);
        f->prog.page[i / BPF_PER_PAGE] = page;
        if (page == NULL)
            return -ENOMEM;
        if (copy_from_user(page, from + i * sizeof *page, part * sizeof *page) != 0)
            return -EFAULT;
    }
    return 0;
}

static int check_filter(const struct seccomp *f)
{
    uint16_t *scratch[BPF_SCRATCH_PAGES];
    int err = 0;

    for (unsigned i = 0; i < BPF_SCRATCH_PAGES; i++)
        if ((scratch[i] = kmalloc(PAGE_SIZE)) == NULL)
            err = -ENOMEM;
    if (err == 0 && !bpf_valid(&f->prog, sizeof(struct seccomp_data), scratch))
        err = -EINVAL;
    for (unsigned i = 0; i < BPF_SCRATCH_PAGES; i++)
        kfree(scratch[i]);
    preempt_work(f->prog.n * 60);
    return err;
}

static int make_filter(uaddr_t prog, unsigned n, struct seccomp **out)
{
    struct seccomp *f = kzalloc(sizeof *f);
    int err = -ENOMEM;

    if (f != NULL && (err = read_filter(f, prog, n)) == 0)
        err = check_filter(f);
    if (err == 0) {
        ref_init(&f->users, 1);
        *out = f;
    } else if (f != NULL) {
        free_filter(f);
    }
    return err;
}

/* Is `of` in the chain that `from` begins, or no chain at all? */
static bool leads_to(const struct seccomp *from, const struct seccomp *of)
{
    unsigned depth = of != NULL ? of->depth : 0;

    for (; from != NULL && from->depth > depth; from = from->prev)
        preempt_tell(6);
    return from == of;
}

#define WORK_THREAD 60u

/* A thread of current's process that cannot take its filters; 0: there is none. */
static uint32_t find_other(void)
{
    struct task *t, *me = current;
    struct family_walk w;
    uint32_t tid = 0;

    spin_lock(&tree_lock);
    family_walk_begin(&w, &me->proc->threads);
    while (tid == 0 && FAMILY_WALK_NEXT(&w, t, thread_link, WORK_THREAD) != NULL)
        if (t != me && !t->exiting && t->seccomp_mode != SECCOMP_MODE_DISABLED &&
            (t->seccomp_mode != SECCOMP_MODE_FILTER || !leads_to(me->seccomp, t->seccomp)))
            tid = pid_told(t->tid);
    family_walk_end(&w);
    spin_unlock(&tree_lock);
    return tid;
}

/* tree_lock held. */
static void set_filter(struct task *t, struct seccomp *f)
{
    t->seccomp_mode = SECCOMP_MODE_FILTER;
    __atomic_store_n(&t->seccomp, f, __ATOMIC_RELEASE);
    task_watch(t);
}

static void set_others(void)
{
    struct task *t, *me = current;
    struct family_walk w;

    spin_lock(&tree_lock);
    family_walk_begin(&w, &me->proc->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_THREAD) != NULL) {
        struct seccomp *old = t->seccomp;

        if (t == me || t->exiting || old == me->seccomp)
            continue;
        t->no_new_privs |= me->no_new_privs;
        ref_get(&me->seccomp->users);
        set_filter(t, me->seccomp);
        seccomp_put(old); /* not the last: it is in the chain */
    }
    family_walk_end(&w);
    spin_unlock(&tree_lock);
}

static bool has_listener(const struct seccomp *f)
{
    for (; f != NULL && f->listener == NULL; f = f->prev)
        preempt_tell(6);
    return f != NULL;
}

/* seccomp_adding held. */
static long add(struct seccomp *f, uint64_t flags)
{
    struct task *me = current;
    uint32_t other;

    if (me->seccomp_mode == SECCOMP_MODE_STRICT)
        return -EINVAL;
    if (f->listener != NULL && has_listener(me->seccomp))
        return -EBUSY;
    if ((flags & SECCOMP_FILTER_FLAG_TSYNC) && (other = find_other()) != 0)
        return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : (long)other;
    f->prev = me->seccomp;
    f->depth = f->prev != NULL ? f->prev->depth + 1 : 1;
    f->cost = f->prog.n + (f->prev != NULL ? f->prev->cost + COST_EACH : 0);
    if (f->cost > COST_MAX)
        return -ENOMEM;
    spin_lock(&tree_lock);
    set_filter(me, f);
    spin_unlock(&tree_lock);
    if (flags & SECCOMP_FILTER_FLAG_TSYNC)
        set_others();
    return 0;
}

static long add_locked(struct seccomp *f, uint64_t flags)
{
    mutex_lock(&seccomp_adding);
    long rc = add(f, flags);
    mutex_unlock(&seccomp_adding);
    return rc;
}

/* With a listener: its descriptor, which leads nowhere until the filter is there. */
static long add_listened(struct seccomp *f, uint64_t flags)
{
    struct file *file;
    int fd;
    long rc = listener_new(&f->listener, &fd, &file);

    if (rc != 0)
        return rc;
    rc = add_locked(f, flags);
    if (rc != 0) {
        listener_cancel(fd, file);
        return rc;
    }
    fd_install(fd, file);
    return fd;
}

long seccomp_add_filter(uaddr_t prog, unsigned n, uint64_t flags)
{
    struct seccomp *f;

    if (n == 0 || n > BPF_MAXINSNS || prog == 0)
        return -EINVAL;
    if (!current->no_new_privs && !capable())
        return -EACCES;
    long rc = make_filter(prog, n, &f);
    if (rc != 0)
        return rc;
    f->log = flags & SECCOMP_FILTER_FLAG_LOG;
    f->wait_killable = flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    bool listened = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
    rc = listened ? add_listened(f, flags) : add_locked(f, flags);
    if (listened ? rc < 0 : rc != 0)
        free_filter(f);
    return rc;
}

long seccomp_set_strict(void)
{
    struct task *t = current;
    long rc = -EINVAL;

    mutex_lock(&seccomp_adding);
    if (t->seccomp_mode != SECCOMP_MODE_FILTER) {
        spin_lock(&tree_lock);
        t->seccomp_mode = SECCOMP_MODE_STRICT;
        task_watch(t);
        spin_unlock(&tree_lock);
        rc = 0;
    }
    mutex_unlock(&seccomp_adding);
    return rc;
}

/* t's filter number `at`, the oldest being 0; NULL and *err. */
static struct seccomp *nth(struct task *t, uint64_t at, long *err)
{
    struct seccomp *f = t->seccomp;

    *err = t->seccomp_mode != SECCOMP_MODE_FILTER ? -EINVAL : at >= f->depth ? -ENOENT : 0;
    for (; *err == 0 && f->depth - 1 > at; f = f->prev)
        preempt_work(6);
    return *err == 0 ? f : NULL;
}

long seccomp_get_filter(struct task *t, uint64_t at, uaddr_t to)
{
    long err;
    struct seccomp *f = nth(t, at, &err);

    if (f == NULL)
        return err;
    for (unsigned i = 0, part; to != 0 && i < f->prog.n; i += part) {
        part = MIN(f->prog.n - i, BPF_PER_PAGE);
        if (copy_to_user(to + i * sizeof(struct sock_filter), bpf_insn(&f->prog, i),
                         part * sizeof(struct sock_filter)) != 0)
            return -EFAULT;
    }
    return f->prog.n;
}

long seccomp_get_metadata(struct task *t, uint64_t bytes, uaddr_t at)
{
    struct seccomp_metadata m = { 0 };
    long err;

    bytes = MIN(bytes, sizeof m);
    if (bytes < sizeof m.filter_off)
        return -EINVAL;
    if (get_user(m.filter_off, at) != 0)
        return -EFAULT;
    struct seccomp *f = nth(t, m.filter_off, &err);
    if (f == NULL)
        return err;
    m.flags = f->log ? SECCOMP_FILTER_FLAG_LOG : 0;
    return copy_to_user(at, &m, bytes) != 0 ? -EFAULT : (long)bytes;
}

/* --- running ------------------------------------------------------------------- */

bool seccomp_action_known(uint32_t action)
{
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_USER_NOTIF:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW: return true;
    }
    return false;
}

static struct seccomp_data data_of(const struct regs *r)
{
    return (struct seccomp_data){
        .nr = (int)r->error,
        .arch = AUDIT_ARCH_X86_64,
        .instruction_pointer = r->rip,
        .args = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 },
    };
}

/* What weighs most, as a signed number: killing the process is below all others.  by: who says so; NULL: nobody. */
static uint32_t run_filters(const struct regs *r, const struct seccomp **by)
{
    const struct seccomp_data data = data_of(r);
    uint32_t verdict = SECCOMP_RET_ALLOW;
    uint32_t words[sizeof data / sizeof(uint32_t)];

    memcpy(words, &data, sizeof words);
    const struct seccomp *f = __atomic_load_n(&current->seccomp, __ATOMIC_ACQUIRE);
    for (*by = NULL; f != NULL; f = f->prev) {
        uint32_t one = bpf_run(&f->prog, words, sizeof data);
        if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) <
            (int32_t)(verdict & SECCOMP_RET_ACTION_FULL)) {
            verdict = one;
            *by = f;
        }
        preempt_work(f->prog.n * 12 + 20);
    }
    return verdict;
}

static siginfo_t sigsys(const struct regs *r, uint32_t data)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = SIGSYS;
    info.si_code = SYS_SECCOMP;
    info.si_errno = (int)data;
    info.si_call_addr = (void *)r->rip;
    info.si_syscall = (int)r->error;
    info.si_arch = AUDIT_ARCH_X86_64;
    return info;
}

/* thread: current alone, if there are others. */
static void __attribute__((noreturn)) end_here(struct regs *r, uint32_t data, bool thread)
{
    const siginfo_t info = sigsys(r, data);

    if (thread && current->proc->nthreads > 1)
        exit_task(SIGSYS);
    r->rax = r->error;
    r->error = (uint64_t)-1;
    core_die(r, SIGSYS, &info);
}

static void trap(struct regs *r, uint32_t data)
{
    const siginfo_t info = sigsys(r, data);

    r->rax = r->error; /* as if the call had not been begun */
    r->error = (uint64_t)-1;
    signal_force_info(&info);
}

static bool allows_strictly(uint64_t nr)
{
    return nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn;
}

static bool filters_allow(struct regs *r, bool asked);

/* The tracer may have changed the call: then it is asked for again, and the tracer is not. */
static bool asks_tracer(struct regs *r, uint32_t data)
{
    if (!ptrace_seccomp(data)) {
        r->rax = (uint64_t)-ENOSYS;
        return false;
    }
    return !signal_fatal_pending(current) && r->error != (uint64_t)-1 && filters_allow(r, true);
}

static bool asks_listener(struct regs *r, const struct seccomp *f)
{
    const struct seccomp_data data = data_of(r);

    if (f->listener != NULL)
        return listener_asks(f->listener, r, &data, f->wait_killable);
    r->rax = (uint64_t)-ENOSYS;
    return false;
}

static bool filters_allow(struct regs *r, bool asked)
{
    const struct seccomp *by;
    uint32_t verdict = run_filters(r, &by), data = verdict & SECCOMP_RET_DATA;

    switch (verdict & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG: return true;
    case SECCOMP_RET_ERRNO: r->rax = (uint64_t) - (int64_t)MIN(data, 4095u); return false;
    case SECCOMP_RET_TRAP: trap(r, data); return false;
    case SECCOMP_RET_TRACE: return asked || asks_tracer(r, data);
    case SECCOMP_RET_USER_NOTIF: return asks_listener(r, by);
    case SECCOMP_RET_KILL_THREAD: end_here(r, data, true);
    }
    end_here(r, data, false);
}

bool seccomp_allows(struct regs *r)
{
    if (current->seccomp_mode == SECCOMP_MODE_FILTER)
        return filters_allow(r, false);
    if (!allows_strictly(r->error))
        exit_task(SIGKILL);
    return true;
}
