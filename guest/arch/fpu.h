/* fpu.h - user vector state: x87, SSE, AVX and what else XCR0 holds.
 * The kernel never uses it.  Saving is lazy in one sense only: the registers
 * keep the state of the task that ran last in user mode (cpu.fpu_owner is its), and
 * are saved when another task is about to need them. */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include "lib/base.h"

struct fpu; /* a task's state; `mine` below: current's */

size_t fpu_block_bytes(void);       /* memory that a state needs, at any address */
struct fpu *fpu_place(void *block); /* the initial state, somewhere in such a block */
void *fpu_unplace(struct fpu *f);   /* the block again; no CPU's registers hold the state */
void fpu_fork(struct fpu *child, struct fpu *mine);  /* child := mine, as it is now */
void fpu_reset(struct fpu *mine);                    /* the initial state (exec) */
void fpu_switch(struct fpu *prev, struct fpu *next); /* called by the scheduler; NULL: none */

/* SIGFPE's si_code for what the x87 or SSE unit has raised and does not mask. */
enum fpu_unit { FPU_X87, FPU_SSE };
int fpu_fault_code(struct fpu *mine, enum fpu_unit unit);

/* For core files: the state as Linux's NT_X86_XSTATE has it, all components at their places
 * and initial ones too; without XSAVE the FXSAVE image, which it begins with.  Of current, or
 * of a task that does not run. */
#define FPU_LEGACY_BYTES 512
size_t fpu_dump_bytes(void);
void fpu_dump(struct fpu *f, void *to);
/* For debuggers, the other way: the FXSAVE image (bytes: FPU_LEGACY_BYTES) or all (fpu_dump_bytes()),
 * into the state of a task that does not run.  0 or -EINVAL, and nothing has changed. */
int fpu_put(struct fpu *f, const void *from, size_t bytes);

/* Signal frames: the area in user memory, as Linux lays it out (FXSAVE image,
 * with XSAVE the extended area and its two magic words).  64-byte aligned. */
size_t fpu_frame_bytes(void);
int fpu_frame_save(struct fpu *mine, uaddr_t at); /* 0 or -EFAULT */
/* at 0: initial state.  0, -EFAULT, -EINVAL */
int fpu_frame_restore(struct fpu *mine, uaddr_t at);

#endif
