#!/bin/bash
# limit: 60
# overcommit_memory 0, 1 and 2 decide what may be promised, overcommit_ratio and overcommit_kbytes how much; meminfo tells.
. tests/vm/lib.sh

vm -m 256M -- sh -c '
cd /proc/sys/vm
want() { dd if=/dev/zero of=/dev/null bs=$1 count=0 2> /dev/null && echo "$(cat overcommit_memory): $1 granted" || echo "$(cat overcommit_memory): $1 refused"; }
row() { grep "^$1:" /proc/meminfo | tr -dc 0-9; }
want 160M; want 300M
echo 1 > overcommit_memory; want 300M
echo 2 > overcommit_memory; want 100M; want 160M; want 300M
[ $(row CommitLimit) -le $(($(row MemTotal) / 2)) ] && echo half
[ $(row Committed_AS) -gt 100 ] && [ $(row Committed_AS) -lt 20000 ] && echo some
dd if=/dev/zero of=/tmp/f bs=1M count=40 2> /dev/null; [ $(row Committed_AS) -gt 40000 ] && echo files count
want 100M; rm /tmp/f; want 100M
echo 80 > overcommit_ratio; want 160M
echo 50000 > overcommit_kbytes; cat overcommit_ratio; [ $(row CommitLimit) = 50000 ] && echo as said; want 100M
echo 50 > overcommit_ratio; cat overcommit_kbytes; want 100M
echo 3 > overcommit_memory || echo no 3
echo 0 > overcommit_memory; want 160M'
is 'what is promised' "$(echo "$out" | tr -d '\r' | grep -v '^sh: write')" '0: 160M granted
0: 300M refused
1: 300M granted
2: 100M granted
2: 160M refused
2: 300M refused
half
some
files count
2: 100M refused
2: 100M granted
2: 160M granted
0
as said
2: 100M refused
0
2: 100M granted
no 3
0: 160M granted'
done_testing
