#!/bin/bash
# Flushes on several CPUs: no stale translation is used, no freed table walked, nobody waits for ever.
# limit: 300
. tests/model/lib.sh
model=tlb

holds 'two CPUs, two things each' -DOPS=2
holds 'three CPUs, one address space that ends' -DNC=3 -DOPS=0

fails 'who changes an entry needs a barrier before the mask' 'assertion violated' -DOPS=2 -DNO_FENCE
fails 'the bit is set before CR3 is written' 'assertion violated' -DOPS=2 -DBIT_AFTER_CR3
fails '... and cleared after it' 'cr3|assertion' -DOPS=2 -DCLEAR_FIRST
fails 'ACTIVE comes before the bit' 'dead' -DOPS=3 -DACTIVE_LAST
fails 'LAZY becomes STALE in one step' 'dead' -DOPS=2 -DSTALE_IN_TWO_STEPS
fails 'who was STALE flushes' 'dead' -DOPS=2 -DWAKE_WITHOUT_FLUSH
fails 'freed tables concern lazy CPUs, too' 'assertion violated' -DOPS=2 -DSKIP_FOR_TABLES
fails 'so does a freed root' 'cr3|cpus_active' -DOPS=2 -DNO_LEAVE
fails 'the answer comes after the flush' 'assertion violated' -DOPS=2 -DANSWER_FIRST
fails 'the inbox is emptied before it is served' 'invalid end state' -DOPS=2 -DINBOX_CLEARED_LATE
fails 'user mode and HLT have to be interrupted' 'invalid end state' -DOPS=2 -DNO_IPI
fails 'who spins for a lock must answer' 'invalid end state' -DOPS=2 -DDEAF_SPINNER
fails 'who waits for answers, too' 'invalid end state' -DOPS=2 -DDEAF_REQUESTER
done_testing
