#!/bin/bash
# limit: 400
# A trace of a part of a machine's life: from an event on, up to one, up to a size, or the last of it.
# Each begins with a checkpoint, from which the tables of memory follow exactly (the audit), in which
# lint finds nothing wrong, and which the other commands and babeltrace2 read.
. tests/vm/lib.sh
need_kvm
limit=120
killed=0

loop='i=0; while [ $i -lt N ]; do ls / > /dev/null; (echo a | cat > /dev/null); i=$((i + 1)); done'
busy=${loop/N/20}
long=${loop/N/200}
twice="vforkdemo > /dev/null; ($busy) & $busy; wait"

trace() { "$O/vmm-trace" "$@"; }
events() { trace info "$1" | sed -nE '1s/.*: ([0-9]+) events.*/\1/p'; }
count() { trace print "$@" | wc -l; }           # event lines after filters

reads()                         # reads DIR: every reader takes it
{
    is '... lint' "$(trace lint "$1" 2>&1 | grep -E 'FAIL|inconclusive')" ''
    is '... babeltrace2 reads as many events' "$(timeout $((60 * slow)) babeltrace2 "$1" 2>&1 | wc -l)" "$(events "$1")"
    local bad=
    for command in summary tree blocked at print info; do
        trace $command "$1" > "$work/read" 2>&1 || bad="$bad $command"
    done
    trace report "$1" -o "$work/report.html" > /dev/null 2>&1 || bad="$bad report"
    is '... so do the commands' "$bad" ''
    is '... a task is one task in the exports' "$(trace export --dot "$1" | grep -c 'label=.* entries')" "$(($(trace tree "$1" | wc -l) - 1))"
}

# From an event on.
for when in '3 #3000' '3 call=vfork' '3 event=page_fault:40' '3 0.15' '0 #300'; do
    what=$twice name=start-$when
    [ "${when% *}" = 3 ] || what='sleep 0.1 & ls / | cat'          # slow, where the host interprets it
    vm -q -c 2 --kernel-ring="${when% *}" -t "$work/$name" --trace-start="${when#* }" --audit=final -- sh -c "$what"
    is "ring ${when% *}, from ${when#* } on: status" "$status" 0
    like '... memory is what follows from it' "$err" '^audit: final: .* 0 violations$'
    like '... it begins with a checkpoint' "$(trace print --head 1 "$work/$name")" 'checkpoint'
    reads "$work/$name"
done
vm -q -t "$work/late" --trace-start=call=vfork:2 -- vforkdemo
like 'the start is the first event that is kept' \
    "$(trace print "$work/late" | sed -n '/checkpoint begin=0/{n;p}')" 'syscall_enter nr=vfork'
vm -q -t "$work/wait" --trace-start='event=clone:2' -- sh -c 'sleep 0.1; ls > /dev/null; :'
like 'who waits at the start is there' "$(trace blocked "$work/wait")" 'run\[1\].* wait '
like '... with what it runs' "$(trace tree "$work/wait")" 'sh'

# Up to an event.
vm -q -t "$work/stop" --trace-stop='event=exec:3' -- sh -c "$busy; echo end"
is 'up to an event: the machine goes on' "$status $out" '0 end'
is '... the event is the last one' "$(trace print "$work/stop" | tail -n 1 | grep -c ' exec ')" 1
is '... and the third' "$(count --event exec "$work/stop")" 3
reads "$work/stop"
vm -q -c 2 -t "$work/both" --trace-start=pid=9 --trace-stop=pid=9 -- sh -c "$twice"
is 'the life of a task: status' "$status" 0
is '... it ends with that' "$(trace print "$work/both" | tail -n 1 | grep -cE 'task_state .*(task=9|9\]?).*dead')" 1
reads "$work/both"
vm -t "$work/never" --trace-start='#100000000' -- true
is 'a start that never comes: status' "$status" 0
like '... is told' "$err" '^vmm: trace: --trace-start has never come; the trace is empty$'
is '... and nothing is there' "$(stat -c %s "$work/never/cpu0")" 0

# Up to a size.
vm -t "$work/size" --trace-size=2M -- sh -c "$long; echo end"
is 'up to a size: the machine goes on' "$status $out" '0 end'
like '... and it is told' "$err" '^vmm: trace: --trace-size was reached'
ok '... no larger' [ "$(du -sk --apparent-size "$work/size" | cut -f1)" -le 2100 ]
ok '... and not much smaller' [ "$(du -sk "$work/size" | cut -f1)" -ge 1400 ]
reads "$work/size"

# The last of it.
for cpus in 1 3; do
    vm -q -c $cpus -t "$work/ring$cpus" --trace-size=$((cpus + 1))M --trace-mode=ring --audit=final -- \
        sh -c "($long) & $long; wait"
    is "a ring, $cpus vCPUs: status" "$status" 0
    like '... memory is what follows from it' "$err" '^audit: final: .* 0 violations$'
    ok '... no larger than asked for' [ "$(du -sk "$work/ring$cpus" | cut -f1)" -le $(((cpus + 1) * 1024 + 64)) ]
    like '... the end of the machine is there' "$(trace print --event exit "$work/ring$cpus" | tail -n 1)" 'exit '
    like '... nothing is lost' "$(trace info "$work/ring$cpus" | head -n 1)" 'lost 0$'
    reads "$work/ring$cpus"
done
vm -q -c 2 -t "$work/dirty" --trace-size=3M --trace-mode=ring --audit=dirty -- sh -c "$long"
is 'a ring that is audited as it runs: status' "$status" 0

# An audit of what is recorded only in part: where that stops, memory is what all events until then lead to.
audited()                       # audited WHAT MARKS OPTION...
{
    local what=$1 mode=$2
    shift 2
    vm -q -c 2 -t "$work/audited" --audit=$mode "$@" -- sh -c "($busy) & $long; echo end"
    is "$mode, $what: the machine goes on" "$status $out" '0 end'
    like '... memory is compared where recording stops' "$err" \
        '^audit: stop: [0-9]+ live tables compared with memory where recording stopped, 0 violations$'
    like '... the events that were recorded fit together' "$err" "^audit: recorded: $(events "$work/audited") events, 0 violations\$"
    unlike '... and nothing after it' "$err" 'compared with memory, 0 violations'
    like '... the verdict says where' "$(trace info "$work/audited")" "^audit +$mode: .*0 violations at the stop\$"
    rm -r "$work/audited"
}
audited 'up to an event' final --trace-stop=event=exec:9
audited 'up to an event' dirty --trace-stop=event=exec:9
audited 'up to a size' final --trace-size=3M
audited 'a part' final --trace-start=event=exec:3 --trace-stop=event=exec:30
vm -q -t "$work/last" --audit=final --trace-stop=event=exec:2 -- true
like 'a stop among the last events' "$err" '^audit: stop: .* 0 violations$'
vm -q -t "$work/not" --audit=final --trace-stop=event=exec:1000 -- true
like 'a stop that never comes: the audit is that of the end' "$err" '^audit: final: .* 0 violations$'
is '... and no other' "$(wc -l <<< "$err")" 1
(
    KERNEL=$O/guest-locks.elf
    vm -q -a debug.mutant=store_unreported -t "$work/mutant" --audit=final --trace-stop=event=exec:6 -- \
        sh -c "forkdemo > /dev/null; $busy"
    echo "$status"; echo "$err"
) > "$work/mutant.said"
like 'a fault of the kernel is found there' "$(cat "$work/mutant.said")" '^audit: stop: .* [1-9][0-9]* violations$'
is '... and is the status' "$(head -n 1 "$work/mutant.said")" 125

# A vmm that is killed.
for options in --trace-start=#3000 '--trace-size=3M --trace-mode=ring'; do
    dir=$work/killed$((++killed))
    "$O/vmm" -q -c 2 -t "$dir" $options "$KERNEL" -- sh -c "sleep 99 & $long; sleep 99" > /dev/null 2>&1 < /dev/null &
    vmm=$!
    for ((i = 0; i < 300 * slow; i++)); do      # until it keeps enough
        [ "$(stat -c %s "$dir/cpu0" 2> /dev/null || echo 0)" -gt 2000000 ] && break
        sleep 0.1
    done
    kill -9 $vmm
    wait $vmm 2> /dev/null
    trace recover "$dir" > "$work/recovered" 2>&1
    is "$options, killed: it is recovered" "$?" 0
    reads "$dir"
done

# Bad words: a line, and 125.
refused()                       # refused WHAT-TO-FIND OPTION...
{
    local want=$1
    shift
    vm "$@" -- true
    is "$*: status" "$status" 125
    is '... one line' "$(wc -l <<< "$err")" 1
    like '... that says why' "$err" "$want"
}
for when in '' '#0' event=nothing; do          # tests/unit/test_trigger.c has more
    refused '^vmm: --trace-start=.*WHEN is a time' -t "$work/no" --trace-start="$when"
done
refused '^vmm: --trace-stop=.*WHEN is' -t "$work/no" --trace-stop=no
refused 'is not a size' -t "$work/no" --trace-size=much
refused 'is not a size' -t "$work/no" --trace-size=0
refused 'at least 5M with 4 vCPUs' -c 4 -t "$work/no" --trace-size=4M
refused "modes 'full' and 'ring'" -t "$work/no" --trace-mode=sync
refused 'add it' -t "$work/no" --trace-mode=ring
refused 'add --trace DIR' --trace-start=1
refused 'add --trace DIR' --trace-mode=ring --trace-size=9M
done_testing
