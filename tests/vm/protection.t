#!/bin/bash
# limit: 200
# A program gets at nothing of the kernel's, in whichever ring that runs: no byte can be read,
# written or executed, not right after a call either; no instruction of ring 0 works; interrupts stay on; and
# the ways between kernel and stub are no way for a program.
# not on nested: it is a matter of pvm and of the kernel in ring 3; entry_jump and abi/signal_protection go there
. tests/vm/lib.sh
need_kvm

# Beginning and end of the image, all that is in the stub, the ways in and out, tables, stacks,
# direct map; linked in the upper half, and 2^47 below.
linked=$(nm "$KERNEL" | sed -nE 's/^(f+8[0-9a-f]+) . (kernel_start|text_end|rodata_end|idt3|syscall3|stub_[a-z0-9_]+|entry3_[a-z]+|return3|syscall_entry|trap_stubs|cpus|boot_pml4)$/\1/p')
gate=$(objdump -d "$KERNEL" --no-show-raw-insn | sed -nE 's/^(f+8[0-9a-f]+):\s+int3 *$/\1/p' | head -n 4)
addresses=$(for at in $linked $gate; do echo "$at"; echo "7fff${at#ffffffff}"; done
    echo ffffffff80010000 ffffffff80010200 ffffff8000000000 ffffff8000100000 ffffffffc0001000 \
        7f8000000000 7f8000100000 7fffc0001000 7fffc0004ff8 7f7ffffff000)
ok 'the addresses are known' [ "$(wc -w <<< "$addresses")" -gt 40 ]
syscall3=$(nm "$KERNEL" | sed -n 's/ T syscall3$//p')
entry=$(nm "$KERNEL" | sed -n 's/ T syscall_entry$//p')

for ring in 0 3; do
    limit=90 vm --kernel-ring=$ring --add "$O/tests/vm/attack:/attack" -- /attack $addresses
    is "ring $ring: the machine goes on" "$(tail -n 1 <<< "$out")" alive
    tries=$(grep -E '^(read|write|jump|stack) ' <<< "$out")
    ok "ring $ring: memory was tried, $(wc -l <<< "$tries") times" [ "$(wc -l <<< "$tries")" -gt 150 ]
    # A program may use what is its own: its stack is there in ring 0 mode, and INT3 on it is one.
    is "ring $ring: no byte of the kernel's" "$(grep -vE ': signal (11|5)$' <<< "$tries")" ''
    is "ring $ring: INT3 is a program's own, whatever its registers" \
        "$(grep -E '^(call|leave|stack|popf|iret) ' <<< "$out" | grep -vE ': signal (5|11)$')" ''
    is "ring $ring: instructions of ring 0" \
        "$(grep -E '^[a-z_0-9]+ 0: ' <<< "$out" | grep -vE '^leave|: signal (11|4)$')" ''
    is "ring $ring: the clock ends a program without IF" "$(grep '^spin ' <<< "$out" | grep -v ': signal 14$')" ''
    like "ring $ring: GS base is only the program's" "$out" '^kept gs '
    unlike "ring $ring: nothing was got" "$out" '^(got|stored|came back|done|IOPL)'
done
done_testing
