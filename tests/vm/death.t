#!/bin/bash
# limit: 120
# A machine that dies says why, with status 255: reason, symbol and source line, code, tasks,
# last events.  One that hangs says at its time limit, status 124, what each task waits for.
. tests/vm/lib.sh
need_kvm

# The kernel with checks can be told to do something that it finds (guest/mm/memcheck.c).
KERNEL=$O/guest-locks.elf vm -t "$work/trace" -a 'memcheck=twice'
is 'a double free: the kernel gives up' "$status" 255
like 'and says so' "$err" 'kernel panic: heap: freed twice: the object at'
like 'where, by symbol and line' "$err" ' (panic|ring3_hypercall)\+0x[0-9a-f]+ \(guest/arch/(machine\.c|hypercall\.h|ring3\.c):[0-9]+\), ring [03]$'
like 'its code' "$err" '^  -> (f{8}|00007fff)[0-9a-f]{8}  '
like 'callers' "$err" '\[rsp\+.* kmain\+.* \(guest/main\.c:[0-9]+\)$'
like 'the page walk of rip' "$err" '^ +PTE .* present '
like 'tasks' "$err" '^ +PID +TGID +PPID +NAME +STATE$'
like 'the last events' "$err" 'cpu0 pid 0 .* boot_stage stage=root_mounted '
ok 'in lines that can be read' [ "$(wc -L <<< "$err")" -lt 240 ]
is 'the trace can be read' "$(babeltrace2 "$work/trace" 2>&1 > /dev/null)" ''

vm --timeout $((8 * slow)) -- sh -c 'mkfifo /tmp/f; cat /tmp/f & sleep 100 & kill -STOP $!; vforkdemo > /dev/null; sleep 200 | cat'
is 'the status of a time limit' "$status" 124
like 'whom a parent waits for' "$err" '^ +2 +2 +1 +sh +blocked +wait .*, system call 61 wait4$'
like 'a reader of a FIFO without writers' "$err" ' cat +blocked +fifo_open for [0-9.]+ s, '
like 'a stopped task' "$err" ' stopped '
like 'a sleeper' "$err" ' sleep +blocked +nanosleep for [0-9.]+ s, '
like 'a reader of a pipe' "$err" ' cat +blocked +pipe_read for [0-9.]+ s, system call 0 read$'
done_testing
