#!/bin/bash
# limit: 200
# The status of the command is the machine's: exit codes, 128+N for signals, 126 and
# 127 for what cannot be run.
. tests/vm/lib.sh

# QEMU's own status has 8 bits, of which isa-debug-exit takes one.
ends_with()
{
    local want=$2
    [ "$host" = qemu ] && want=$((want % 128))
    is "$1 on $host" "$status" "$want"
}

vm -- sh -c 'exit 7'
is "exit 7 on $host" "$status" 7
vm -- true
is "true on $host" "$status" 0
vm -- sh -c 'kill -9 $$'
ends_with 'killed by signal 9' 137
vm -- sh -c 'kill -TERM $$'
ends_with 'killed by SIGTERM' 143
vm -- nonexistent-command
is "not found on $host" "$status" 127
like "not found is said on $host" "$out$err" 'nonexistent-command'
vm -- /etc/passwd
is "not executable on $host" "$status" 126
vm -- sh -c 'sleep 100 & exit 3'
is "what still runs ends with the command on $host" "$status" 3
vm -- echo one two
is "output on $host" "$out" 'one two'
done_testing
