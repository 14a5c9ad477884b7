#!/bin/bash
# limit: 60
# kill -1 reaches all but PID 1 and the sender; orphans go to PID 1, which reaps them.
. tests/vm/lib.sh

vm -- sh -c 'sleep 100 & sleep 101 & trap : TERM; kill -TERM -1; wait; echo alive;
    sleep 1; ps | grep -c "[s]leep 10"'
like 'the sender goes on' "$out" alive
like 'the others are gone' "$out" '^0$'
vm -- sh -c '(sh -c "sleep 1" & ); (setsid sleep 1 &); sleep 2; grep -l "^State:.Z" /proc/[0-9]*/status;
    echo end'
is 'no zombies stay' "$out" end
done_testing
