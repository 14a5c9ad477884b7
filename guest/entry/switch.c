/* switch.c - from one task's kernel stack to another's.
 *
 * What a task owns of the machine while it runs, and where that is while it does not: callee-saved registers on its kernel stack,
 * the stack's place in krsp; user registers in its struct regs; vector state: fpu.c; FS and GS base of user mode in fs_base and
 * gs_base; segment registers, if it has an LDT: ldt.c.  The bases are read back from the CPU, because programs can change them
 * without the kernel (WRFSBASE: on some hosts whatever CR4.FSGSBASE says). */
#include "entry/switch.h"
#include "entry/trap.h"
#include "lib/string.h"
#include "mm/ldt.h"

struct switch_frame { /* as switch_stacks() pops it */
    uint64_t r15, r14, r13, r12, rbp, rbx, rip;
};

void switch_to(struct task *prev, struct task *next)
{
    if (likely(!task_unlike(prev))) {
        prev->fs_base = user_fs_base();
        prev->gs_base = user_gs_base();
    } else if (prev->segments) {
        ldt_leave(prev);
    }
    if (likely(!task_unlike(next))) {
        if (task_unlike(prev) || prev->fs_base != next->fs_base)
            cpu_load_fs_base(next->fs_base);
        if (task_unlike(prev) || prev->gs_base != next->gs_base) /* nearly always both 0 */
            cpu_load_gs_base(next->gs_base);
    } else if (next->segments) {
        ldt_enter(next);
    }
    switch_stacks(&prev->krsp, next->krsp);
}

static void prepare(struct task *t, const char *start, uint64_t rbx)
{
    struct switch_frame *f = (struct switch_frame *)t->uregs - 1;
    *f = (struct switch_frame){ .rbx = rbx, .rip = (uint64_t)start };
    t->krsp = (uint64_t)f;
}

void task_prepare_user(struct task *t, const struct regs *r)
{
    t->uregs = (struct regs *)t->kstack - 1;
    memcpy(t->uregs, r, sizeof(*r));
    prepare(t, ret_from_fork, 0);
}

void task_prepare_kernel(struct task *t, void (*fn)(void))
{
    t->uregs = (struct regs *)t->kstack - 1;
    memset(t->uregs, 0, sizeof(*t->uregs));
    prepare(t, ret_from_kernel_fork, (uint64_t)fn);
}
