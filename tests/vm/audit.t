#!/bin/bash
# limit: 300
# The audit that looks during the run finds nothing in what the kernel does, with the kernel in
# either ring, on one CPU and on several; its verdict stays in the trace.
. tests/vm/lib.sh
need_kvm
limit=120

busy='vforkdemo > /dev/null; forkdemo > /dev/null
      for i in 1 2 3 4; do ls / | sort | wc -l > /dev/null & done; wait; sleep 10 & kill $!; wait'
for ring in 0 3; do
    for cpus in 1 4; do
        name=$ring-$cpus
        vm -q --kernel-ring=$ring -c $cpus -t "$work/$name" --audit=dirty -- sh -c "$busy"
        is "ring $ring, $cpus vCPUs: status" "$status" 0
        like '... it looked at many moments' "$err" '^audit: dirty: [0-9]{3,} marks, [0-9]{3,} tables compared, 0 violations$'
        like '... and at the end' "$err" '^audit: final: [0-9]+ live tables compared with memory, 0 violations$'
        "$O/vmm-trace" lint "$work/$name" > "$work/lint" 2>&1
        is '... lint' "$?" 0
    done
done
verdict='dirty: [0-9]{3,} marks, 0 violations, and then 0 violations at the end$'
like 'info shows the verdict' "$("$O/vmm-trace" info "$work/3-4")" "^audit +$verdict"
like '... and so does summary' "$("$O/vmm-trace" summary "$work/3-4")" "^audit: $verdict"
timeout $((60 * slow)) babeltrace2 "$work/3-4" > "$work/bt" 2> "$work/bt.err"
is 'babeltrace2 has nothing against it' "$?$(cat "$work/bt.err")" 0
vm -q -t "$work/plain" -- true
like 'without an audit info says so' "$("$O/vmm-trace" info "$work/plain")" '^audit +none was asked for'
done_testing
