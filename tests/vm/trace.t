#!/bin/bash
# limit: 400
# A trace is complete and readable: babeltrace2 takes it without a word, vmm-trace sums it
# up, the audit finds the replayed tables equal to memory, vfork wrote no table entry, fork did.
. tests/vm/lib.sh
need_kvm

traced()                        # traced NAME COMMAND...
{
    local name=$1
    shift
    vm -q -t "$work/$name" --audit=final -- "$@"
    is "$name: status, the audit's included" "$status" 0
    timeout $((60 * slow)) babeltrace2 "$work/$name" > "$work/bt" 2> "$work/bt.err"
    is "$name: babeltrace2's status" $? 0
    is "$name: and its stderr" "$(cat "$work/bt.err")" ''
    ok "$name: it saw events" [ "$(wc -l < "$work/bt")" -gt 100 ]
    "$O/vmm-trace" summary "$work/$name" > "$work/sum" 2> "$work/sum.err"
    is "$name: vmm-trace summary" $? 0
    summary=$(cat "$work/sum")
    out=$summary
}

started=$(date +%s)
traced hello echo hello
stamp=$(timeout $((60 * slow)) babeltrace2 --clock-seconds "$work/hello" | sed -n '1s/^\[\([0-9]*\).*/\1/p')
late=$((${stamp:-0} - started))
ok "the trace's clock is the wall clock: first event $late s after the start" \
    [ "$late" -ge -1 -a "$late" -le 5 ]
"$O/vmm-trace" info "$work/hello" > "$work/info"
is 'vmm-trace info' $? 0
"$O/vmm-trace" print "$work/hello" > "$work/print"
is 'vmm-trace print' $? 0
is 'as many events as babeltrace2 sees' "$(wc -l < "$work/print")" "$(wc -l < "$work/bt")"
"$O/vmm-trace" print --json "$work/hello" | perl -MJSON::PP -ne 'decode_json($_); END { print "$.\n" }' \
    > "$work/json" 2> "$work/json.err"
# A few ticks are within one nanosecond, so what is the same time is the same text.
"$O/vmm-trace" print --wall "$work/hello" | awk '{ print $2, $3 }' > "$work/times"
timeout $((60 * slow)) babeltrace2 --clock-seconds "$work/hello" |
    sed -E 's/^\[([0-9.]+)\].*\{ cpu_id = ([0-9]+) \}.*/\1 cpu\2/' > "$work/bt.times"
is 'print --wall has the times that babeltrace2 --clock-seconds has' "$(diff "$work/times" "$work/bt.times" | head -n 4)" ''
ok 'no line is longer than two screens are wide' [ "$(awk '{ if (length > m) m = length } END { print m }' "$work/print")" -lt 500 ]
"$O/vmm-trace" print --json "$work/hello" | perl -ne '
    my %seen; s/"(?:[^"\\]|\\.)*"(?!:)/0/g; $seen{$1}++ and print "$1\n" while /"(\w+)":/g' | sort -u > "$work/twice"
is 'no key of --json is there twice' "$(cat "$work/twice")" ''
is 'every line of --json is JSON' "$(cat "$work/json")" "$(wc -l < "$work/print")"

limit=90
traced bench spawnbench -n 5 -m 1,4 fork vfork
like 'summary: vfork' "$summary" '^ *vfork '
like 'summary: fork' "$summary" '^ *fork '
vforks=$("$O/vmm-trace" print "$work/bench" | grep -c 'vfork_release')
ok "vfork releases: $vforks, 24 of the benchmark's and 1 of run's" [ "$vforks" -eq 25 ]

traced script sh -c 'for i in 1 2 3; do ls / | wc -l; done; (sleep 0.1) & wait; cat /etc/passwd | sort'
traced kill sh -c 'sleep 10 & sleep 0.2; kill $!; wait; vforkdemo > /dev/null; forkdemo > /dev/null'
tree=$("$O/vmm-trace" tree "$work/kill")
like 'tree: who was killed, and by what' "$tree" '^ +.*\[[0-9]+\] +fork .*killed by signal 15$'
like "tree: vforkdemo's child, which wrote no entry" "$tree" '^ +vforkdemo\[[0-9]+\] +vfork +0 .*exit 0$'
done_testing
