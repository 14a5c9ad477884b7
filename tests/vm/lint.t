#!/bin/bash
# limit: 240
# vmm-trace lint finds nothing in what the kernel does, on one CPU and on several, also where
# a machine was stopped in the middle or its vmm killed; and says so in its status.
. tests/vm/lib.sh
need_kvm

lint()                          # lint NAME: sets $status and $out
{
    out=$("$O/vmm-trace" lint "$work/$1" 2>&1)
    status=$?
}

busy='for i in 1 2 3; do (while :; do (ls / | wc -l > /dev/null); done) & done; wait'
limit=90
for cpus in 1 2 4; do
    vm -q -c $cpus -t "$work/$cpus" --audit=final -- sh -c 'vforkdemo > /dev/null; forkdemo > /dev/null
        for i in 1 2 3; do ls / | wc -l & done; wait; sleep 10 & kill $!; wait'
    like "-c $cpus: the audit" "$err" ', 0 violations$'
    lint $cpus
    is "-c $cpus: lint" "$status" 0 && unlike '... no check fails or is open' "$out" 'FAIL|inconclusive'
done
vm -q -c 4 -t "$work/stopped" --audit=final --timeout $((3 + slow)) -- sh -c "$busy"
is 'a time limit under load on 4 CPUs' "$status" 124
like '... the audit' "$err" ', 0 violations$'
lint stopped
is '... lint' "$status" 0

"$O/vmm" -q -c 2 -t "$work/killed" "$KERNEL" -- sh -c "$busy" < /dev/null > "$work/out" 2>&1 &
sleep $((3 + slow))
out=$("$O/vmm-trace" recover "$work/killed" 2>&1)
is 'recover refuses while vmm records' "$?" 2
like '... and says why' "$out" 'is being recorded'
{ kill -9 $!; wait $!; } 2> "$work/err"
for command in summary tree print info; do
    "$O/vmm-trace" $command "$work/killed" > "$work/$command" 2> "$work/err"
    is "a killed vmm: $command" "$?" 0
    like '... says so' "$(cat "$work/err")" 'cpu0: vmm was killed; its last packet was read'
done
seen=$(wc -l < "$work/print")
lint killed
is 'a killed vmm leaves open packets: lint says so' "$status" 1
like '... in T2' "$out" '^T2 +FAIL'
"$O/vmm-trace" recover "$work/killed" > "$work/out"
is '... recover keeps what was read' "$("$O/vmm-trace" print "$work/killed" | wc -l)" "$seen"
like '... which is much' "$seen" '^[0-9]{4,}$'
lint killed
is '... and nothing is wrong when they are closed' "$status" 0
verdicts=$("$O/vmm-trace" lint --json "$work/killed" |
    perl -MJSON::PP -e 'local $/; print scalar grep { $_->{verdict} eq "pass" } @{decode_json(<>)->{checks}}')
is '... --json' "$verdicts" "$(grep -c ' pass ' <<< "$out")"
done_testing
