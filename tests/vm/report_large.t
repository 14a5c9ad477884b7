#!/bin/bash
# limit: 200
# vmm-trace report of a million events: 12 bytes an event, and the first picture within 2 s.
# not on nested, qemu: the page is the same wherever the trace is from
. tests/vm/lib.sh
need_kvm

limit=120
vm -q -c 2 -t "$work/trace" -- sh -c 'i=0; while [ $i -lt 4600 ]; do /bin/true; i=$((i+1)); done'
[ "$status" -eq 0 ] || { echo "Bail out! no trace: $err"; exit 1; }
"$O/vmm-trace" report "$work/trace" -o "$work/large.html" || { echo 'Bail out! no report'; exit 1; }
node tests/report/large.js "$work/large.html"
