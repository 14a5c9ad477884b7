#!/bin/bash
# limit: 240
# Calls with whatever, by several threads and processes at a time, harm nobody but who made them
# (tests/fuzz/calls.c): on the kernel that checks its locks and its memory; and under our vmm, whose
# audit compares all tables with memory, and whose trace the lint reads.  SEED=N gives
# another seed, FUZZ_SECONDS how long.
# not on nested, qemu: it runs on QEMU anyway, and for our vmm there is /dev/kvm
. tests/vm/lib.sh
seconds=${FUZZ_SECONDS:-10} seed=${SEED:-1}
limit=$((seconds * 2 + 60))
calls=$O/tests/fuzz/calls
last() { tail -n 40 <<< "$out" | cut -c1-150 | sed 's/^/#   /'; }

KERNEL=$O/guest-locks.elf
add_to_root "$calls"
for cpus in 1 4; do
    vm_qemu -c $cpus -- /calls -s "$seed" -t $((seconds / 2))
    like "$cpus CPUs, seed $seed, on the kernel that checks" "$out" 'rounds, [0-9]+ calls, all is well$' || last
    echo "# $(tail -n 1 <<< "$out")"
done
if [ "$host" = kvm ]; then
    KERNEL=$O/guest.elf
    vm -q -c 2 -t "$work/trace" --audit=final --add "$calls:/calls" -- /calls -s "$seed" -t $((seconds / 2))
    like "under our vmm, seed $seed" "$out" 'rounds, [0-9]+ calls, all is well$' || last
    echo "# $(tail -n 1 <<< "$out")"
    like 'the audit finds nothing' "$err" ', 0 violations$'
    lint=$("$O/vmm-trace" lint "$work/trace" 2>&1)
    is 'the lint finds nothing' "$? $(grep -cE 'FAIL|inconclusive' <<< "$lint")" '0 0' || sed 's/^/#   /' <<< "$lint"
fi
done_testing
