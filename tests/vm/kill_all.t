#!/bin/bash
# limit: 100
# kill -1 reaches all but PID 1 and the sender; orphans go to PID 1, which reaps them.
. tests/vm/lib.sh

vm -- sh -c 'sleep 100 & sleep 101 & trap : TERM; sleep 0.3; ps -o comm | grep -c sleep;
    kill -TERM -1; wait; echo alive; ps -o comm | grep -c sleep'
is 'the sender goes on, the others are gone' "$out" "$(printf '2\nalive\n0')"
vm -- sh -c '(sh -c "sleep 1" & ); (setsid sleep 1 &); sleep 2; grep -l "^State:.Z" /proc/[0-9]*/status;
    echo end'
is 'no zombies stay' "$out" end
done_testing
