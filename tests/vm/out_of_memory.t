#!/bin/bash
# limit: 240
# Memory that is not there is an error or the end of one process, never of the machine.
. tests/vm/lib.sh

vm -m 24M -- sh -c 'a=x; while :; do a=$a$a; done; echo not reached'
ok 'a shell that eats memory ends' [ "$status" -ne 0 -a "$status" -lt 255 -a "$status" -ne 124 ]
vm -m 24M -- sh -c 'sh -c "a=x; while :; do a=\$a\$a; done" 2> /dev/null; echo eater gave $?;
    ls / > /dev/null && echo alive'
like 'the others go on' "$out" alive
unlike 'it did not end well' "$out" 'eater gave 0'
limit=150
vm -m 64M -- sh -c 'i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; ps -o comm | grep -c sleep;
    kill $(jobs -p) 2> /dev/null; wait; echo alive'
is '200 processes at a time' "$out" "$(printf '200\nalive')"
done_testing
