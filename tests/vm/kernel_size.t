#!/bin/bash
# The kernel without its root image is at most 256 KB, is writable and executable nowhere
# at once, and carries the PVH note.
. tests/vm/lib.sh

total=$(readelf -lW "$KERNEL" | perl -ne '$n += hex $1 if /^\s*LOAD\s+\S+\s+\S+\s+\S+\s+\S+\s+(\S+)/;
    END { print $n }')
image=$(readelf -SW "$KERNEL" | perl -ne 'print hex $1 if /\.rootimg\s+\S+\s+\S+\s+\S+\s+(\S+)/')
ok "the root image is in it: $image bytes" [ "${image:-0}" -gt 1000000 ]
ok "without it $((total - image)) bytes" [ $((total - image)) -le 262144 ]
is 'no segment is writable and executable' "$(readelf -lW "$KERNEL" | grep -c 'LOAD.*RWE')" 0
like 'the PVH note is there' "$(readelf -nW "$KERNEL")" 'Xen'
done_testing
