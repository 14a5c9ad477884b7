/* user_dispatch.c - system calls that a program takes back, to emulate another system's: each that does not come from
 * one range of its code raises SIGSYS instead, as long as a byte in its memory says so.
 *
 * A task that has it is watched (watched.h), so others pay nothing.  It is asked before tracers and filters.  Neither
 * children nor exec keep it. */
#include "proc/user_dispatch.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/core.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/watched.h"
#include <linux/audit.h>
#include <linux/prctl.h>

/* Some systems' headers are older. */
#ifndef PR_SYS_DISPATCH_ON
#define PR_SYS_DISPATCH_OFF           0
#define PR_SYS_DISPATCH_ON            1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0
#define SYSCALL_DISPATCH_FILTER_BLOCK 1
#endif
#define CODE_USER_DISPATCH 2 /* si_code SYS_USER_DISPATCH */

static void put(struct task *t, struct user_dispatch *d)
{
    struct user_dispatch *old = t->dispatch;

    t->dispatch = d;
    spin_lock(&tree_lock);
    task_watch(t);
    spin_unlock(&tree_lock);
    kfree(old);
}

void user_dispatch_end(struct task *t)
{
    if (t->dispatch != NULL)
        put(t, NULL);
}

long user_dispatch_set(struct task *t, uint64_t mode, uint64_t offset, uint64_t bytes,
                       uaddr_t selector)
{
    if (mode == PR_SYS_DISPATCH_OFF) {
        if (offset != 0 || bytes != 0 || selector != 0)
            return -EINVAL;
        user_dispatch_end(t);
        return 0;
    }
    if (mode != PR_SYS_DISPATCH_ON || (offset != 0 && offset + bytes <= offset))
        return -EINVAL;
    if (selector != 0 && !user_range(selector, 1))
        return -EFAULT;
    struct user_dispatch *d = kmalloc(sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    *d = (struct user_dispatch){ offset, bytes, selector };
    put(t, d);
    return 0;
}

static void __attribute__((noreturn)) end_by(struct regs *r, int sig)
{
    const siginfo_t info = { .si_signo = sig, .si_code = SI_KERNEL };

    r->rax = r->error;
    r->error = (uint64_t)-1;
    core_die(r, sig, &info);
}

bool user_dispatch_takes(struct regs *r)
{
    const struct user_dispatch *d = current->dispatch;
    uint8_t says;
    siginfo_t info;

    if (r->rip - d->offset < d->bytes)
        return false;
    if (d->selector != 0) {
        if (get_user(says, d->selector) != 0)
            end_by(r, SIGSEGV);
        if (says == SYSCALL_DISPATCH_FILTER_ALLOW)
            return false;
        if (says != SYSCALL_DISPATCH_FILTER_BLOCK)
            end_by(r, SIGSYS);
    }
    memset(&info, 0, sizeof info);
    info.si_signo = SIGSYS;
    info.si_code = CODE_USER_DISPATCH;
    info.si_call_addr = (void *)r->rip;
    info.si_syscall = (int)r->error;
    info.si_arch = AUDIT_ARCH_X86_64;
    r->rax = r->error; /* as if the call had not been begun */
    r->error = (uint64_t)-1;
    signal_force_info(&info);
    return true;
}

long user_dispatch_config(struct task *t, bool set, uint64_t bytes, uaddr_t at)
{
    const struct user_dispatch *d = t->dispatch;
    struct {
        uint64_t mode, selector, offset, bytes;
    } c = { PR_SYS_DISPATCH_OFF, 0, 0, 0 };

    if (bytes != sizeof c)
        return -EINVAL;
    if (set)
        return get_user(c, at) != 0
                   ? -EFAULT
                   : user_dispatch_set(t, c.mode, c.offset, c.bytes, (uaddr_t)c.selector);
    if (d != NULL) {
        c.mode = PR_SYS_DISPATCH_ON;
        c.selector = d->selector;
        c.offset = d->offset;
        c.bytes = d->bytes;
    }
    return copy_to_user(at, &c, sizeof c) != 0 ? -EFAULT : 0;
}
