#!/bin/bash
# limit: 200
# What the newer calls on memory do to page tables is in the trace, entry by entry, on two CPUs: the
# tables in memory are those of the events, and lint finds nothing.
# not on qemu: it takes programs along by --add
. tests/vm/lib.sh
need_kvm

for name in mseal mremap_keep madvise_remove madvise_populate madvise_collapse; do
    make --no-print-directory -s O="$O" "$O/tests/abi/$name" || exit 1
    vm -c 2 -m 512M -t "$work/$name" --audit=final --add "$O/tests/abi/$name:/bin/$name" -- "$name"
    is "$name: status" "$status" 0
    like '... the tables in memory are those of the trace' "$err" 'audit: final: .* 0 violations'
    "$O/vmm-trace" lint "$work/$name" > "$work/lint" 2>&1
    is '... and lint finds nothing' $? 0 || explain "$(grep -A3 FAIL "$work/lint")"
done
done_testing
