#!/bin/bash
# When the clock of the wall is set, timers for a moment on it follow, others stay, and
# a timerfd that asks for it is told.
# not on nested: the same kernel, and no property of the host
. tests/vm/lib.sh

add_to_root "$O/tests/vm/clock_set"
vm_qemu -- /clock_set
is 'on QEMU' "$(tail -n 1 <<< "$out")" 'all is well' || sed 's/^/#   /' <<< "$out"
done_testing
