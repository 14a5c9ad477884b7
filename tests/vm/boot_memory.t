#!/bin/bash
# limit: 200
# The kernel boots with 8 MB, 64 MB and 4 GB, sees that memory, and can use it.
. tests/vm/lib.sh

for size in 8M 64M 300M; do
    vm -m $size -- sh -c 'grep MemTotal /proc/meminfo; echo alive'
    is "$size: status" "$status" 0
    like "$size: runs" "$out" alive
    total=$(sed -n 's/MemTotal: *\([0-9]*\) kB/\1/p' <<< "$out")
    ok "$size: MemTotal ${total:-none} kB is near" \
        [ "${total:-0}" -gt $((${size%M} * 1024 / 2)) -a "${total:-0}" -le $((${size%M} * 1024)) ]
done
vm -m 4G -- sh -c 'free -m | sed -n 2p; dd if=/dev/zero of=/tmp/big bs=1M count=8 2> /dev/null;
    ls -l /tmp/big | tr -s " " | cut -d " " -f 5; md5sum /tmp/big'
is '4G: status' "$status" 0
like '4G: free shows it' "$out" 'Mem: +(3[5-9]|4[01])[0-9][0-9] '
like '4G: 8 MB in /tmp' "$out" '^8388608$'
like '4G: they are zeros' "$out" "^$(head -c 8388608 /dev/zero | md5sum | cut -d' ' -f1) "
vm -m 8M -- sh -c 'dd if=/dev/zero of=/tmp/big bs=64k count=1000; echo dd gave $?; rm /tmp/big; echo alive'
like '8M: a full /tmp is an error' "$out" 'dd gave 1'
like '8M: and the machine goes on' "$out" alive
vm -- sh -c 'df / | tail -n 1'
like 'df / names the root file system and its room' "$out" '^tmpfs +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+% /'
done_testing
