#!/bin/bash
# limit: 120
# The VMM refuses with 125 and one line that helps; --timeout gives 124 and says what the
# tasks did; the guest's output is on stdout and the VMM's words on stderr.
. tests/vm/lib.sh
need_kvm

bad_kernel()
{
    KERNEL=$2 run_machine "$O/vmm" "$2"
    is "$1: status" "$status" 125
    is "$1: one line" "$(wc -l < "$work/err")" 1
    is "$1: nothing on stdout" "$out" ''
}

bad_kernel 'no such file' /nonexistent/kernel
bad_kernel 'a directory' /tmp
bad_kernel 'text' Makefile
bad_kernel 'ELF of another kind' "$O/vmm"
head -c 3000 "$O/guest.elf" > "$work/cut"
bad_kernel 'cut off' "$work/cut"
: > "$work/empty"
bad_kernel 'empty' "$work/empty"

# What it gets against what it says it needs.
refused()
{
    local pattern=$1
    shift
    run_machine "$O/vmm" "$@" "$KERNEL" -- true
    is "$*: status" "$status" 125
    is '... one line' "$(wc -l < "$work/err")" 1
    like '... that says the limit' "$err" "$pattern"
}
refused 'at least 6144K' -m 4M
refused 'at least 8160K' -m 8156K -c 64
refused 'from 4M to 1T' -m 2T
refused 'from 4M to 1T' -m 99999999999999999999G
refused 'at most; try -c 64' -c 65
head -c 300M /dev/zero > "$work/large"
refused 'at least 307M' --add "$work/large"
rm "$work/large"
vm -m 6M -- sh -c 'ls | wc -l'
is 'with the least that it names it runs' "$status" 0

run_machine "$O/vmm" --no-such-option "$KERNEL"
is 'bad option: status' "$status" 125
run_machine "$O/vmm" -m 12parsecs "$KERNEL"
is 'bad size: status' "$status" 125
run_machine "$O/vmm"
is 'no kernel: status' "$status" 125
run_machine "$O/vmm" --initrd /nonexistent "$KERNEL"
is 'no initrd: status' "$status" 125
run_machine "$O/vmm" --add /nonexistent "$KERNEL" -- true
is 'nothing to add: status' "$status" 125
run_machine "$O/vmm" --help
is 'help: status' "$status" 0
like 'help names the options' "$out" '--timeout'
run_machine "$O/vmm" --version
is 'version: status' "$status" 0

vm --timeout $((2 * slow)) -- sleep 60
is 'timeout: status' "$status" 124
like 'timeout: names the sleeping task' "$err" 'sleep'
vm -- sh -c 'echo to stdout; echo words >&2'
is 'console is stdout' "$out" "$(printf 'to stdout\nwords')"
is 'and stderr is silent' "$err" ''
done_testing
