#!/bin/bash
# The VMM with guests of a few instructions: status, hypercall checks, XSAVE in
# ring 0, a second CPU, lossless input, reports.
. tests/vm/lib.sh
need_kvm

guest()                         # guest NAME: builds $work/NAME
{
    nasm -f elf64 -g -F dwarf "tests/vm/guests/$1.asm" -Itests/vm/guests/ -o "$work/$1.o" &&
        ld -z noexecstack -Ttext-segment=0x100000 -e start "$work/$1.o" -o "$work/$1"
}

run()                           # run NAME [OPTION...]: sets $status, $out, $err
{
    guest "$1" || { status=build; return; }
    local name=$1
    shift
    timeout $((20 * slow)) "$O/vmm" "$@" "$work/$name" "${command[@]}" < "${input:-/dev/null}" \
        > "$work/out" 2> "$work/err"
    status=$?
    out=$(cat "$work/out") err=$(cat "$work/err")
}
command=()
cpus=64 lines=20000
[ "$slow" -gt 1 ] && cpus=8 lines=3000     # an emulated processor takes minutes for that

run exit7;                      is 'the status of HC_EXIT' "$status" 7
run exit7 -m 5G;                is '... with RAM above 4 GiB' "$status" 7
run exit7 -c 64;                is '... with 64 vCPUs' "$status" 7
run badcalls;                   is 'bad hypercalls are refused, one by one' "$status" 0
run smp -c 2;                   is 'INIT and SIPI start the second vCPU' "$status" 42
run xsave
[ "$status" = 99 ] || is 'XSAVE, XSAVEOPT, XRSTOR, XGETBV in ring 0' "$status" 0

command=(-- sh -c 'a "b" \c' '')
run cmdline -a 'x="1 2"' -i "$O/vmm" --add /bin/ls:/x
is 'command line and modules' "$out" 'x="1 2" init=/bin/run -- sh -c "a \"b\" \\c" ""
root
add'
command=()

seq 1 "$lines" > "$work/numbers"
input=$work/numbers run echo
is 'a long input arrives whole, then Control-D' "$status$(cmp "$work/numbers" "$work/out")" 0
printf 'no newline' > "$work/short"
input=$work/short run echo
is '... also without a final newline' "$status$out" '0no newline'
unset input

run triple;                     is 'a triple fault: status' "$status" 255
like '... reason' "$err" 'triple fault'
if [[ $err = *"reset the registers"* ]]; then
    is '... on AMD, KVM has reset the registers' "$(grep -c "rip 000000000000fff0" <<< "$err")" 1
else
    like '... symbol' "$err" 'vCPU 0 at .* bad_place\+0x0'
    like '... code' "$err" '-> .* 0f 0b .* ud2'
fi
run records --timeout "$slow"
is 'task records without number: status' "$status" 124
like '... the report says how many' "$err" 'and 73216 more'
ok '... and is short' [ "$(wc -c < "$work/err")" -lt 80000 ]
run panic;                      is 'a panic: status' "$status" 255
like '... its message, made printable' "$err" 'kernel panic: all is lost\?\[2J'
run hang --timeout "$slow" -c 2;    is 'time limit: status' "$status" 124
like '... where' "$err" 'vCPU 0 at .* start'
like '... a vCPU that nobody started' "$err" 'vCPU 1 was never started'
run spin --timeout $((2 * slow)) -c $cpus;  is "$cpus vCPUs that loop with interrupts off: status" "$status" 124
like '... the first' "$err" '^vCPU 0 at .* stuck'
is '... and where all others are' "$(grep -cE '^vCPU [0-9]+ at 000000000000800[0-2], ring 0$' <<< "$err")" $((cpus - 1))
is '... with interrupts off' "$(grep -c 'no task, running, interrupts off' <<< "$err")" $cpus
done_testing
