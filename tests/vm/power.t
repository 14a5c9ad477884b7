#!/bin/bash
# limit: 100
# poweroff and halt from a shell end the machine with 0, reboot with 123 (our vmm has a status for
# it; QEMU gives what the kernel says, 0); the end of PID 1 with its status; init runs in order; a kernel command line names another init.
. tests/vm/lib.sh

for how in 'poweroff -f' 'reboot -f' 'halt -f'; do
    vm -- sh -c "$how; sleep 10"
    want=0
    [ "$host/$how" = 'kvm/reboot -f' ] && want=123
    is "$how: status" "$status" $want
done
vm -a init=/bin/true
is 'init=/bin/true ends with 0' "$status" 0
vm -a 'init=/bin/sh -- -c "exit 5"'
is 'words after -- are arguments, quotes group' "$status" 5
if [ "$host" = kvm ]; then
    vm --add "$O/tests/abi/pthread_tls:/threads" -a init=/threads
    is 'a program with threads as PID 1' "$status" 0
fi
vm -a init=/nonexistent
is 'no such init' "$status" 127
like '... says so' "$out" 'init=/nonexistent: error 2'
vm -a init=/etc/passwd
is 'an init that is no program' "$status" 126
vm -- sh -c 'cat /proc/cmdline; cat /proc/1/comm; readlink /proc/1/exe'
like 'PID 1 is run' "$out" '^run$'
vm -- sh -c 'kill -TERM 1; kill -HUP 1; kill -KILL 1; sleep 1; echo still here'
like 'PID 1 is immune to what it does not handle' "$out" 'still here'
done_testing
