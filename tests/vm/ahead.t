#!/bin/bash
# Memory that is touched in a row comes in growing steps where there are no huge pages; memory that is not,
# page by page.  Where there are, 2 MiB come at the first touch.
# not on qemu: it takes a program along by --add
. tests/vm/lib.sh
need_kvm
ahead()                         # ahead MODE OPTION...: in a machine of which a part is free memory
{
    rm -rf "$work/trace"
    vm "${@:2}" -a "mm.thp=$1" -t "$work/trace" --audit=final --add "$O/tests/vm/ahead:/bin/ahead" -- ahead
    is "mm.thp=$1 $2$3: it ends well" "$status" 0
    like '... the tables in memory are those of the trace' "$err" 'audit: final: .* 0 violations'
    "$O/vmm-trace" lint "$work/trace" > "$work/lint" 2>&1
    is '... each page that comes answers a fault' $? 0 || explain "$(grep -A3 FAIL "$work/lint")"
}

ahead never -m 512M
is 'faults and pages, for each way' "$(sort <<< "$out")" 'advised 16 512
advised-against 512 512
here-and-there 64 64
in-a-row 21 512
one 1 1
small 256 256
some-in-a-row 7 64'
few=$out
ahead always -m 512M
is 'with huge pages: 2 MiB at once, but where advised against or where they do not fit' "$(sort <<< "$out")" \
    'advised 1 512
advised-against 512 512
here-and-there 1 512
in-a-row 1 512
one 1 512
small 256 256
some-in-a-row 1 512'
ahead madvise -m 512M
is 'only where they are asked for' "$out" "${few/advised 16 512/advised 1 512}"
ahead always -m 64M
is 'only where they are asked for, too, where memory is short' "$out" "${few/advised 16 512/advised 1 512}"
done_testing
