#!/bin/bash
# limit: 120
# Memory that is not there is an error or the end of one process, never of the machine.
. tests/vm/lib.sh

vm -m 32M -- sh -c 'a=x; while :; do a=$a$a; done; echo not reached'
ok 'a shell that eats memory ends' [ "$status" -ne 0 -a "$status" -lt 255 -a "$status" -ne 124 ]
vm -m 32M -- sh -c 'sh -c "a=x; while :; do a=\$a\$a; done" 2> /dev/null; echo eater gave $?;
    ls / > /dev/null && echo alive'
like 'the others go on' "$out" alive
unlike 'it did not end well' "$out" 'eater gave 0'
vm -m 32M -- sh -c 'i=0; while [ $i -lt 400 ]; do sleep 100 & i=$((i+1)); done; echo started;
    kill $(jobs -p) 2> /dev/null; wait; echo alive'
like 'hundreds of processes' "$out" alive
done_testing
