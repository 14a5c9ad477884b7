#!/bin/bash
# limit: 60
# A jump from user mode to the kernel's entry point for SYSCALL is no way into the kernel: where
# it is taken for a system call it gets no more than SYSCALL would, elsewhere it is a fault.
. tests/vm/lib.sh
need_kvm

entry=$(nm "$KERNEL" | sed -n 's/ T syscall_entry$//p')
vm --add "$O/tests/vm/jump:/jump" -- sh -c "/jump $entry; echo gave \$?; echo alive"
like 'the entry point is known' "$entry" '^ffffffff8'
like 'SIGSEGV' "$out" '^gave 139$'
like 'the machine goes on' "$out" '^alive$'
done_testing
