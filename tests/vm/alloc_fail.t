#!/bin/bash
# limit: 300
# Whichever allocation fails: the call gives ENOMEM or EAGAIN, or does without; nothing is half
# done, and nothing is lost.  On the kernel that can be told to fail one.
# not on nested, qemu: it runs on QEMU anyway
. tests/vm/lib.sh
KERNEL=$O/guest-locks.elf
limit=240

add_to_root "$O/tests/vm/alloc_fail"
vm_qemu -- /alloc_fail       # where ring 0 is fast, as all of it is checked there
is 'it ends well' "$status" 0
unlike 'no call fails otherwise, or loses something' "$out" 'FAIL'
ok 'fork was made to fail' grep -qE '^fork: [1-9][0-9]+ allocations, [1-9][0-9]+ times' <<< "$out"
ok 'exec was made to fail' grep -qE '^exec: [1-9][0-9]+ allocations, [1-9][0-9]+ times' <<< "$out"
like 'all operations were tried' "$out" '^all is well$'
echo "# $(grep -c allocations <<< "$out") operations, $(sed -n 's/.*: \([0-9]*\) allocations.*/\1/p' <<< "$out" | awk "{ n += \$1 } END { print n }") failures"
done_testing
