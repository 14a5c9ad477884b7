#!/bin/bash
# limit: 130
# Job control on the console: Ctrl-C ends a foreground command, Ctrl-Z stops it, fg and
# bg go on, background jobs are reported; the terminal is as before at the end.
. tests/vm/lib.sh

last='exits 0'
[ "$host" = qemu ] && last='exits 1'
console <<SCRIPT
within 20
expect # 
send echo ready\$((40+2))\\n
expect ready42
send sleep 100\\n
sleep 700
send \\x03
send echo int \$?\\n
expect int 130
send sleep 100\\n
sleep 700
send \\x1a
expect Stopped
send jobs\\n
expect Stopped
expect sleep 100
send bg\\n
expect sleep 100
send jobs\\n
expect Running
send fg\\n
sleep 700
send \\x03
send echo again \$?\\n
expect again 130
send sleep 1 & wait; echo w\$((1+1))ited\\n
expect w2ited
send cat > /tmp/typed\\n
sleep 300
send some text\\n
sleep 200
send \\x04
send cat /tmp/typed; echo end\$((2+3))\\n
expect some text
expect end5
send sleep 100 | cat\\n
sleep 700
send \\x03
send echo pipe\$((6+1))\\n
expect pipe7
send trap 'echo got int' INT; sleep 1; trap - INT\\n
sleep 300
send \\x03
expect got int
send cd /tmp && pwd && tty\\n
expect /tmp
send poweroff\\n
$last
restored
SCRIPT
result $? "job control on $host" || explain
done_testing
