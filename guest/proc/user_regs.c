/* user_regs.c - a task's registers as debuggers see them.
 *
 * The trap flag is shown as the program has it: the one that PTRACE_SINGLESTEP sets is not.  What a
 * debugger sets is what the program could have set in user mode, and RIP is checked on the way there. */
#include "proc/user_regs.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/ldt.h"

_Static_assert(offsetof(struct user_regs, orig_rax) == offsetof(struct regs, vector),
               "both begin alike");
_Static_assert(sizeof(struct user_regs) == 27 * 8, "Linux's");

void user_regs_get(struct user_regs *to, const struct task *t, const struct regs *r)
{
    memset(to, 0, sizeof *to);
    memcpy(to, r, offsetof(struct user_regs, orig_rax));
    to->orig_rax = r->vector == TRAP_SYSCALL ? r->error : (uint64_t)-1;
    to->rip = r->rip;
    to->cs = r->cs;
    to->eflags = r->rflags & ~(t->forced_tf ? (uint64_t)X86_EFLAGS_TF : 0);
    to->rsp = r->rsp;
    to->ss = r->ss;
    if (t->segments) {
        struct segments s = segments_of(t);
        to->ds = s.ds;
        to->es = s.es;
        to->fs = s.fs;
        to->gs = s.gs;
    }
    to->fs_base = t == current ? user_fs_base() : t->fs_base;
    to->gs_base = t == current ? user_gs_base() : t->gs_base;
}

/* A null selector, or one for user mode. */
static bool data_selector(uint64_t s) { return s <= 0xffff && (s == 0 || (s & 3) == 3); }

static bool valid(const struct user_regs *u)
{
    return u->cs == USER_CS && u->ss == USER_SS && u->fs_base < USER_END && u->gs_base < USER_END &&
           data_selector(u->ds) && data_selector(u->es) && data_selector(u->fs) &&
           data_selector(u->gs);
}

int user_regs_set(struct task *t, const struct user_regs *from)
{
    struct regs *r = t->uregs;

    if (!valid(from))
        return -EIO;
    memcpy(r, from, offsetof(struct user_regs, orig_rax));
    if (r->vector == TRAP_SYSCALL || (int64_t)from->orig_rax >= 0) {
        r->vector = TRAP_SYSCALL; /* a call that was cut short, perhaps, is put back */
        r->error = from->orig_rax;
    }
    r->rip = from->rip;
    r->rflags = (r->rflags & ~(uint64_t)RFLAGS_POPF) | (from->eflags & RFLAGS_POPF);
    if (from->eflags & X86_EFLAGS_TF)
        t->forced_tf = false;
    else if (t->forced_tf)
        r->rflags |= X86_EFLAGS_TF;
    r->rsp = from->rsp;
    t->fs_base = from->fs_base;
    t->gs_base = from->gs_base;
    return 0;
}
