#!/bin/bash
# limit: 100
# Programs that take over the terminal: vi edits and saves a file, top and less draw and
# leave, ps and stty know the console; line editing in the shell.
. tests/vm/lib.sh

last='exits 123'
[ "$host" = qemu ] && last='exits 1'
console <<SCRIPT
expect # 
send vi /tmp/letter\\n
sleep 1000
send iDear reader,\\nhello\\e
sleep 500
send :wq\\n
sleep 700
send clear; cat /tmp/letter; echo lines \$(wc -l < /tmp/letter)\\n
expect Dear reader,
expect lines 2
send top -b -n1 | head -4\\n
expect Mem:
expect CPU:
expect Load average:
send top\\n
expect PID
sleep 500
send q
sleep 300
send ps | grep -c 'sh\$'\\n
sleep 500
send seq 100 > /tmp/n; less /tmp/n\\n
sleep 700
send G
expect 100
send q
sleep 300
send stty | head -1\\n
expect baud
send echo abX\\x7fc\\n
expect abc
send echo one\\n
expect one
send \\e[A\\n
expect one
send reboot\\n
$last
restored
SCRIPT
result $? "programs on the terminal on $host" || explain
done_testing
