#!/bin/bash
# limit: 120
# What the linker and the kernel can do against a broken VMM is in force: in the ELF files, and in
# the process while a machine runs.
# not on nested, qemu: it looks at our vmm on the host
. tests/vm/lib.sh

# --- the files -----------------------------------------------------------------
for program in vmm vmm-trace mkroot mkfilter; do
    file=$O/$program
    elf=$(readelf -hldSW "$file" 2>/dev/null)
    symbols=$(nm "$file" 2>/dev/null | sed 's/@.*//')
    like "$program: at any address" "$elf" 'FLAGS_1.*PIE'
    like '... relocations are read-only after the start' "$elf" '^ *GNU_RELRO '
    like '... all of them' "$elf" 'BIND_NOW'
    like '... no executable stack' "$elf" '^ *GNU_STACK .* RW +0x'
    unlike '... nothing is writable and executable' "$elf" '^ *(LOAD|GNU_STACK) .* RWE '
    unlike '... no relocations in code' "$elf" 'TEXTREL'
    unlike '... no library path' "$elf" 'R(UN)?PATH'
    like '... stack protector' "$symbols" ' __stack_chk_fail$'
    like '... fortified calls' "$symbols" ' __(f?printf|v?snprintf|memcpy|read)_chk$'
done
is 'vmm needs no library' "$(readelf -dW "$O/vmm" | grep -c NEEDED)" 0
relocated=$(readelf -rW "$O/vmm" | grep -cE '^[0-9a-f]{16}')
ok "vmm relocates little at each start ($relocated words)" [ "$relocated" -gt 1000 -a "$relocated" -lt 8000 ]

# The libraries are not built for it, so the programs do not have the property, but our code does.
if readelf -h "$O/host/vmm/main.o" > /dev/null && gcc -fcf-protection=full -x c -c /dev/null -o /dev/null 2> /dev/null; then
    without=$(for object in $(find "$O/host" -name '*.o'); do
        readelf -nW "$object" | grep -q 'IBT, SHSTK' || echo "$object"
    done)
    is 'our objects are marked for CET' "$without" ''
fi

# --- the process ---------------------------------------------------------------
[ "$host" = kvm ] || { done_testing; exit; }

# Starts a machine with a descriptor that is not for it, and waits until it runs.
mkfifo "$work/says"
exec 7< /etc/hostname
"$O/vmm" -c 2 --timeout $((50 * slow)) "$KERNEL" -- sh -c 'echo runs; sleep 1000' > "$work/says" < /dev/null 2> /dev/null &
vmm=$!
exec 8< "$work/says"
read -r -u 8 line
is 'the machine runs' "${line%$'\r'}" runs

for task in /proc/$vmm/task/*; do
    name=$(< "$task/comm")
    state=$(cat "$task/status")
    like "thread '$name': a filter is on" "$state" '^Seccomp:	2$'
    like '... no new privileges' "$state" '^NoNewPrivs:	1$'
    like '... no capabilities' "$(grep -E '^Cap(Inh|Prm|Eff|Amb)' <<< "$state" | tr -d '\n')" '^(Cap...:	0+){4}$'
done
limits=$(< /proc/$vmm/limits)
like 'no core' "$limits" '^Max core file size +0 +0 '
limit=$(awk '/^Max open files/ { print $4 }' <<< "$limits")
is 'no further descriptor: all below the limit are open' \
    "$(ls /proc/$vmm/fd | awk -v limit="$limit" '$1 < limit' | wc -l)" "$limit"
files=$(ls -l /proc/$vmm/fd)
unlike 'none is inherited' "$files" '/etc/hostname'
unlike '/dev/kvm is closed' "$files" '/dev/kvm'
map=$(head -n 1 /proc/$vmm/maps)
unlike 'at an address that is chosen at the start' "$map" '^0*400000-'
unlike 'no memory is writable and executable' "$(cat /proc/$vmm/maps)" '^[^ ]+ .wx'
kill $vmm
wait $vmm
done_testing
