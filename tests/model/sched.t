#!/bin/bash
# Sleeping, waking, stealing and halting on two CPUs: no task is lost, no stack used twice.
# limit: 300
. tests/model/lib.sh
model=sched

holds 'two tasks that wake each other, one bound to a CPU' -DNO_SPIN -DROUNDS=2
holds 'a third that computes'

fails 'without the token a wake-up is lost' 'invalid end state' -DNO_SPIN -DNO_TOKEN
fails 'who looks at the token without the lock misses the wake' 'invalid end state' -DNO_SPIN -DSLEEP_UNLOCKED
fails 'who calls a CPU needs a barrier' 'invalid end state' -DNO_SPIN -DNOTIFY_WITHOUT_FENCE
fails 'who halts needs one, too' 'invalid end state' -DNO_SPIN -DHALT_WITHOUT_FENCE
fails '... and looks once more after it' 'invalid end state' -DNO_SPIN -DNO_LAST_LOOK
fails 'so does who goes back to user mode' 'invalid end state' -DTURN_WITHOUT_FENCE
fails 'a halted CPU has to be interrupted' 'invalid end state' -DNO_SPIN -DNO_IPI
fails 'without the timer a task computes for ever beside another' 'invalid end state' -DNO_TIMER
fails 'a task on its stack is not queued elsewhere' 'on_cpu|stack_used' -DPLACE_ANYWHERE
fails '... nor taken' 'stack_used' -DSTEAL_FROM_STACK
fails 'if it were, and who picks it waited, two CPUs would wait for each other' 'invalid end state' \
    -DWAIT_FOR_STACK
fails 'on_cpu is cleared on the next stack only' 'stack_used|on_cpu' -DFINISH_EARLY
done_testing
