#!/bin/bash
# limit: 150
# Each signal that would end vmm gives the terminal back as it was; SIGUSR1 harms no vCPU; the
# size of the terminal follows.
# not on qemu: it judges vmm
. tests/vm/lib.sh
need_kvm

for name in HUP INT QUIT TERM ALRM XCPU USR2 VTALRM PROF TRAP IO PWR ABRT RTMIN RTMAX; do
    number=$(kill -l $name)
    console <<SCRIPT
expect # 
signal $number
exits $((128 + number))
restored
SCRIPT
    ok "SIG$name: the terminal is as before" [ $? -eq 0 ]
done
unlike 'nobody calls a signal from outside a bug' "$err" 'bug in vmm'

# To the process and to the thread of its vCPU.
"$O/vmm" --timeout $((20 * slow)) "$KERNEL" -- sh -c 'for i in 1 2 3 4 5 6; do sleep 0.3; echo $i; done; exit 9' \
    < /dev/null > "$work/out" 2> "$work/err" &
until [ -s "$work/out" ] || ! kill -0 $! 2> /dev/null; do sleep 0.1; done
perl -e 'for (1 .. 5) { for (glob "/proc/$ARGV[0]/task/*") { m{(\d+)$}; syscall(234, $ARGV[0], $1, 10) }
    select undef, undef, undef, 0.05 }' $!      # tgkill, SIGUSR1
wait $!
is 'SIGUSR1 to each thread: the guest goes on' "$?" 9
is '... to its end' "$(tail -n 1 "$work/out" | tr -d '\r')" 6

console -q --timeout $((40 * slow)) <<'SCRIPT'
expect # 
send sh -c 'trap "echo W; stty size" WINCH; stty size; while :; do sleep 0.1; done'\n
expect 24 80
sleep 500
size 44 140
expect W
expect 44 140
size 10 20
expect W
expect 10 20
send \x01x
exits 130
restored
SCRIPT
ok 'the size follows, and the foreground group hears' [ $? -eq 0 ]
mkfifo "$work/never"
for what in "-i $work/never $KERNEL" "--boot-report $work/never $KERNEL"; do
    input=/dev/null run_machine "$O/vmm" --timeout 1 $what
    is "--timeout while vmm waits to open: $what" "$status" 124
done
done_testing
