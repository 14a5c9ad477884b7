#!/bin/bash
# limit: 240
# Everything also compiles with clang, under the same warnings.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

make --no-print-directory -s CC=clang O="$work/clang" all > "$work/log" 2>&1
result $? 'make CC=clang' || tail -n 20 "$work/log" | sed 's/^/#   /'
done_testing
