/* preempt.h - where kernel code lets others go on.
 *
 * Interrupts are off in the kernel and nothing preempts it, so what one call does
 * without a break is what every timer, task and signal waits for.  The rule: no call,
 * whatever its arguments, executes more than 50,000 instructions between two points
 * at which interrupts come in and another task may run (tests/vm/long_calls.t measures it).
 *
 * So each loop whose length a program chooses tells in each turn, holding no spinlock,
 * about how many instructions went by: preempt_work(n).  That costs two of them.
 * When WINDOW_WORK of them have been told, it is preempt_point().  Where a spinlock
 * is needed for the whole of such a loop, it is given up after some turns. */
#ifndef ARCH_PREEMPT_H
#define ARCH_PREEMPT_H

#include "arch/cpu.h"
#include "sync/lock.h"

#define WINDOW_WORK 16384 /* a third of what may go by: the estimates are rough */

/* Now.  Its caller goes on afterwards, perhaps on another CPU. */
KEEPS_REGISTERS void preempt_point(void);
void preempt_window(void); /* interrupts only, whatever state current is in */
bool preempt_killed(void); /* a fatal signal is there for current: its call is to end */

/* What the scheduler does about it: need_resched was set; is current to end? */
struct preempt_hooks {
    void (*turn_check)(void);
    bool (*killed)(void);
};
void preempt_register(const struct preempt_hooks *hooks);

/* Whoever comes from user mode, where interrupts are on, has it all before him. */
static inline void preempt_begin(void)
{
    __asm__ volatile("movl %0, %%gs:%c1"
                     :
                     : "i"(WINDOW_WORK), "i"(offsetof(struct cpu, work_left))
                     : "memory");
}

/* May somebody else have waited long enough, after n more instructions? */
#define PREEMPT_DUE(n) \
    ({ \
        bool due_; \
        __asm__ volatile("subl %1, %%gs:%c2" \
                         : "=@ccs"(due_) \
                         : "re"((uint32_t)(n)), "i"(offsetof(struct cpu, work_left)) \
                         : "memory"); \
        due_; \
    })

/* So many went by, where nobody may run now: soon somebody asks. */
static inline void preempt_tell(uint32_t n) { (void)PREEMPT_DUE(n); }

static inline void preempt_work(uint32_t n)
{
    LOCK_NO_SPIN("held where others may run");
    if (unlikely(PREEMPT_DUE(n)))
        CALL_KEEPING(preempt_point);
}

/* The same where the loop can end early.  True: it shall. */
static inline bool preempt_ends(uint32_t n)
{
    preempt_work(n);
    return preempt_killed();
}

#endif
