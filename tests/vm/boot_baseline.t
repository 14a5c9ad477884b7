#!/bin/bash
# limit: 120
# not on nested, qemu: it looks at QEMU and at the host's own KVM
# A boot costs no more instructions, exits, hypercalls, page-table writes, faults and bytes than
# tests/boot/baseline.json says.  `make bench-boot` shows the figures; a change that has to
# cost more declares it with `make bench-boot-accept` in the same commit.
. tests/vm/lib.sh

make --no-print-directory -s O="$O" "$O/tests/boot/count.so" || exit 1
run_machine tests/boot/bench-boot --build "$O" --json "$work/boot.json" --tap "$work/boot.tap"
if grep -q 'the baseline was made with' "$work/boot.json"; then
    skip_all "$(grep -o 'the baseline was made with [^"]*' "$work/boot.json" | head -1): not comparable"
fi
if [ "$status" -gt 1 ]; then
    ok 'the boot is measured' false
    done_testing
else
    cat "$work/boot.tap"
fi
