#!/bin/bash
# Memory that is touched in a row comes in growing steps; memory that is not, page by page.
# not on qemu: it takes a program along by --add
. tests/vm/lib.sh
need_kvm
vm -t "$work/trace" --audit=final --add "$O/tests/vm/ahead:/bin/ahead" -- ahead
is 'it ends well' "$status" 0
is 'faults and pages, for each way' "$(sort <<< "$out")" 'advised 16 512
advised-against 512 512
here-and-there 64 64
in-a-row 21 512
one 1 1
small 256 256
some-in-a-row 7 64'
like 'the tables in memory are those of the trace' "$err" 'audit: final: .* 0 violations'
"$O/vmm-trace" lint "$work/trace" > "$work/lint" 2>&1
is 'each page that comes answers a fault' $? 0 || explain "$(grep -A3 FAIL "$work/lint")"
done_testing
