#!/bin/bash
# limit: 200
# What the kernel keeps for the next task, stacks above all, has a bound, and is given back when memory is
# short: on one CPU, and on several, where each mapping of the kernel that goes is flushed from all of them.
# not on qemu: it takes a program along by --add
. tests/vm/lib.sh
need_kvm

mostly_free() { [ "$(sed -n 's/^\([0-9]*\) kB of .* free$/\1/p' <<< "$out")" -ge 27000 ]; }

for cpus in 1 4; do
    limit=90 vm -c $cpus -m 32M --add "$O/tests/vm/caches:/bin/caches" -- caches
    is "$cpus CPUs: it ends well" "$status" 0
    is "$cpus CPUs: all is given back" "$(grep -v 'kB free$\|^out of memory' <<< "$out")" ''
    ok "$cpus CPUs: most memory is free: $(tail -1 <<< "$out")" mostly_free
done
limit=120 vm -c 2 -m 32M -t "$work/trace" --audit=final --add "$O/tests/vm/caches:/bin/caches" -- caches
like 'traced: the tables in memory are those of the trace' "$err" 'audit: final: .* 0 violations'
"$O/vmm-trace" lint "$work/trace" > "$work/lint" 2>&1
is 'traced: no frame is used again before the flush' $? 0 || explain "$(head -n 20 "$work/lint")"
done_testing
