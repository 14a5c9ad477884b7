#!/bin/bash
# limit: 100
# Processes and threads that wait for ever, on two CPUs: the report at the time limit says for each task
# what it waits for, on whom and since when, and for each CPU what it does.
. tests/vm/lib.sh
need_kvm

vm -c 2 --timeout $((15 * slow)) --add "$O/tests/vm/hang:/bin/hang" -- hang
is 'the status of a time limit' "$status" 124
is 'all of them waited' "$out" 'all wait'
like 'a CPU in user mode, and who runs there' "$err" '^vCPU [01] at [0-9a-f]+, ring 3$'
like 'its task' "$err" '^ +task [0-9]+ t-spin, running'
like 'a CPU that is halted, by symbol' "$err" '^vCPU [01] at [0-9a-f]+ .*(idle|stub_halt).*, ring 0$'
like 'and has no task' "$err" '^ +no task, halted'
waits_in() { like "$1 waits: $2" "$err" "^ +[0-9]+ +[0-9]+ +[0-9]+ +$1 +$2"; }
since='for [0-9]+\.[0-9]+ s'
waits_in t-futex "blocked +futex $since, system call 202 futex$"
waits_in t-mutex "blocked +futex $since, system call 202 futex$"
waits_in t-join  "blocked +futex $since, system call 202 futex$"
waits_in t-read  "blocked +pipe_read $since, system call 0 read$"
waits_in t-spin  "running +on CPU [01] $since"
waits_in t-vfork "blocked +vfork on [0-9]+ vforked $since, system call 58 vfork$"
waits_in vforked "blocked +pause $since, system call 34 pause$"
waits_in p-write "blocked +pipe_write $since, system call 1 write$"
waits_in p-wait  "blocked +wait .*$since, system call 61 wait4$"
waits_in p-stop  "stopped +$since"
waits_in p-poll  "blocked +poll $since, system call 7 poll$"
waits_in p-fifo  "blocked +fifo_open $since, system call 2 open$"
waits_in p-sigwait "blocked +sigtimedwait $since, system call 128 rt_sigtimedwait$"
done_testing
