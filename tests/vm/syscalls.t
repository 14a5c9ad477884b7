#!/bin/bash
# One list of system calls: the page in docs/ says what is in it, print shows arguments by
# their kind, and the kernel names the calls that it lacks.
. tests/vm/lib.sh
need_kvm

cp docs/syscalls.md "$work/page"
gcc -E -dM -include asm/unistd_64.h shared/syscall_numbers.h | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\2 \1/p' |
    sort -n | awk -f docs/syscalls.awk - shared/syscalls.h > "$work/made"
is 'docs/syscalls.md is up to date: make docs' "$(diff "$work/page" "$work/made")" ''

vm -q -t "$work/trace" -a trace.syscalls=1 -- sh -c 'rmmod x 2> /dev/null
    cat /proc/forkscope/syscalls; echo end; kill -TERM $$'
like 'a call that is not here has its name' "$out" '^delete_module +0 +1$'
vm -- sh -c 'rmmod x; rmmod x; true' 2> /dev/null
is 'the end says what was asked for in vain' "$(grep -o 'in vain.*' <<< "$err")" 'in vain, and how often: delete_module (2)'
vm -q -- sh -c 'rmmod x'
is 'but not with -q' "$(grep -c 'in vain' <<< "$err")" 0
vm -- true
is 'nor where nothing was' "$(grep -c 'in vain' <<< "$err")" 0
"$O/vmm-trace" print --event syscall_enter "$work/trace" > "$work/print"
print=$(cut -d ' ' -f 2- "$work/print")
like 'a descriptor, addresses, bits' "$print" 'nr=openat(2)? .*a0=AT_FDCWD a1=0x[0-9a-f]+ a2=0x|nr=open a0=0x[0-9a-f]+ a1=0x'
like 'a descriptor and a length' "$print" 'nr=write a0=1 a1=0x[0-9a-f]+ a2=[0-9]+$'
like 'a process and a signal' "$print" 'nr=kill a0=[0-9]+ a1=SIGTERM$'
like 'no argument where there is none' "$print" 'nr=getpid$|nr=getuid$|nr=getppid$'
done_testing
