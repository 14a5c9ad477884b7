/* debug.h - debug registers of programs: a task whose tracer has set some has a struct debug_regs.
 * debug.c has the argument. */
#ifndef ARCH_DEBUG_H
#define ARCH_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#define DEBUG_ADDRESSES 4

struct debug_regs {
    uint64_t address[DEBUG_ADDRESSES];
    uint64_t control; /* DR7, as its tracer wrote it: which of them are on, for what, how long */
    uint64_t status;  /* DR6, as its tracer is told */
    uint64_t seen[DEBUG_ADDRESSES]; /* proc/watchpoint.c */
    uint8_t made; /* bit n: address n has been set, and is checked with each new control */
    uint32_t cpu; /* which CPU's registers hold these, if they do */
};

struct regs;

void debug_init(struct debug_regs *d); /* all off */
bool debug_is_on(const struct debug_regs *d, unsigned n);
bool debug_any(const struct debug_regs *d);
bool debug_is_break(const struct debug_regs *d, unsigned n);   /* else it watches memory, */
unsigned debug_length(const struct debug_regs *d, unsigned n); /*   so many bytes */
/* The debugger may set these: DR7 `control`, and address n: 0 or -EINVAL, and nothing has
 * changed. */
int debug_set_control(struct debug_regs *d, uint64_t control);
int debug_set_address(struct debug_regs *d, unsigned n, uint64_t address);

/* Before user mode, of the current task: this CPU has its registers. */
void debug_load(struct debug_regs *d);
/* A #DB of the current task, which has d or NULL; status: DR6.  Which addresses of its own it has
 * met: a mask. */
uint64_t debug_met(struct debug_regs *d, uint64_t status, struct regs *r);

#endif
