#!/bin/bash
# limit: 300
# not on nested, qemu: it runs QEMU itself, and looks at the host's own KVM
# No call, however large its arguments, keeps others waiting: in QEMU, by exact count, none executes
# more than 50,000 kernel instructions between two points at which interrupts come in; and on the host's KVM a
# sleep of 0.1 s beside such calls takes no longer than 0.3 s.  A fatal signal ends them.
. tests/vm/lib.sh
most=50000

mkdir -p "$work/root/bin"
cp "$O/tests/vm/long_calls" "$work/root/bin/"
"$O/mkroot" -o "$work/root.img" -l "$O/root.list" "$work/root"
limit=200 run_machine qemu-system-x86_64 "${qemu_options[@]}" -icount shift=0,sleep=off -seed 1 -m 512M \
    -kernel "$KERNEL" -initrd "$work/root.img" -append 'init=/bin/run -- /bin/long_calls count' \
    -plugin "$O/tests/vm/stretch.so,out=$work/stretches,limit=$most"
is 'all of them are made, on QEMU' "$status" 1
is 'and end well' "$(grep -a 'long_calls: \|: status' <<< "$out")" ''

"$O/tests/vm/long_calls" list | sort > "$work/names"
# What runs before the first call and between two of them has the number 0.
join "$work/names" <(sort "$work/stretches") | grep -v '^0 ' > "$work/found"
is 'each was seen' "$(wc -l < "$work/found")" "$(($(wc -l < "$work/names") - 1))"
too_long=$(while read -r _ name instructions where; do
    [ "$instructions" -le $most ] ||
        echo "$name: $instructions instructions in a row, in $(addr2line -fe "$KERNEL" "0x$where" | head -1)"
done < "$work/found")
is "none executes more than $most kernel instructions in a row" "$too_long" ''

if [ "$host" = kvm ]; then
    names='zero getrandom urandom read write populate mprotect fork path argv mappings_mprotect poll fallocate'
    slowest()                   # SLOWEST of column $1, with the name; a host that is busy gets three tries
    {
        sort -k "$1,$1n" <<< "$waited" | tail -1
    }
    for _ in 1 2 3; do
        limit=80 vm -m 128M --add "$O/tests/vm/long_calls:/bin/long_calls" -- long_calls wait $names
        waited=$(grep -aE '^[a-z_]+ [0-9]+ [0-9]+' <<< "$out")
        [ "$(slowest 2 | cut -d ' ' -f 2)" -le $((300 * slow)) ] && break
    done
    is 'all are made, on KVM' "$(cut -d ' ' -f 1 <<< "$waited" | sort | xargs)" "$(printf '%s\n' $names | sort | xargs)"
    is 'all are killed' "$(grep -c 'not killed' <<< "$waited")" 0
    ok "a sleep beside them: $(slowest 2)" [ "$(slowest 2 | cut -d ' ' -f 2)" -le $((300 * slow)) ]
fi
done_testing
