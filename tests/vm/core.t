#!/bin/bash
# limit: 120
# A core file of the guest is one that tools read: it goes out by the console, and readelf, which
# knows nothing of us, lists its notes and segments.  core_pattern names it; and where there is
# no room for all of it, it is short, and nothing else happens.
. tests/vm/lib.sh

vm -- sh -c 'ulimit -c unlimited; mkdir /tmp/d; cd /tmp/d; sleep 1000 & kill -SEGV $!; wait $!; echo "status $?"
    ls; echo BEGIN; gzip -c core | base64; echo END'
like 'it is said to be there, and is' "$(tr '\n' ' ' <<< "$out")" 'status 139 core BEGIN'
sed -n '/^BEGIN/,/^END/{//!p}' <<< "$out" | base64 -d | gzip -dc > "$work/core"
notes=$(readelf -nW "$work/core" 2> "$work/complaints")
is 'its notes, in this order' "$(grep -oE 'NT_[A-Z0-9_]+' <<< "$notes" | grep -v XSTATE | tr '\n' ' ')" \
    'NT_PRSTATUS NT_PRPSINFO NT_SIGINFO NT_AUXV NT_FILE NT_FPREGSET '
ok 'the program is named' grep -qa '/bin/busybox' "$work/core"
segments=$(readelf -hlW "$work/core" 2>> "$work/complaints")
like 'a core file' "$segments" 'CORE \(Core file\)'
ok 'segments of memory' [ "$(grep -c '^ *LOAD.*0x1000$' <<< "$segments")" -ge 4 ]
is 'readelf has no complaint' "$(grep -v '32-bit build' "$work/complaints")" ''

vm -- sh -c 'ulimit -c unlimited; cd /tmp; hostname a/b; p=/proc/sys/kernel/core_pattern; die() { sh -c "kill -ABRT \$\$"; ls; rm -f *; }
    cat $p; echo "c.%e.%s.%u.%g.%h.%%.%q" > $p; cat $p; die
    echo "%f.%E.%C" > $p; die
    echo x > $p; echo 1 > /proc/sys/kernel/core_uses_pid; die | sed "s/[0-9][0-9]*/PID/"
    echo x%p > $p; die | sed "s/[0-9][0-9]*/PID/"
    echo 0 > /proc/sys/kernel/core_uses_pid; mkdir sub; echo /tmp/sub/y > $p; cd /; sh -c "kill -ABRT \$\$"; ls /tmp/sub
    echo "|/bin/cat" > $p; echo "pipe $?"; cat $p' 2> /dev/null
is 'core_pattern says how it is called' "$(grep -v -e Aborted -e 'write error' <<< "$out")" \
    "$(printf '%s\n' core 'c.%e.%s.%u.%g.%h.%%.%q' 'c.sh.6.0.0.a!b.%.' 'busybox.!bin!busybox.0' x.PID xPID y 'pipe 1' /tmp/sub/y)"

vm -m 64M -- sh -c 'ulimit -c unlimited; mkdir /tmp/d; mount -t tmpfs -o size=64k none /tmp/d; cd /tmp/d
    sh -c "kill -ABRT \$\$"; echo "status $?"; stat -c "%b blocks" core; df -k /tmp/d | tail -1; rm core; echo alive'
like 'no room: a short file' "$(tr '\n' ' ' <<< "$out")" 'status 134 .*\b128 blocks.* alive'
done_testing
