#!/bin/bash
# docs/reading.md leads through files that exist, and leaves none of the heart's rooms' out by accident.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

# `guest/mm/pt.h`, `pt.c`: a name without a directory is in that of the one before it.
named=$(grep '^| `' docs/reading.md | cut -d'|' -f2 | grep -oE '[A-Za-z_/]+\.(c|h|asm|ld)' |
    awk -F/ '{ if (NF > 1) { dir = $0; sub("[^/]*$", "", dir); print } else print dir $0 }')
missing=$(while read -r file; do [ -e "$file" ] || echo "$file"; done <<< "$named")
is 'every file that is named is there' "$missing" ''

# Of these rooms everything is either on the way or one of these, which can be read later.
later='mm/(access|bulk|fill|heap|heap_cpu|kstack|ldt|limits|mark|memcheck|mutant|populate|reach|refs|vdso|vma_file)\.[ch]|sched/(load|namespace|policy|timer|times)\.[ch]'
later="$later|sync/lock_check\.c|trace/boot_stage\.[ch]|entry/(acpi|smp|tsc_compare|asm_offsets)\.[ch]|entry/(debug|ring3)\.asm"
left=$(ls guest/{sync,trace,mm,sched,entry}/*.{c,h,asm} 2> /dev/null | grep -vE "$later" | grep -vxFf <(echo "$named"))
is 'nothing of the heart is left out' "$left" ''
lines=$(cat $named | wc -l)
ok "the heart has at most 12,200 lines ($lines)" [ "$lines" -le 12200 ]
done_testing
