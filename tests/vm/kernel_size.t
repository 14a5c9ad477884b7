#!/bin/bash
# The kernel without its root image is at most 640 KiB (what its loadable segments take in
# the file), is writable and executable nowhere at once, and carries the PVH note.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

read -r file memory < <(readelf -lW "$KERNEL" | perl -ne '
    /^\s*LOAD\s+\S+\s+\S+\s+\S+\s+(\S+)\s+(\S+)/ and ($file += hex $1, $memory += hex $2);
    END { print "$file $memory\n" }')
image=$(readelf -SW "$KERNEL" | perl -ne 'print hex $1 if /\.rootimg\s+\S+\s+\S+\s+\S+\s+(\S+)/')
ok "the root image is in it: $image bytes" [ "${image:-0}" -gt 1000000 ]
ok "without it $((file - image)) bytes" [ $((file - image)) -le 655360 ]
echo "# $((memory - image)) bytes in memory, with .bss"
is 'no segment is writable and executable' "$(readelf -lW "$KERNEL" | grep -c 'LOAD.*RWE')" 0
like 'the PVH note is there' "$(readelf -nW "$KERNEL")" 'Xen'
done_testing
