#!/bin/bash
# limit: 200
# not on nested, qemu: it runs on QEMU anyway
# Flushes are done, and not only reported: on QEMU, whose CPUs keep what they were not told to forget, a
# program finds no old translation after mprotect() and munmap(); and it does where flushes are left out.
HOST=qemu
. tests/vm/lib.sh
KERNEL=$O/guest-locks.elf
add_to_root "$O/tests/vm/prey"

vm -- /prey
is 'one CPU: status' "$status" 0
is '... no old translation is used' "$out" 'old translations used: 0 here'
vm -c 2 -- /prey
is 'two CPUs: status' "$status" 0
is '... nor on another CPU' "$out" 'old translations used: 0 here, 0 on another CPU'
vm -a debug.mutant=flush_not_done -- /prey
like 'without flushes old ones are used' "$out" 'old translations used: [1-9][0-9]* here'
vm -c 2 -a debug.mutant=flush_not_done -- /prey
ok 'and with two CPUs, if the program comes to its end' \
    [ "$status" -ne 0 -o "$out" != 'old translations used: 0 here, 0 on another CPU' ]
done_testing
