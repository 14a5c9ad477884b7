#!/bin/bash
# limit: 120
# The kernel that checks its locks runs, and counts what it checked.
. tests/vm/lib.sh
KERNEL=$O/guest-locks.elf

vm -- sh -c 'for i in 1 2 3; do ls / | cat > /dev/null; done; cat /proc/lock_stat'
is 'it ends well' "$status" 0
like 'spinlocks were taken' "$out" '^tree +[1-9]'
like 'mutexes were taken' "$out" '^mm +[1-9]'
ok 'every class of the list is counted' [ "$(grep -cE '^[a-z_]+ +[0-9]+ +[0-9]+' <<< "$out")" -eq \
    "$(grep -c '^    X(' guest/sync/lock_classes.h)" ]
done_testing
