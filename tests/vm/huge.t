#!/bin/bash
# limit: 200
# Huge pages come, are shared, split and go as the figures in /proc say; on two CPUs, with all that
# abi/huge_pages does to them, the trace is one that lint finds nothing in.
# not on qemu: it takes programs along by --add
. tests/vm/lib.sh
need_kvm

traced()                        # traced NAME COMMAND OPTION...
{
    vm "${@:3}" -m 512M -t "$work/$1" --audit=final -- "$2"
    is "$1: status" "$status" 0
    like '... the tables in memory are those of the trace' "$err" 'audit: final: .* 0 violations'
    "$O/vmm-trace" lint "$work/$1" > "$work/lint" 2>&1
    is '... and lint finds nothing' $? 0 || explain "$(grep -A3 FAIL "$work/lint")"
}

traced figures huge --add "$O/tests/vm/huge:/bin/huge"
is 'KiB in huge pages, of all and of the process' "$out" 'mapped 0 0
touched 8192 8192
child 8192 8192
child-wrote 8192 6144
child-unmapped 8192 0
parent 8192 8192
parent-wrote 8192 8192
protected 6144 6144
dropped 4096 4096
touched-again 6144 6144
unmapped 0 0
disabled 0 0'
make --no-print-directory -s O="$O" "$O/tests/abi/huge_pages" || exit 1
traced two-cpus huge_pages -c 2 --add "$O/tests/abi/huge_pages:/bin/huge_pages"
done_testing
