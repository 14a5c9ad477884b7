/* emulate.c - see emulate.h.
 *
 * The vCPU stands before the instruction, and KVM shows its bytes.  decode.c
 * knows them, KVM_TRANSLATE gives the memory, KVM_GET_XSAVE2 and KVM_SET_XSAVE the registers, and
 * xstate.c does what the instruction does.  Then RIP moves on.
 *
 * Ring 0 runs without XSETBV of its own here, so XCR0 begins as if firmware
 * had enabled everything that is offered; ring 3, which runs on the real CPU,
 * sees the same.  Left out: checks of CR4.OSXSAVE and CR0.TS, and the page
 * fault that a missing page would be: a kernel's save area is always there,
 * and if it is not, the report about it helps more. */
#include "vmm/emulate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/decode.h"
#include "vmm/vm.h"
#include "vmm/xstate.h"

#define VECTOR_UD     6
#define VECTOR_GP     13
#define PAGE_REST(va) (GMEM_PAGE - ((va) & (GMEM_PAGE - 1)))

/* Set by emulate_enable(), before any vCPU. */
static struct xstate_layout layout;
static bool ud_is_queued; /* KVM also queues a #UD, which is to be taken back */

void emulate_enable(struct vm *vm)
{
    struct kvm_enable_cap cap = { .cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = { 1 } };
    xstate_host_layout(&layout);
    ud_is_queued = ioctl(vm->fd, KVM_ENABLE_CAP, &cap) != 0;
}

void emulate_free(struct emulate_state *e) { free(e->area); }

static uint64_t reg_value(const struct kvm_regs *r, enum insn_reg reg)
{
    switch (reg) {
    case GPR_RAX: return r->rax;
    case GPR_RCX: return r->rcx;
    case GPR_RDX: return r->rdx;
    case GPR_RBX: return r->rbx;
    case GPR_RSP: return r->rsp;
    case GPR_RBP: return r->rbp;
    case GPR_RSI: return r->rsi;
    case GPR_RDI: return r->rdi;
    case GPR_R8: return r->r8;
    case GPR_R9: return r->r9;
    case GPR_R10: return r->r10;
    case GPR_R11: return r->r11;
    case GPR_R12: return r->r12;
    case GPR_R13: return r->r13;
    case GPR_R14: return r->r14;
    case GPR_R15: return r->r15;
    case GPR_RIP: return r->rip;
    case GPR_NONE: break;
    }
    return 0;
}

static uint64_t effective_address(const struct vcpu *v, const struct insn *insn,
                                  const struct kvm_sregs *s)
{
    const struct kvm_regs *r = &v->run->s.regs.regs;
    uint64_t at = reg_value(r, insn->base) + reg_value(r, insn->index) * insn->scale +
                  (uint64_t)(int64_t)insn->disp;
    if (insn->base == GPR_RIP)
        at += insn->len;
    if (insn->seg == SEG_FS)
        at += s->fs.base;
    else if (insn->seg == SEG_GS)
        at += s->gs.base;
    return at;
}

/* Copies between guest virtual memory and a buffer, page by page. */
static bool copy_guest(const struct vcpu *v, uint64_t va, uint8_t *buf, size_t len, bool to_guest)
{
    while (len > 0) {
        size_t n = PAGE_REST(va) < len ? PAGE_REST(va) : len;
        struct kvm_translation t = { .linear_address = va };
        if (ioctl(v->fd, KVM_TRANSLATE, &t) != 0 || !t.valid)
            return false;
        uint8_t *p = gmem_span(v->vm->mem, t.physical_address, n);
        if (p == NULL)
            return false;
        memcpy(to_guest ? p : buf, to_guest ? buf : p, n);
        va += n;
        buf += n;
        len -= n;
    }
    return true;
}

/* vector -1: none, and none that KVM has queued. */
static bool inject(const struct vcpu *v, int vector)
{
    struct kvm_vcpu_events ev;
    if (ioctl(v->fd, KVM_GET_VCPU_EVENTS, &ev) != 0)
        return false;
    memset(&ev.exception, 0, sizeof(ev.exception));
    ev.exception_has_payload = 0;
    if (vector >= 0) {
        ev.exception.injected = 1;
        ev.exception.nr = (uint8_t)vector;
        ev.exception.has_error_code = vector == VECTOR_GP;
    }
    return ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev) == 0;
}

enum outcome { DONE, FAULT_GP, FAILED };

static enum outcome do_xsave(struct vcpu *v, const struct insn *insn, uint64_t va)
{
    static __thread uint8_t mem[XSTATE_AREA_MAX];
    const struct kvm_regs *r = &v->run->s.regs.regs;
    struct emulate_state *e = &v->emulate;
    bool restores = insn->op == OP_XRSTOR || insn->op == OP_XRSTOR64;
    bool optimised = insn->op == OP_XSAVEOPT || insn->op == OP_XSAVEOPT64;
    uint64_t rfbm = (r->rdx << 32 | (uint32_t)r->rax) & e->xcr0;
    size_t bytes = xstate_area_bytes(&layout, rfbm);

    if (va % 64 != 0)
        return FAULT_GP;
    if (!copy_guest(v, va, mem, bytes, false) || ioctl(v->fd, KVM_GET_XSAVE2, e->area) != 0)
        return FAILED;
    if (!restores) {
        xstate_save(&layout, mem, e->area, rfbm, optimised);
        return copy_guest(v, va, mem, bytes, true) ? DONE : FAILED;
    }
    if (!xstate_restore(&layout, e->area, mem, rfbm, e->xcr0))
        return FAULT_GP;
    return ioctl(v->fd, KVM_SET_XSAVE, e->area) == 0 ? DONE : FAILED;
}

static enum outcome do_xcr(struct vcpu *v, bool set)
{
    struct kvm_regs *r = &v->run->s.regs.regs;
    uint64_t value = r->rdx << 32 | (uint32_t)r->rax;
    if ((uint32_t)r->rcx != 0 || (set && !xstate_xcr0_valid(&layout, value)))
        return FAULT_GP;
    if (set) {
        v->emulate.xcr0 = value;
    } else {
        r->rax = (uint32_t)v->emulate.xcr0;
        r->rdx = v->emulate.xcr0 >> 32;
    }
    return DONE;
}

/* KVM's area may be larger than a page; its size is a property of the VM. */
static bool prepare(struct vcpu *v)
{
    struct emulate_state *e = &v->emulate;
    if (e->area != NULL)
        return true;
    int bytes = ioctl(v->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
    if (layout.components == 0 || bytes <= 0)
        return false;
    e->xcr0 = layout.components;
    e->area = calloc(1, (size_t)bytes < XSTATE_AREA_MAX ? XSTATE_AREA_MAX : (size_t)bytes);
    return e->area != NULL;
}

bool emulate_instruction(struct vcpu *v)
{
    struct kvm_run *run = v->run;
    struct kvm_regs *r = &run->s.regs.regs;
    struct kvm_sregs s;
    struct insn insn;
    enum outcome outcome;

    if (run->emulation_failure.ndata < 3 ||
        !(run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) ||
        run->emulation_failure.insn_size > INSN_BYTES_MAX || ioctl(v->fd, KVM_GET_SREGS, &s) != 0)
        return false;
    if (s.ss.dpl == 3) /* as KVM does without the capability */
        return inject(v, VECTOR_UD);
    if (!s.cs.l || !prepare(v))
        return false;
    if (!insn_decode(run->emulation_failure.insn_bytes, run->emulation_failure.insn_size, &insn))
        return false;
    if (insn.op == OP_XGETBV || insn.op == OP_XSETBV)
        outcome = do_xcr(v, insn.op == OP_XSETBV);
    else
        outcome = do_xsave(v, &insn, effective_address(v, &insn, &s));
    if (outcome == FAILED)
        return false;
    if ((outcome == FAULT_GP || ud_is_queued) && !inject(v, outcome == FAULT_GP ? VECTOR_GP : -1))
        return false;
    if (outcome == DONE)
        r->rip += insn.len;
    run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    return true;
}
