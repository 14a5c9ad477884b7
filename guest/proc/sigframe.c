/* sigframe.c - the frame on the user's stack that a signal handler runs on, and
 * rt_sigreturn, which takes it down.
 *
 * The layout is the x86-64 ABI of Linux, which unwinders, debuggers and
 * swapcontext-like code know:
 *
 *     high   128 bytes of red zone below the interrupted RSP, left alone
 *            vector state, 64-byte aligned (arch/fpu.h), at uc.mcontext.fpstate
 *            siginfo
 *            ucontext: registers, mask, alternate stack
 *     RSP    return address: the restorer, which calls rt_sigreturn
 *
 * RSP + 8 is 16-byte aligned, as at any function's entry.  What comes back in
 * rt_sigreturn is the program's own: whatever it could not have set by itself
 * in user mode (segments, IOPL, IF) is not taken from there. */
#include "arch/fpu.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "proc/signal_internal.h"

#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#define RED_ZONE 128

struct rt_sigframe {
    uint64_t restorer;
    struct ucontext uc;
    siginfo_t info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "Linux's frame");

bool on_altstack(const struct task *t, uaddr_t sp)
{
    if (t->altstack_flags & SS_AUTODISARM)
        return false;
    return sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

static void altstack_disable(struct task *t)
{
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = SS_DISABLE;
}

long sigaltstack_set(const stack_t *ss, uaddr_t sp)
{
    struct task *t = current;
    unsigned mode = (unsigned)ss->ss_flags & ~SS_FLAG_BITS;

    if (on_altstack(t, sp))
        return -EPERM;
    if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        altstack_disable(t);
        return 0;
    }
    if (ss->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    t->altstack_sp = (uaddr_t)ss->ss_sp;
    t->altstack_size = ss->ss_size;
    t->altstack_flags = (uint32_t)ss->ss_flags;
    return 0;
}

/* Where the frame begins, and where the vector state: *fp.  0: does not fit the
 * alternate stack. */
static uaddr_t place_frame(const struct regs *r, const struct delivery *d, uaddr_t *fp)
{
    const struct task *t = current;
    uaddr_t sp = r->rsp - RED_ZONE;
    bool alt = on_altstack(t, r->rsp);

    if ((d->action.flags & SA_ONSTACK) && !alt && t->altstack_size != 0) {
        sp = t->altstack_sp + t->altstack_size;
        alt = true;
    }
    *fp = (sp - fpu_frame_bytes()) & ~63ull;
    uaddr_t at = ((*fp - sizeof(struct rt_sigframe)) & ~15ull) - 8;
    if (alt && (at <= t->altstack_sp || at - t->altstack_sp > t->altstack_size))
        return 0;
    return at;
}

static void save_regs(struct sigcontext *c, const struct regs *r)
{
    c->r8 = r->r8;
    c->r9 = r->r9;
    c->r10 = r->r10;
    c->r11 = r->r11;
    c->r12 = r->r12;
    c->r13 = r->r13;
    c->r14 = r->r14;
    c->r15 = r->r15;
    c->rdi = r->rdi;
    c->rsi = r->rsi;
    c->rbp = r->rbp;
    c->rbx = r->rbx;
    c->rdx = r->rdx;
    c->rax = r->rax;
    c->rcx = r->rcx;
    c->rsp = r->rsp;
    c->rip = r->rip;
    c->eflags = r->rflags;
    c->cs = (uint16_t)r->cs;
    c->ss = (uint16_t)r->ss;
}

/* The fault that raised the signal, if one did. */
static void save_fault(struct sigcontext *c, const struct regs *r, const siginfo_t *info)
{
    if (!in_set(SIGSET_SYNC, info->si_signo) || info->si_code <= 0 || r->vector >= 32)
        return;
    c->trapno = r->vector;
    c->err = r->error;
    if (r->vector == TRAP_PF)
        c->cr2 = (uint64_t)info->si_addr;
}

static void fill_ucontext(struct ucontext *uc, const struct regs *r, const struct delivery *d,
                          ksigset_t old_mask, uaddr_t fp)
{
    const struct task *t = current;

    uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_has.xsave ? UC_FP_XSTATE : 0);
    uc->uc_stack.ss_sp = (void *)t->altstack_sp;
    uc->uc_stack.ss_flags = (int)t->altstack_flags;
    uc->uc_stack.ss_size = t->altstack_size;
    uc->uc_sigmask = old_mask;
    save_regs(&uc->uc_mcontext, r);
    save_fault(&uc->uc_mcontext, r, &d->info);
    uc->uc_mcontext.oldmask = old_mask;
    uc->uc_mcontext.fpstate = (void *)fp;
}

int sigframe_push(struct regs *r, const struct delivery *d, ksigset_t old_mask)
{
    struct rt_sigframe f;
    uaddr_t fp, at = place_frame(r, d, &fp);

    if (at == 0 || !(d->action.flags & SA_RESTORER))
        return -EFAULT;
    memset(&f, 0, sizeof(f));
    f.restorer = d->action.restorer;
    fill_ucontext(&f.uc, r, d, old_mask, fp);
    f.info = d->info;
    if (fpu_frame_save(current->fpu, fp) != 0 || copy_to_user(at, &f, sizeof(f)) != 0)
        return -EFAULT;

    if (current->altstack_flags & SS_AUTODISARM)
        altstack_disable(current);
    r->rdi = (uint64_t)d->sig;
    r->rsi = at + offsetof(struct rt_sigframe, info);
    r->rdx = at + offsetof(struct rt_sigframe, uc);
    r->rax = 0;
    r->rsp = at;
    r->rip = d->action.handler;
    r->rflags &= ~(X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_RF);
    r->cs = USER_CS;
    r->ss = USER_SS;
    return 0;
}

static bool canonical(uint64_t a) { return (uint64_t)((int64_t)(a << 16) >> 16) == a; }

static void restore_regs(struct regs *r, const struct sigcontext *c)
{
    r->r8 = c->r8;
    r->r9 = c->r9;
    r->r10 = c->r10;
    r->r11 = c->r11;
    r->r12 = c->r12;
    r->r13 = c->r13;
    r->r14 = c->r14;
    r->r15 = c->r15;
    r->rdi = c->rdi;
    r->rsi = c->rsi;
    r->rbp = c->rbp;
    r->rbx = c->rbx;
    r->rdx = c->rdx;
    r->rax = c->rax;
    r->rcx = c->rcx;
    r->rsp = c->rsp;
    r->rip = c->rip;
    r->rflags = (r->rflags & ~RFLAGS_POPF) | (c->eflags & RFLAGS_POPF);
    r->cs =
        current->segments ? c->cs | 3u : USER_CS; /* mm/ldt.c looks whether they may be loaded */
    r->ss = current->segments ? c->ss | 3u : USER_SS;
    r->error = (uint64_t)-1; /* whatever RAX looks like, nothing to restart */
}

/* rt_sigreturn(2).  The result is the interrupted code's RAX. */
long sigframe_pop(struct regs *r)
{
    struct ucontext uc;
    uaddr_t at = r->rsp - 8; /* the handler's RET took the return address */

    if (copy_from_user(&uc, at + offsetof(struct rt_sigframe, uc), sizeof(uc)) != 0)
        goto bad;
    signal_set_mask(uc.uc_sigmask);
    restore_regs(r, &uc.uc_mcontext);
    if (fpu_frame_restore(current->fpu, (uaddr_t)uc.uc_mcontext.fpstate) != 0)
        goto bad;
    sigaltstack_set(&uc.uc_stack, r->rsp); /* refused on that very stack: it stays as it is */
    current->restart.fn = NULL;
    if (canonical(r->rip))
        return (long)r->rax;
    signal_force(SIGSEGV, SI_KERNEL, 0); /* as if the CPU had tried to go on there */
    return (long)r->rax;
bad:
    signal_force(SIGSEGV, SI_KERNEL, 0);
    return 0;
}
