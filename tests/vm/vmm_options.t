#!/bin/bash
# limit: 150
# Every option of the VMM that --help names does what it says there; this file must know
# them all.
. tests/vm/lib.sh
need_kvm

known='--add --append --audit --boot-report --cpus --dump-at --dump-tables --env --help --hostname --initrd --kernel-ring --memory --no-cache --no-seccomp --out --quiet
    --root --save --stats --timeout --trace --trace-contents --trace-mode --trace-size --trace-start --trace-stop --user --verbose --version --workdir'
named=$("$O/vmm" --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u)
is 'the options' "$(echo $named)" "$(echo $known)"

run_machine "$O/vmm" --version
like '--version' "$out" '^vmm \(Forkscope\) [0-9.]+'
run_machine "$O/vmm" --version -v
like '--version -v names the host' "$out" '^kvm: (vmx|svm|pvm)'

for option in --memory=96M '-m 98304K'; do
    vm $option -- sed -n '/MemTotal/p' /proc/meminfo
    total=$(tr -dc 0-9 <<< "$out")
    ok "$option: ${total:-no} kB" [ "${total:-0}" -gt 90000 -a "${total:-0}" -le 98304 ]
done
vm -v --cpus=2 -- true
is '--cpus, --verbose: status' "$status" 0
like '... two vCPUs' "$err" '2 vCPUs'
like '... and more words' "$err" 'power off, status 0'
vm -- true
is 'without --verbose there are none' "$err" ''
vm --append 'one=1 two=2' -- cat /proc/cmdline
like '--append' "$out" '^one=1 two=2 init=/bin/run -- cat /proc/cmdline'
vm --kernel-ring 3 -v -- sh -c 'exit 4'
is '--kernel-ring 3' "$status" 4
like '... which -v names' "$err" 'kernel in ring 3'
vm --kernel-ring=0 -v -- sh -c 'exit 4'
like '--kernel-ring 0' "$status $err" '^4 .*kernel in ring 0'
vm --kernel-ring=auto -- sh -c 'exit 5'
is '--kernel-ring auto' "$status" 5
vm --kernel-ring=1
is '--kernel-ring 1: status' "$status" 125
vm --no-seccomp -- sh -c 'exit 3'
is '--no-seccomp' "$status" 3
vm --stats -- true
like '--stats: exits' "$err" 'vCPU 0 +KVM_EXIT_IO +[0-9]+'
like '... and hypercalls' "$err" 'vCPU 0 +HC_EXIT +1$'
vm --quiet --timeout $((6 * slow)) -- sleep 500
is '--timeout: status' "$status" 124
like '... and what the tasks did' "$err" 'sleep +blocked +nanosleep'
vm -q -v -- true
is '--quiet after all' "$status" 0

# --audit checks a trace as it is recorded; without one there is nothing to check.
vm -t "$work/trace" --audit=final -- true
is '--trace, --audit: status' "$status" 0
ok '... a trace is there' [ -s "$work/trace/metadata" ]
vm -t "$work/trace" -- true
is '... not into another one: status' "$status" 125
vm --audit=never -- true
is '--audit of an unknown kind: status' "$status" 125
vm --boot-report=/nonexistent/report -- true
is '--boot-report that cannot be written: status' "$status" 125

# On a terminal.
console <<'SCRIPT'
expect # 
send \x01h
expect stop the VM
send cat > /tmp/a\n
sleep 500
send \x01\x01x\n\x04
send wc -c < /tmp/a; echo end$((1+1))\n
expect 3
expect end2
send \x01x
exits 130
restored
SCRIPT
ok 'Ctrl-A h, Ctrl-A Ctrl-A, Ctrl-A x' [ $? -eq 0 ]
done_testing
