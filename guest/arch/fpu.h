/* fpu.h - user vector state: x87, SSE, AVX and what else XCR0 holds.
 * The kernel never uses it.  Saving is lazy in one sense only: the registers
 * keep the state of the task that ran last in user mode (cpu.fpu_owner), and
 * are saved when another task is about to need them. */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include "lib/base.h"

struct task;
struct regs;

int fpu_alloc(struct task *t);                         /* area in the initial state; 0 or -ENOMEM */
void fpu_free(struct task *t);                         /* also forgets ownership */
void fpu_fork(struct task *child);                     /* child's state := current's, now */
void fpu_reset(void);                                  /* current's state := initial (exec) */
void fpu_switch(struct task *prev, struct task *next); /* called by the scheduler */

/* For SIGFPE: exception flags of the x87 or SSE unit that are raised and not masked,
 * as in the status words: IE DE ZE OE UE PE from bit 0 on. */
uint32_t fpu_raised(bool sse);

/* Signal frames: the area in user memory, as Linux lays it out (FXSAVE image,
 * with XSAVE the extended area and its two magic words).  64-byte aligned. */
size_t fpu_frame_bytes(void);
int fpu_frame_save(uaddr_t at);    /* 0 or -EFAULT */
int fpu_frame_restore(uaddr_t at); /* at 0: initial state.  0, -EFAULT, -EINVAL */

#endif
