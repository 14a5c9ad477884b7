/* sched.h - who runs: giving the CPU away, and making tasks runnable. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/task.h"

void sched_init(void);
void schedule(void);      /* gives the CPU to the next; returns when it is our turn again */
void schedule_tail(void); /* a new task's first call, from entry.asm: what schedule() does
                           * once switch_to() has returned */
void sched_yield_now(void);
void sched_idle(void) __attribute__((noreturn)); /* what the boot CPU's first thread becomes */
void sched_exit(void) __attribute__((noreturn)); /* current is a zombie or dead: never runs again */
void preempt_point(void);              /* lets interrupts in and others run; no spinlock held */
void sched_asked(void);                /* IRQ_RESCHED: look before user mode */
void sched_turn_check(void);           /* need_resched was set; no spinlock held */
void trap_return_work(struct regs *r); /* before user mode: preemption, signals */

static inline uint64_t cpus_online(void) { return ncpus < 64 ? (1ull << ncpus) - 1 : UINT64_MAX; }

/* runq.c */
void sched_enqueue(struct task *t);    /* a new task, runnable for the first time */
void sched_first(struct task *t);      /* a new task that is to run before others */
void sched_wake(struct task *t);       /* task.lock held: blocked or stopped, now runnable */
void sched_wake_first(struct task *t); /* ... and the next to run */
void sched_kick(struct task *t);       /* if it is in user mode on another CPU, it comes in */
/* From when this returns on t is not in user mode on another CPU.  Not empty. */
void sched_set_affinity(struct task *t, uint64_t allowed);

#endif
