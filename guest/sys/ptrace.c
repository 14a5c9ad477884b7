/* ptrace.c - ptrace(2): its requests.  What they do to a tracee: proc/ptrace.h.
 *
 * A request that needs a stopped tracee holds it (ptrace_hold): whatever happens meanwhile, it stays in
 * its stop, and so its registers and its address space are there. */
#include "sys/ptrace.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/access.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/seccomp.h"
#include "proc/signal_internal.h"
#include "proc/task.h"
#include "proc/user_dispatch.h"
#include "arch/syscall.h"
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>

#define WORK_PEEK 300u /* instructions a signal, about (arch/preempt.h), */
#define WORK_PASS 5u   /* and one that comes before it */

#define PTRACE_SYSEMU            31
#define PTRACE_SYSEMU_SINGLESTEP 32
/* <linux/ptrace.h> of some systems is older. */
#define SET_USER_DISPATCH 0x4210
#define GET_USER_DISPATCH 0x4211
#define SET_SYSCALL_INFO  0x4212

/* --- becoming one ------------------------------------------------------------------- */

/* By the thread that made current's process. */
static long trace_me(void)
{
    struct task *t = current;
    struct process *parent;
    long rc = -EPERM;

    spin_lock(&tree_lock);
    parent = t->proc->parent;
    if (t->ptrace == NULL && parent != NULL) {
        struct task *by = task_find(t->proc->parent_tid);
        rc = 0;
        if (by != NULL && by->proc == parent && !by->leaving && !parent->going)
            rc = ptrace_link(t, by, false, 0);
    }
    spin_unlock(&tree_lock);
    return rc;
}

static long attach_to(struct task *t, bool seize, uint64_t addr, uint64_t options)
{
    static const siginfo_t by_kernel = { .si_signo = SIGSTOP, .si_code = SI_KERNEL };

    if (t == NULL)
        return -ESRCH;
    if (seize && (addr != 0 || (options & ~(uint64_t)PTRACE_O_MASK)))
        return -EIO;
    if (t->kthread || t->proc == current->proc || !task_may_attach(t) || t->ptrace != NULL ||
        t->exiting)
        return -EPERM;
    int err = ptrace_link(t, current, seize, seize ? (uint32_t)options : 0);
    if (err != 0)
        return err;
    if (!seize)
        signal_send_task_locked(t, SIGSTOP, &by_kernel);
    if (t->stopped) /* it joins its group stop again, as a tracee */
        wake_task(t);
    return 0;
}

static long attach(int pid, bool seize, uint64_t addr, uint64_t options)
{
    spin_lock(&tree_lock);
    struct task *t = pid > 0 ? task_named((uint32_t)pid) : NULL;
    long rc = attach_to(t, seize, addr, options);
    spin_unlock(&tree_lock);
    return rc;
}

/* --- going on -------------------------------------------------------------------------- */

/* The tracee is held, and is not any more. */
static long go_on(struct ptrace *pt, int request, uint64_t sig)
{
    bool steps = request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP;

    if (sig > SIG_MAX) {
        ptrace_let(pt);
        return -EIO;
    }
    spin_lock(&tree_lock);
    pt->goes = request == PTRACE_SYSCALL                                         ? GOES_TO_CALLS
               : request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP ? GOES_EMULATING
                                                                                 : GOES_FREELY;
    pt->steps = steps;
    pt->code = (uint32_t)sig;
    ptrace_resume(pt);
    pt->held = false;
    struct task *t = pt->task;
    if (request == PTRACE_DETACH)
        ptrace_unlink(pt);
    wake_task(t);
    spin_unlock(&tree_lock);
    return 0;
}

static long listen(struct ptrace *pt)
{
    bool may = pt->seized && pt->has_info && pt->info.si_code >> 8 == PTRACE_EVENT_STOP;

    spin_lock(&tree_lock);
    if (may)
        pt->state = TRACEE_LISTENS;
    spin_unlock(&tree_lock);
    if (may)
        wake_task(pt->task); /* it looks whether there is something to hear */
    return may ? 0 : -EIO;
}

/* What needs no stop. */
static long at_any_time(int pid, int request)
{
    spin_lock(&tree_lock);
    struct ptrace *pt = pid > 0 ? ptrace_find((uint32_t)pid) : NULL;
    long rc = pt != NULL ? 0 : -ESRCH;
    if (rc == 0 && request == PTRACE_KILL)
        signal_send_task_locked(pt->task, SIGKILL, NULL);
    else if (rc == 0 && !pt->seized)
        rc = -EIO;
    else if (rc == 0)
        ptrace_interrupt(pt);
    spin_unlock(&tree_lock);
    return rc;
}

/* --- signals ------------------------------------------------------------------------ */

static long get_info(struct ptrace *pt, uaddr_t to)
{
    if (!pt->has_info)
        return -EINVAL;
    return copy_to_user(to, &pt->info, sizeof pt->info);
}

static long set_info(struct ptrace *pt, uaddr_t from)
{
    siginfo_t info;

    if (get_user(info, from) != 0)
        return -EFAULT;
    if (!pt->has_info)
        return -EINVAL;
    pt->info = info;
    return 0;
}

static long get_mask(struct task *t, uint64_t bytes, uaddr_t to)
{
    if (bytes != sizeof(ksigset_t))
        return -EINVAL;
    return put_user(t->restore_mask ? t->saved_mask : t->blocked, to);
}

static long set_mask(struct task *t, uint64_t bytes, uaddr_t from)
{
    ksigset_t mask;

    if (bytes != sizeof mask)
        return -EINVAL;
    if (get_user(mask, from) != 0)
        return -EFAULT;
    t->blocked = mask & ~SIGSET_UNBLOCKABLE;
    t->restore_mask = false;
    __atomic_store_n(&t->sig_pending, true, __ATOMIC_RELEASE); /* it looks again */
    return 0;
}

static long peek_infos(struct task *t, uaddr_t args, uaddr_t to)
{
    struct ptrace_peeksiginfo_args a;
    siginfo_t info;
    long n = 0;

    if (get_user(a, args) != 0)
        return -EFAULT;
    if ((a.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED) || a.nr < 0)
        return -EINVAL;
    for (; n < a.nr; n++) {
        if (!signal_peek(t, a.flags & PTRACE_PEEKSIGINFO_SHARED, a.off + (uint64_t)n, &info))
            break;
        if (copy_to_user(to + (uint64_t)n * sizeof info, &info, sizeof info) != 0)
            return n > 0 ? n : -EFAULT;
        preempt_work(WORK_PEEK + WORK_PASS * (uint32_t)MIN(a.off + (uint64_t)n, 100000ul));
    }
    return n;
}

/* --- what it stopped for --------------------------------------------------------------- */

static void call_info(struct ptrace_syscall_info *i, const struct ptrace *pt)
{
    const struct regs *r = pt->task->uregs;
    const uint64_t args[] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
    int code = pt->has_info ? pt->info.si_code : 0;
    int64_t result = (int64_t)r->rax;

    memset(i, 0, sizeof *i);
    i->arch = AUDIT_ARCH_X86_64;
    i->instruction_pointer = r->rip;
    i->stack_pointer = r->rsp;
    if (code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
        i->op = PTRACE_SYSCALL_INFO_SECCOMP;
        i->seccomp.nr = r->error;
        memcpy(i->seccomp.args, args, sizeof args);
        i->seccomp.ret_data = (uint32_t)pt->message;
    } else if (code == (SIGTRAP | 0x80) && pt->message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
        i->op = PTRACE_SYSCALL_INFO_ENTRY;
        i->entry.nr = r->error;
        memcpy(i->entry.args, args, sizeof args);
    } else if (code == (SIGTRAP | 0x80) && pt->message == PTRACE_EVENTMSG_SYSCALL_EXIT) {
        i->op = PTRACE_SYSCALL_INFO_EXIT;
        i->exit.rval = result;
        i->exit.is_error = result < 0 && result >= -4095;
    }
}

static long get_call_info(const struct ptrace *pt, uint64_t room, uaddr_t to)
{
    struct ptrace_syscall_info i;
    size_t bytes = offsetof(struct ptrace_syscall_info, entry);

    call_info(&i, pt);
    switch (i.op) {
    case PTRACE_SYSCALL_INFO_ENTRY:
        bytes = offsetof(struct ptrace_syscall_info, entry) + sizeof i.entry;
        break;
    case PTRACE_SYSCALL_INFO_EXIT:
        bytes = offsetof(struct ptrace_syscall_info, exit.is_error) + sizeof i.exit.is_error;
        break;
    case PTRACE_SYSCALL_INFO_SECCOMP:
        bytes = offsetof(struct ptrace_syscall_info, seccomp.ret_data) + sizeof i.seccomp.ret_data;
        break;
    }
    return copy_to_user(to, &i, MIN(room, bytes)) != 0 ? -EFAULT : (long)bytes;
}

static long get_rseq(const struct task *t, uint64_t room, uaddr_t to)
{
    struct ptrace_rseq_configuration c = { .rseq_abi_pointer = t->rseq.at,
                                           .rseq_abi_size = t->rseq.len,
                                           .signature = t->rseq.signature };

    return copy_to_user(to, &c, MIN(room, sizeof c)) != 0 ? -EFAULT : (long)sizeof c;
}

/* The other way: the call that it is to make, or what it gets.  What it stopped for stays. */
static long set_call_info(struct ptrace *pt, uint64_t bytes, uaddr_t from)
{
    struct regs *r = pt->task->uregs;
    struct ptrace_syscall_info i, is;
    uint8_t zero[3] = { 0 };

    if (bytes < sizeof i)
        return -EINVAL;
    if (copy_from_user(&i, from, sizeof i) != 0)
        return -EFAULT;
    call_info(&is, pt);
    if (memcmp((char *)&i + 1, zero, sizeof zero) != 0 || i.op != is.op ||
        i.op == PTRACE_SYSCALL_INFO_NONE)
        return -EINVAL;
    if (i.op == PTRACE_SYSCALL_INFO_EXIT) {
        r->rax = (uint64_t)i.exit.rval;
        return 0;
    }
    if ((int64_t)i.entry.nr != (int)i.entry.nr) /* seccomp's begins alike */
        return -ERANGE;
    r->error = i.entry.nr;
    if (i.entry.nr != (uint64_t)-1) {
        r->rdi = i.entry.args[0];
        r->rsi = i.entry.args[1];
        r->rdx = i.entry.args[2];
        r->r10 = i.entry.args[3];
        r->r8 = i.entry.args[4];
        r->r9 = i.entry.args[5];
    }
    return 0;
}

static long set_options(struct ptrace *pt, uint64_t options)
{
    if (options & ~(uint64_t)PTRACE_O_MASK)
        return -EINVAL;
    spin_lock(&tree_lock);
    pt->options = (uint32_t)options;
    spin_unlock(&tree_lock);
    return 0;
}

/* --- memory ---------------------------------------------------------------------------- */

/* A word of its memory, one way or the other. */
static long word(struct task *t, uaddr_t at, uint64_t *value, bool write)
{
    struct mm *mm = task_get_mm(t);
    long n = -EIO;

    if (mm == NULL)
        return -EIO;
    n = write ? mm_write_any(mm, at, value, sizeof *value)
              : mm_read_any(mm, at, value, sizeof *value);
    mm_put(mm, PT_exit_teardown);
    return n == sizeof *value ? 0 : -EIO;
}

static long peek(struct task *t, uaddr_t at, uaddr_t to)
{
    uint64_t value;
    long rc = word(t, at, &value, false);

    return rc == 0 ? put_user(value, to) : rc;
}

static bool sees_filters(void)
{
    return capable() && current->seccomp_mode == SECCOMP_MODE_DISABLED;
}

/* --- the call ---------------------------------------------------------------------------- */

/* With the tracee held. */
static long request_of(struct ptrace *pt, int request, uint64_t addr, uint64_t data)
{
    struct task *t = pt->task;

    switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA: return peek(t, addr, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA: return word(t, addr, &data, true);
    case PTRACE_LISTEN: return listen(pt);
    case PTRACE_SETOPTIONS: return set_options(pt, data);
    case PTRACE_GETEVENTMSG: return put_user(pt->message, data);
    case PTRACE_GETSIGINFO: return get_info(pt, data);
    case PTRACE_SETSIGINFO: return set_info(pt, data);
    case PTRACE_GETSIGMASK: return get_mask(t, addr, data);
    case PTRACE_SETSIGMASK: return set_mask(t, addr, data);
    case PTRACE_PEEKSIGINFO: return peek_infos(t, addr, data);
    case SET_SYSCALL_INFO: return set_call_info(pt, addr, data);
    case PTRACE_GET_SYSCALL_INFO: return get_call_info(pt, addr, data);
    case PTRACE_GET_RSEQ_CONFIGURATION: return get_rseq(t, addr, data);
    case GET_USER_DISPATCH:
    case SET_USER_DISPATCH:
        return user_dispatch_config(t, request == SET_USER_DISPATCH, addr, data);
    case PTRACE_SECCOMP_GET_FILTER:
        return sees_filters() ? seccomp_get_filter(t, addr, data) : -EACCES;
    case PTRACE_SECCOMP_GET_METADATA:
        return sees_filters() ? seccomp_get_metadata(t, addr, data) : -EACCES;
    }
    return ptrace_registers(pt, request, addr, data);
}

static bool goes_on(int request)
{
    return request == PTRACE_CONT || request == PTRACE_SYSCALL || request == PTRACE_SINGLESTEP ||
           request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP ||
           request == PTRACE_DETACH;
}

#define NO_REQUEST (-1) /* known to nobody */

SYSCALL4(ptrace, int64_t, wide, int, pid, uint64_t, addr, uint64_t, data)
{
    struct ptrace *pt;
    int request = wide == (int)wide ? (int)wide : NO_REQUEST; /* a long in Linux */

    switch (request) {
    case PTRACE_TRACEME: return trace_me();
    case PTRACE_ATTACH:
    case PTRACE_SEIZE: return attach(pid, request == PTRACE_SEIZE, addr, data);
    case PTRACE_KILL:
    case PTRACE_INTERRUPT: return at_any_time(pid, request);
    }
    if (pid <= 0 || (pt = ptrace_hold((uint32_t)pid)) == NULL)
        return -ESRCH;
    if (goes_on(request))
        return go_on(pt, request, data);
    long rc = request_of(pt, request, addr, data);
    ptrace_let(pt);
    return rc;
}
