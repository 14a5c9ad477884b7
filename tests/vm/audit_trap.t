#!/bin/bash
# limit: 400
# --audit=trap sees each store to a page table: it names one that was made without its event, and one that was put
# right before anything looked, by entry, values and function; in what the kernel does it finds nothing, in either ring, on one CPU
# and on several; and programs see what it stored for the kernel.
. tests/vm/lib.sh
need_kvm
limit=120

vm -q -t "$work/first" --audit=trap -- true
if [ "$status" -eq 125 ]; then
    like 'where it cannot be one line says why' "$err" '^vmm: --audit=trap cannot be on this host: .+; use --audit=dirty$'
    is '... and no more' "$(wc -l <<< "$err")" 1
    echo "# the rest is skipped: ${err#vmm: }"
    done_testing
    exit
fi
is 'true: status' "$status" 0
clean='^audit: trap: [0-9]{3,} stores trapped, translations forgotten [0-9]+ times, 0 violations$'
like '... each store has its event' "$err" "$clean"
verdict='trap: [0-9]{3,} stores, 0 violations, and then 0 violations at the end$'
like '... info shows the verdict' "$("$O/vmm-trace" info "$work/first")" "^audit +$verdict"

busy='vforkdemo > /dev/null; forkdemo > /dev/null; spawnbench -n 1 -m 1 > /dev/null
      for i in 1 2 3 4; do ls / | sort | wc -l > /dev/null & done; wait; sleep 10 & kill $!; wait'
for ring in 0 3; do
    for cpus in 1 2; do
        name=$ring-$cpus
        vm -q --kernel-ring=$ring -c $cpus -t "$work/$name" --audit=trap --add "$O/tests/vm/prey:/prey" \
            -- sh -c "/prey; /prey shared; /prey huge; $busy"
        is "ring $ring, $cpus vCPUs: status" "$status" 0
        like '... each store has its event' "$err" "$clean"
        like '... and the comparison at the end finds nothing' "$err" '^audit: final: .* 0 violations$'
        like '... no program uses what was flushed' "$out" '^old translations used: 0 here(, 0 on another CPU)?$'
        "$O/vmm-trace" lint "$work/$name" > "$work/lint" 2>&1
        is '... lint' "$?" 0
    done
done

KERNEL=$O/guest-locks.elf
mutant()                        # mutant NAME AUDIT
{
    rm -rf "$work/trace"
    vm -q -a "debug.mutant=$1" -t "$work/trace" --audit="$2" -- sh -c 'forkdemo > /dev/null'
}
where='mm [0-9]+ table 0x[0-9a-f]+ \(PTE\) index [0-9]+ va 0x[0-9a-f]+'
storer='^audit:   by [a-z_]*write[a-z_]*\+0x[0-9a-f]+ \(guest/mm/pt\.c:[0-9]+\): mov qword ptr \[r[a-z0-9]+\], r[a-z0-9]+$'
mutant none trap
is 'no fault: status' "$status" 0
mutant wrong_and_back dirty
is 'an entry that is set wrong and put right: dirty does not see it' "$status" 0
mutant wrong_and_back trap
is '... trap does: status' "$status" 125
like '... the wrong store' "$err" "^audit: a store without its event: $where held P[^ ]* pfn=0x[0-9a-f]+, got P[^ ]*COW"
like '... the right one' "$err" "^audit: a store without its event: $where held P[^ ]*COW[^ ]* pfn=0x[0-9a-f]+, got P"
like '... who stored, and how' "$err" "$storer"
like '... and when' "$err" '^audit:   on vCPU 0, after event [0-9]+, [0-9.]+$'
like '... which the end does not show' "$err" '^audit: final: .* 0 violations$'
mutant wrong_for_a_moment dirty
is 'a wrong store, and the right one before the next event: dirty' "$status" 0
mutant wrong_for_a_moment trap
is '... trap: status' "$status" 125
like '... names it' "$err" "^audit: a store that differs from its event: $where expected P.* held P.* got P"
mutant store_unreported trap
is 'a store without its event: status' "$status" 125
like '... names it' "$err" "^audit: a store without its event: $where held P.*COW.* got P"
like '... and who' "$err" "$storer"
mutant report_not_stored trap
is 'an event without its store: status' "$status" 125
like '... names it' "$err" "^audit: an event without its store: $where expected P.* held P"
vm -q -t "$work/no" --audit=trap --trace-stop=event=exec -- true
like 'a part of a machine'"'"'s life is not for it' "$status $err" '^125 vmm: --audit=trap is about a whole trace; leave '
done_testing
