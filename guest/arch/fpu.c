/* fpu.c - the vector state of user programs.
 *
 * A CPU's registers keep the state fpu_owner, of the task that last ran in user mode
 * there, also while the idle task and kernel threads run.  A state is
 *
 *   live        fpu->cpu is this CPU, whose fpu_owner it is: in the registers
 *   fpu->cpu == BUSY  being read from a signal frame: what is in memory may not be
 *               loaded yet.  That reading may sleep; who is switched to in this
 *               state goes on without registers, in the kernel.
 *   else        in memory
 *
 * One CPU: memory is old while the state is live.  It is saved when another user task
 * is about to run, and only then.
 *
 * More CPUs: it is saved whenever the task is switched away from, as any CPU may run it
 * next, and the registers are valid besides: if the task comes back to this CPU
 * before another user task, nothing is loaded.  If it has run elsewhere since, fpu->cpu
 * says so; if it has died and another has got its memory, that one's fpu->cpu is NONE.
 * So fpu_owner is only compared, never followed, and each function works on its own
 * CPU's registers and on a task that runs on no other (on_cpu, sched/task.h): there
 * is no lock.  The one moment at which ncpus grows is in smp_finish(), and the only user task
 * that there is calls it.
 *
 * XSAVE where CPUID offers it, else FXSAVE.  XCR0 (cpu.c) says which components
 * there are; each lies where CPUID says (the standard form), because signal
 * frames show it to programs.  In memory, a component whose bit in XSTATE_BV is
 * clear is in its initial state, whatever its bytes are: so a new area needs its
 * header only. */
#include "arch/fpu.h"
#include "arch/cpu.h"
#include "arch/msr.h"
#include "arch/uaccess.h"
#include "lib/string.h"

#include <asm/sigcontext.h>
#include <asm/siginfo.h>

#define NONE           UINT32_MAX
#define BUSY           (UINT32_MAX - 1)
#define FCW_INITIAL    0x37f
#define MXCSR_INITIAL  0x1f80
#define MXCSR_VALID    0xffffu
#define LEGACY_BYTES   sizeof(struct _fpstate_64) /* the FXSAVE image */
#define BASIC_BYTES    (LEGACY_BYTES + sizeof(struct _header))
#define XFEATURE_BASIC 3u /* x87, SSE: in the FXSAVE image */
#define COMPONENTS     8  /* all that cpu.c enables is below */

_Static_assert(LEGACY_BYTES == FPU_LEGACY_BYTES, "the FXSAVE image");

struct fpu {      /* 64-byte aligned */
    void *block;  /* that it lies in */
    uint32_t cpu; /* [o] whose registers held the state last; NONE, BUSY */
    struct _xstate area __attribute__((aligned(64))); /* and further, up to cpu_has.fpu_bytes */
};

static void registers_save(struct fpu *f)
{
    if (cpu_has.xcr0 != 0)
        __asm__ volatile("xsave64 %0"
                         : "+m"(f->area)
                         : "a"((uint32_t)cpu_has.xcr0), "d"((uint32_t)(cpu_has.xcr0 >> 32))
                         : "memory");
    else
        __asm__ volatile("fxsave64 %0" : "=m"(f->area) : : "memory");
}

static void registers_load(const struct fpu *f)
{
    if (cpu_has.xcr0 != 0)
        __asm__ volatile("xrstor64 %0"
                         :
                         : "m"(f->area), "a"((uint32_t)cpu_has.xcr0),
                           "d"((uint32_t)(cpu_has.xcr0 >> 32))
                         : "memory");
    else
        __asm__ volatile("fxrstor64 %0" : : "m"(f->area));
}

/* Initial state in memory.  With XSAVE the legacy part's bytes are not looked at,
 * but for MXCSR. */
static void set_initial(struct fpu *f)
{
    if (cpu_has.xcr0 != 0)
        memset(&f->area.xstate_hdr, 0, sizeof(f->area.xstate_hdr));
    else
        memset(&f->area.fpstate, 0, LEGACY_BYTES);
    f->area.fpstate.cwd = FCW_INITIAL;
    f->area.fpstate.mxcsr = MXCSR_INITIAL;
}

static bool live(const struct fpu *f)
{
    const struct cpu *c = this_cpu();
    return f->cpu == c->id && c->fpu_owner == f;
}

/* From memory to the registers. */
static void take_registers(struct fpu *f)
{
    struct cpu *c = this_cpu();
    if (ncpus == 1 && c->fpu_owner != NULL && c->fpu_owner != f)
        registers_save(c->fpu_owner);
    registers_load(f);
    f->cpu = c->id;
    c->fpu_owner = f;
}

/* What the registers hold of it is not wanted any more. */
static void forget(struct fpu *f, uint32_t where)
{
    struct cpu *c = this_cpu();
    if (c->fpu_owner == f)
        c->fpu_owner = NULL;
    f->cpu = where;
}

size_t fpu_block_bytes(void) { return offsetof(struct fpu, area) + cpu_has.fpu_bytes + 63; }

struct fpu *fpu_place(void *block)
{
    struct fpu *f = (struct fpu *)(((uintptr_t)block + 63) & ~63ul);
    f->block = block;
    f->cpu = NONE;
    set_initial(f);
    return f;
}

void *fpu_unplace(struct fpu *f)
{
    forget(f, NONE); /* its task may have died with the state in the registers */
    return f->block;
}

/* The registers stay the parent's; XSAVE writes all that the child needs. */
void fpu_fork(struct fpu *child, struct fpu *mine)
{
    if (live(mine))
        registers_save(child);
    else
        memcpy(&child->area, &mine->area, cpu_has.fpu_bytes);
}

void fpu_reset(struct fpu *mine)
{
    forget(mine, NONE);
    set_initial(mine);
    take_registers(mine);
}

void fpu_switch(struct fpu *prev, struct fpu *next)
{
    if (ncpus > 1 && prev != NULL && live(prev))
        registers_save(prev);
    if (next != NULL && !live(next) && next->cpu != BUSY)
        take_registers(next);
}

/* Flags as in the status words: IE DE ZE OE UE PE from bit 0 on.  From the saved state: not all
 * hosts know STMXCSR in ring 0. */
static uint32_t raised_by(struct fpu *mine, enum fpu_unit unit)
{
    const struct _fpstate_64 *s = &mine->area.fpstate;
    if (live(mine))
        registers_save(mine);
    return unit == FPU_SSE ? s->mxcsr & ~(s->mxcsr >> 7) & 0x3f : s->swd & ~s->cwd & 0x3f;
}

int fpu_fault_code(struct fpu *mine, enum fpu_unit unit)
{
    uint32_t raised = raised_by(mine, unit);

    if (raised & 1)
        return FPE_FLTINV;
    if (raised & 4)
        return FPE_FLTDIV;
    if (raised & 8)
        return FPE_FLTOVF;
    if (raised & (16 | 2))
        return FPE_FLTUND;
    return FPE_FLTRES;
}

/* --- signal frames ----------------------------------------------------------------- */

/* With XSAVE a frame is the whole area and a second magic word; programs find its
 * size in the reserved bytes of the FXSAVE image. */
size_t fpu_frame_bytes(void)
{
    return cpu_has.xcr0 != 0 ? cpu_has.fpu_bytes + FP_XSTATE_MAGIC2_SIZE : LEGACY_BYTES;
}

enum direction { TO_USER, FROM_USER };

struct component {
    uint32_t size, offset; /* bytes, in the standard format */
};

/* Where component i lies; CPUID is asked once. */
static struct component find_component(uint32_t i)
{
    static struct component known[COMPONENTS];

    if (unlikely(known[i].size == 0)) {
        uint32_t size, c, d;
        cpuid(0xd, i, &size, &known[i].offset, &c, &d);
        __atomic_store_n(&known[i].size, size, __ATOMIC_RELEASE);
    }
    return known[i];
}

/* Those beyond the basic two that the mask `has` names; most programs have one. */
static uint64_t beyond_basic(uint64_t has)
{
    return has & ((1u << COMPONENTS) - 1) & ~(uint64_t)XFEATURE_BASIC;
}

/* Copies the components beyond the basic ones that are not in their initial state. */
static int copy_components(struct fpu *f, uaddr_t at, enum direction direction)
{
    for (uint64_t left = beyond_basic(f->area.xstate_hdr.xfeatures); left != 0; left &= left - 1) {
        struct component c = find_component((uint32_t)__builtin_ctzll(left));
        char *here = (char *)&f->area + c.offset;
        int err = direction == TO_USER ? copy_to_user(at + c.offset, here, c.size)
                                       : copy_from_user(here, at + c.offset, c.size);
        if (err)
            return err;
    }
    return 0;
}

static bool header_is_valid(const struct _header *h)
{
    uint64_t bits = (h->xfeatures & ~cpu_has.xcr0) | h->reserved1[0] | h->reserved1[1];
    for (unsigned i = 0; i < ARRAY_SIZE(h->reserved2); i++)
        bits |= h->reserved2[i];
    return bits == 0;
}

size_t fpu_dump_bytes(void) { return cpu_has.xcr0 != 0 ? cpu_has.fpu_bytes : LEGACY_BYTES; }

static void dump_legacy(const struct _fpstate_64 *from, uint64_t has, struct _fpstate_64 *to)
{
    if (has & 1)
        memcpy(to, from, sizeof *to);
    memset(to->xmm_space, 0, LEGACY_BYTES - offsetof(struct _fpstate_64, xmm_space));
    if (!(has & 1))
        to->cwd = FCW_INITIAL;
    to->mxcsr = from->mxcsr;
    to->mxcsr_mask = from->mxcsr_mask;
    if (has & 2)
        memcpy(to->xmm_space, from->xmm_space, sizeof to->xmm_space);
}

/* Debuggers look for XCR0 in the first of the words that software may use. */
void fpu_dump(struct fpu *f, void *at)
{
    struct _xstate *to = at;

    if (live(f))
        registers_save(f);
    memset(to, 0, fpu_dump_bytes());
    if (cpu_has.xcr0 == 0) {
        dump_legacy(&f->area.fpstate, XFEATURE_BASIC, &to->fpstate);
        return;
    }
    uint64_t has = f->area.xstate_hdr.xfeatures;
    dump_legacy(&f->area.fpstate, has, &to->fpstate);
    memcpy(&to->fpstate.sw_reserved, &cpu_has.xcr0, sizeof cpu_has.xcr0);
    to->xstate_hdr.xfeatures = has;
    for (uint64_t left = beyond_basic(has); left != 0; left &= left - 1) {
        struct component c = find_component((uint32_t)__builtin_ctzll(left));
        memcpy((char *)to + c.offset, (char *)&f->area + c.offset, c.size);
    }
}

/* Components beyond the basic two that the image has; the others are initial then. */
static void put_components(struct fpu *f, const struct _xstate *from)
{
    f->area.xstate_hdr = from->xstate_hdr;
    for (uint64_t left = beyond_basic(from->xstate_hdr.xfeatures); left != 0; left &= left - 1) {
        struct component c = find_component((uint32_t)__builtin_ctzll(left));
        memcpy((char *)&f->area + c.offset, (const char *)from + c.offset, c.size);
    }
}

int fpu_put(struct fpu *f, const void *image, size_t bytes)
{
    const struct _xstate *from = image;
    bool all = bytes != LEGACY_BYTES;

    if ((from->fpstate.mxcsr & ~MXCSR_VALID) || (all && !header_is_valid(&from->xstate_hdr)))
        return -EINVAL;
    if (live(f))
        registers_save(f);
    forget(f, NONE);
    memcpy(&f->area.fpstate, &from->fpstate, LEGACY_BYTES);
    if (all)
        put_components(f, from);
    else if (cpu_has.xcr0 != 0)
        f->area.xstate_hdr.xfeatures |= XFEATURE_BASIC;
    return 0;
}

int fpu_frame_save(struct fpu *f, uaddr_t at)
{
    if (live(f))
        registers_save(f); /* and they stay live: the handler goes on with them */
    struct _fpx_sw_bytes *sw = &f->area.fpstate.sw_reserved;
    memset(f->area.fpstate.reserved3, 0, sizeof(f->area.fpstate.reserved3));
    if (cpu_has.xcr0 == 0)
        return copy_to_user(at, &f->area, LEGACY_BYTES);
    *sw = (struct _fpx_sw_bytes){
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = (uint32_t)fpu_frame_bytes(),
        .xfeatures = cpu_has.xcr0,
        .xstate_size = cpu_has.fpu_bytes,
    };
    uint32_t magic2 = FP_XSTATE_MAGIC2;
    if (copy_to_user(at, &f->area, BASIC_BYTES) != 0 || copy_components(f, at, TO_USER) != 0 ||
        put_user(magic2, at + cpu_has.fpu_bytes) != 0)
        return -EFAULT;
    return 0;
}

/* The area holds what a program wrote: XRSTOR must not fault on it. */
static bool area_is_valid(const struct fpu *f)
{
    if (f->area.fpstate.mxcsr & ~MXCSR_VALID)
        return false;
    return cpu_has.xcr0 == 0 || header_is_valid(&f->area.xstate_hdr);
}

/* A frame without the magic words holds the FXSAVE image only. */
static int read_frame(struct fpu *f, uaddr_t at)
{
    if (copy_from_user(&f->area, at, LEGACY_BYTES) != 0)
        return -EFAULT;
    if (cpu_has.xcr0 == 0)
        return 0;
    const struct _fpx_sw_bytes *sw = &f->area.fpstate.sw_reserved;
    uint32_t magic2 = 0;
    if (sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == cpu_has.fpu_bytes &&
        get_user(magic2, at + cpu_has.fpu_bytes) != 0)
        return -EFAULT;
    if (magic2 != FP_XSTATE_MAGIC2) {
        memset(&f->area.xstate_hdr, 0, sizeof(f->area.xstate_hdr));
        f->area.xstate_hdr.xfeatures = XFEATURE_BASIC;
        return 0;
    }
    if (copy_from_user(&f->area.xstate_hdr, at + LEGACY_BYTES, sizeof(f->area.xstate_hdr)) != 0)
        return -EFAULT;
    if (f->area.xstate_hdr.xfeatures & ~cpu_has.xcr0)
        return -EINVAL;
    return copy_components(f, at, FROM_USER);
}

int fpu_frame_restore(struct fpu *f, uaddr_t at)
{
    if (at % 64 != 0)
        return -EINVAL;
    forget(f, BUSY);
    int err = 0;
    if (at == 0)
        set_initial(f);
    else
        err = read_frame(f, at);
    if (err == 0 && !area_is_valid(f))
        err = -EINVAL;
    if (err != 0)
        set_initial(f);
    f->cpu = NONE;
    take_registers(f);
    return err;
}
