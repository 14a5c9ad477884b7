/* ptrace_regs.c - the requests of ptrace(2) about registers.  The tracee is held, so its general
 * registers are in its struct regs, and its vector state is in memory or this CPU's. */
#include "sys/ptrace.h"
#include "arch/cpu.h"
#include "arch/debug.h"
#include "arch/fpu.h"
#include "arch/msr.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/user_regs.h"
#include "proc/process.h"
#include "proc/watched.h"
#include <asm/prctl.h>
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

/* Linux's struct user, of which the registers are all that is kept. */
#define USER_BYTES     928u
#define USER_DEBUG     848u /* u_debugreg: eight */
#define USER_DEBUG_END (USER_DEBUG + 8 * 8)

static long get_general(const struct task *t, uaddr_t to)
{
    struct user_regs u;

    user_regs_get(&u, t, t->uregs);
    return copy_to_user(to, &u, sizeof u);
}

static long set_general(struct task *t, uaddr_t from, size_t bytes)
{
    struct user_regs u;

    user_regs_get(&u, t, t->uregs);
    if (copy_from_user(&u, from, bytes) != 0)
        return -EFAULT;
    return user_regs_set(t, &u);
}

/* --- PEEKUSER, POKEUSER -------------------------------------------------------------------- */

/* Debug register n.  Who has none has stepped at most. */
static uint64_t peek_debug(const struct ptrace *pt, unsigned n)
{
    const struct debug_regs *d = pt->task->debug;
    bool stepped = pt->has_info && pt->info.si_signo == SIGTRAP && pt->info.si_code == TRAP_TRACE;

    if (n < DEBUG_ADDRESSES)
        return d != NULL ? d->address[n] : 0;
    if (n == 6)
        return d != NULL ? d->status : DR6_NOTHING | (stepped ? DR6_SINGLE_STEP : 0);
    return n == 7 && d != NULL ? d->control : 0;
}

static struct debug_regs *debug_of(struct task *t)
{
    if (t->debug == NULL && (t->debug = kmalloc(sizeof *t->debug)) != NULL) {
        debug_init(t->debug);
        spin_lock(&tree_lock);
        task_watch(t);
        spin_unlock(&tree_lock);
        t->rseq_event |= RETURN_DEBUG;
    }
    return t->debug;
}

static long poke_debug(struct task *t, unsigned n, uint64_t value)
{
    if (n == 4 || n == 5)
        return -EIO;
    struct debug_regs *d = debug_of(t);
    if (d == NULL)
        return -ENOMEM;
    if (n == 7)
        return debug_set_control(d, value);
    if (n == 6)
        d->status = value;
    return n == 6 ? 0 : debug_set_address(d, n, value);
}

static long peek_user(const struct ptrace *pt, uint64_t at, uaddr_t to)
{
    const struct task *t = pt->task;
    struct user_regs u;
    uint64_t value = 0;

    if (at % 8 != 0 || at >= USER_BYTES)
        return -EIO;
    user_regs_get(&u, t, t->uregs);
    if (at < sizeof u)
        memcpy(&value, (char *)&u + at, sizeof value);
    else if (at >= USER_DEBUG && at < USER_DEBUG_END)
        value = peek_debug(pt, (unsigned)(at - USER_DEBUG) / 8);
    return put_user(value, to);
}

static long poke_user(struct task *t, uint64_t at, uint64_t value)
{
    struct user_regs u;

    if (at % 8 != 0 || at >= USER_BYTES)
        return -EIO;
    if (at >= sizeof u)
        return at >= USER_DEBUG && at < USER_DEBUG_END
                   ? poke_debug(t, (unsigned)(at - USER_DEBUG) / 8, value)
                   : -EIO;
    user_regs_get(&u, t, t->uregs);
    memcpy((char *)&u + at, &value, sizeof value);
    return user_regs_set(t, &u);
}

/* --- vector state ----------------------------------------------------------------------------- */

static long get_vectors(struct task *t, uaddr_t to, size_t bytes)
{
    char *image = kmalloc(fpu_dump_bytes());
    long rc = -ENOMEM;

    if (image != NULL) {
        fpu_dump(t->fpu, image);
        rc = copy_to_user(to, image, bytes);
    }
    kfree(image);
    return rc;
}

/* whole: the image has to be that long, or it is the FXSAVE image, of which the front may be set. */
static long set_vectors(struct task *t, uaddr_t from, size_t bytes, size_t whole)
{
    char *image = kmalloc(fpu_dump_bytes());
    long rc = -ENOMEM;

    if (image != NULL) {
        fpu_dump(t->fpu, image);
        rc = copy_from_user(image, from, bytes) != 0 ? -EFAULT : fpu_put(t->fpu, image, whole);
    }
    kfree(image);
    return rc;
}

/* --- sets ----------------------------------------------------------------------------------- */

static long one_set(struct task *t, unsigned set, bool write, uaddr_t at, uint64_t *bytes)
{
    size_t whole, unit = 8;

    switch (set) {
    case NT_PRSTATUS: whole = sizeof(struct user_regs); break;
    case NT_PRFPREG: whole = FPU_LEGACY_BYTES; break;
    case NT_386_IOPERM:
        return *bytes % unit != 0 ? -EINVAL : write ? -EOPNOTSUPP : -ENXIO; /* it has none */
    case NT_X86_XSTATE:
        if (cpu_has.xcr0 == 0)
            return -ENODEV;
        whole = fpu_dump_bytes();
        break;
    default: return -EINVAL;
    }
    if (*bytes % unit != 0)
        return -EINVAL;
    *bytes = MIN(*bytes, whole);
    if (set == NT_PRSTATUS && write)
        return set_general(t, at, *bytes);
    if (set == NT_PRSTATUS) {
        struct user_regs u;
        user_regs_get(&u, t, t->uregs);
        return copy_to_user(at, &u, *bytes);
    }
    if (!write)
        return get_vectors(t, at, *bytes);
    if (*bytes != whole)
        return set == NT_X86_XSTATE ? -EFAULT : -EINVAL;
    return set_vectors(t, at, *bytes, whole);
}

static long with_set(struct task *t, uint64_t set, bool write, uaddr_t iov_at)
{
    struct iovec iov;

    if (get_user(iov, iov_at) != 0)
        return -EFAULT;
    uint64_t bytes = iov.iov_len;
    long rc = one_set(t, (unsigned)set, write, (uaddr_t)iov.iov_base, &bytes);
    if (rc == 0 && put_user(bytes, iov_at + offsetof(struct iovec, iov_len)) != 0)
        rc = -EFAULT;
    return rc;
}

#define ARCH_PRCTL 30 /* PTRACE_ARCH_PRCTL */

/* arch_prctl(2)'s codes for the bases. */
static long arch_prctl(struct task *t, uint64_t value, uint64_t code)
{
    struct user_regs u;

    user_regs_get(&u, t, t->uregs);
    switch (code) {
    case ARCH_GET_FS: return put_user(u.fs_base, value);
    case ARCH_GET_GS: return put_user(u.gs_base, value);
    case ARCH_SET_FS: u.fs_base = value; break;
    case ARCH_SET_GS: u.gs_base = value; break;
    default: return -EINVAL;
    }
    return value >= USER_END || user_regs_set(t, &u) != 0 ? -EPERM : 0;
}

long ptrace_registers(struct ptrace *pt, int request, uint64_t addr, uint64_t data)
{
    struct task *t = pt->task;

    switch (request) {
    case PTRACE_PEEKUSR: return peek_user(pt, addr, data);
    case PTRACE_POKEUSR: return poke_user(t, addr, data);
    case PTRACE_GETREGS: return get_general(t, data);
    case PTRACE_SETREGS: return set_general(t, data, sizeof(struct user_regs));
    case PTRACE_GETFPREGS: return get_vectors(t, data, FPU_LEGACY_BYTES);
    case PTRACE_SETFPREGS: return set_vectors(t, data, FPU_LEGACY_BYTES, FPU_LEGACY_BYTES);
    case ARCH_PRCTL: return arch_prctl(t, addr, data);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET: return with_set(t, addr, request == PTRACE_SETREGSET, data);
    }
    return -EIO;
}
