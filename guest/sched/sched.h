/* sched.h - who runs: giving the CPU away, and making tasks runnable. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/task.h"
#include <linux/sched.h>

/* Bits of cpu.need_resched. */
#define NEED_LOOK \
    1ull                /* look at the run queue before user mode.  A CPU where it is
                             * set looks by itself; who sets it elsewhere, interrupts */
#define NEED_AGAIN 2ull /* ... once more at the next return: somebody waits, and others idle */

void sched_init(void);
void schedule(void);      /* gives the CPU to the next; returns when it is our turn again */
void schedule_tail(void); /* a new task's first call, from entry.asm: what schedule() does
                           * once switch_to() has returned */
void sched_yield_now(void);
void sched_idle(void) __attribute__((noreturn)); /* what the boot CPU's first thread becomes */
/* current is a zombie or dead and never runs again.  bury: called with it once no CPU is on
 * its stack. */
void sched_exit(void (*bury)(struct task *)) __attribute__((noreturn));
void sched_asked(void);      /* IRQ_RESCHED: look before user mode */
void sched_turn_check(void); /* need_resched was set; no spinlock held */
bool sched_may_wait(void);   /* NEED_AGAIN alone is set: it need not be looked at yet */

static inline uint64_t cpus_online(void) { return ncpus < 64 ? (1ull << ncpus) - 1 : UINT64_MAX; }

static inline bool sched_realtime(uint32_t policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* runq.c */
void sched_enqueue(struct task *t);    /* a new task, runnable for the first time */
void sched_first(struct task *t);      /* a new task that is to run before others */
void sched_wake(struct task *t);       /* task.lock held: blocked or stopped, now runnable */
void sched_wake_first(struct task *t); /* ... and the next to run */
void sched_kick(struct task *t);       /* if it is in user mode on another CPU, it comes in */
/* From when this returns on t is not in user mode on another CPU.  Not empty. */
void sched_set_affinity(struct task *t, uint64_t allowed);

#endif
