/* debug.c - DR0 to DR7 for programs: hardware watchpoints and breakpoints.
 *
 * A task that has them (task.debug) looks on each way to user mode whether this CPU has them,
 * and loads them if not: RETURN_DEBUG in task.rseq_event, a word that is looked at there anyway, so
 * nobody else pays, not even at a switch.  They stay in the CPU when others run.  If one of those
 * comes to such an address, the trap is not its own: the registers are turned off, and it
 * goes on.  So debug_owner is only compared, never followed; and as in fpu.c, they are loaded
 * if debug_owner is the task's and its `cpu` is this one, which ends when it is loaded elsewhere or
 * changed.
 *
 * Addresses are of user memory.  A kernel that runs in ring 0 meets them when it copies: the trap
 * is dropped where it arrives (entry.asm, debug_entry), and Linux does not tell, either. */
#include "arch/debug.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/layout.h"
#include "arch/msr.h"
#include "arch/regs.h"
#include "arch/uaccess.h"

#define NO_CPU        UINT32_MAX
#define CONTROL_FIXED 0x400u /* a bit that reads 1 */

enum { FOR_EXECUTION, FOR_WRITES, FOR_PORTS, FOR_ACCESS };

static bool is_on(uint64_t control, unsigned n) { return control >> (2 * n) & 3; }
static unsigned kind(uint64_t control, unsigned n) { return control >> (16 + 4 * n) & 3; }
static unsigned length(uint64_t control, unsigned n)
{
    static const uint8_t bytes[] = { 1, 2, 8, 4 };

    return bytes[control >> (18 + 4 * n) & 3];
}

bool debug_is_on(const struct debug_regs *d, unsigned n) { return is_on(d->control, n); }
bool debug_any(const struct debug_regs *d) { return (d->control & 0xff) != 0; }
bool debug_is_break(const struct debug_regs *d, unsigned n)
{
    return kind(d->control, n) == FOR_EXECUTION;
}
unsigned debug_length(const struct debug_regs *d, unsigned n) { return length(d->control, n); }

static bool sound(uint64_t control, unsigned n, uint64_t address)
{
    unsigned bytes = length(control, n);

    if (!user_range(address, bytes))
        return false;
    switch (kind(control, n)) {
    case FOR_PORTS: return false;
    case FOR_EXECUTION: return bytes == 1;
    case FOR_ACCESS:
        if (!debug_works()) /* proc/watchpoint.c */
            return false;
        __attribute__((fallthrough));
    default: return address % bytes == 0;
    }
}

void debug_init(struct debug_regs *d)
{
    *d = (struct debug_regs){ .status = DR6_NOTHING, .cpu = NO_CPU };
}

int debug_set_control(struct debug_regs *d, uint64_t control)
{
    uint8_t made = d->made;

    for (unsigned n = 0; n < DEBUG_ADDRESSES; n++) {
        if (is_on(control, n))
            made |= (uint8_t)(1u << n);
        if ((made >> n & 1) && !sound(control, n, d->address[n]))
            return -EINVAL;
    }
    d->made = made;
    d->control = control;
    d->cpu = NO_CPU;
    return 0;
}

int debug_set_address(struct debug_regs *d, unsigned n, uint64_t address)
{
    bool made = d->made >> n & 1;
    uint64_t control = made ? d->control : (uint64_t)FOR_WRITES << (16 + 4 * n);

    if (!sound(control, n, address))
        return -EINVAL;
    d->address[n] = address;
    d->made |= (uint8_t)(1u << n);
    d->cpu = NO_CPU;
    return 0;
}

/* Only what is on, globally or locally, and for what and how long. */
static uint64_t hardware_control(const struct debug_regs *d)
{
    uint64_t c = CONTROL_FIXED;

    for (unsigned n = 0; n < DEBUG_ADDRESSES; n++)
        if (is_on(d->control, n))
            c |= 1ull << (2 * n) | (d->control & 15ull << (16 + 4 * n));
    return c;
}

static void load(const uint64_t *address, uint64_t control)
{
    if (ring3()) {
        ring3_load_debug(address, control);
        return;
    }
    __asm__ volatile("mov %0, %%dr7" : : "r"((uint64_t)CONTROL_FIXED));
    __asm__ volatile("mov %0, %%dr0" : : "r"(address[0]));
    __asm__ volatile("mov %0, %%dr1" : : "r"(address[1]));
    __asm__ volatile("mov %0, %%dr2" : : "r"(address[2]));
    __asm__ volatile("mov %0, %%dr3" : : "r"(address[3]));
    __asm__ volatile("mov %0, %%dr7" : : "r"(control));
}

void debug_load(struct debug_regs *d)
{
    struct cpu *c = this_cpu();

    if (c->debug_owner == d && d->cpu == c->id)
        return;
    load(d->address, hardware_control(d));
    d->cpu = c->id;
    c->debug_owner = d;
}

static void unload(void)
{
    static const uint64_t none[DEBUG_ADDRESSES];

    load(none, CONTROL_FIXED);
    this_cpu()->debug_owner = NULL;
}

uint64_t debug_met(struct debug_regs *d, uint64_t status, struct regs *r)
{
    uint64_t met = 0;

    for (unsigned n = 0; d != NULL && n < DEBUG_ADDRESSES; n++) {
        if (!(status >> n & 1) || !is_on(d->control, n))
            continue;
        met |= 1u << n;
        if (kind(d->control, n) == FOR_EXECUTION)
            r->rflags |= X86_EFLAGS_RF; /* or the same instruction would trap again */
    }
    if ((status & DR6_REGISTERS) != 0 && met == 0)
        unload();
    if (d != NULL)
        d->status = DR6_NOTHING | met;
    return met;
}
