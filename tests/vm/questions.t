#!/bin/bash
# limit: 200
# The questions put to the trace of a real run: what is shown is what the programs did.
. tests/vm/lib.sh
need_kvm

ask()                           # ask COMMAND [OPTION...]: into $out
{
    "$O/vmm-trace" "$@" > "$work/answer" 2> "$work/answer.err"
    status=$?
    out=$(cat "$work/answer") err=$(cat "$work/answer.err")
}

trace=$work/trace
vm -q -t "$trace" --audit=final -- sh -c \
    'vforkdemo > /dev/null; (sleep 0.2; echo hi) | cat > /dev/null; sleep 9 & sleep 0.2; poweroff -f'
is 'status, the audit'"'"'s included' "$status" 0

ask blocked "$trace"
is 'blocked' "$status" 0
like 'a parent waits for its vfork child, which execs' "$out" \
    ' vforkdemo\[[0-9]+\] +[0-9]+ vfork +vfork +vforkdemo\[([0-9]+)\] +exec: [a-z]+\[\1\] in call [0-9]+ execve$'
like 'and for one that exits' "$out" \
    ' vforkdemo\[[0-9]+\] +[0-9]+ vfork +vfork +vforkdemo\[([0-9]+)\] +exit: vforkdemo\[\1\] in call [0-9]+ exit_group$'
like 'the shell waits for any of two, and one ends' "$out" \
    ' sh\[[0-9]+\] .* wait +any of [a-z]+\[[0-9]+\], [a-z]+\[[0-9]+\] +end of (sleep|cat|sh)\[[0-9]+\] in call [0-9]+ exit_group$'
like 'who waits for a pipe is woken by who writes' "$out" ' pipe_read +- +[a-z]+\[[0-9]+\]'
like 'one sleeps when the machine stops' "$out" ' nanosleep +- +still blocked when the machine stopped$'
like 'and init waits for its children' "$out" \
    ' run\[1\] .* wait +any of .*still blocked when the machine stopped$'
is 'nobody else' "$(grep -c 'still blocked' <<< "$out")" "$("$O/vmm-trace" blocked --json "$trace" |
    perl -MJSON::PP -0777 -ne 'print scalar grep { !$_->{ended} } @{decode_json($_)->{waits}}')"

# vforkdemo's second child executes sleep: the call that released its parent.
exec_call=$(sed -nE 's/.* vforkdemo\[[0-9]+\] .*: exec: .* in call ([0-9]+) execve$/\1/p; s/.* exec: sleep\[[0-9]+\] in call ([0-9]+) execve$/\1/p' <<< "$out" | head -n 1)
ask call "$trace" "$exec_call"
like "call $exec_call" "$out" "^call $exec_call: execve\(0x.*\) = 0$"
like 'it made tables and wrote no entry of its parent' "$out" '^tables  [1-9][0-9]* made, 0 freed'
pid=$(sed -nE 's/^by .*\[([0-9]+)\], .*/\1/p' <<< "$out")
"$O/vmm-trace" print --pid "$pid" "$trace" > "$work/print"
"$O/vmm-trace" call --json "$trace" "$exec_call" > "$work/call.json"
is 'as many entries as rows and sums say' "$(perl -MJSON::PP -0777 -ne '
    $c = decode_json($_); $n += $_->{changed} for @{$c->{entries}}; print $n' "$work/call.json")" \
    "$(perl -MJSON::PP -0777 -MList::Util=sum -ne 'print sum values %{decode_json($_)->{writes}}' "$work/call.json")"

ask who-wrote "$trace" 0x400000 --pid "$pid"
like 'who wrote the first page of a program that is gone: its exit' "$out" 'call [0-9]+ exit_group +[0-9]+ PTE +exit_teardown '
ask who-wrote --all "$trace" 0x400000 --pid "$pid"
like 'and before, a page fault' "$out" 'fault #[0-9]+ +[0-9]+ PTE +demand_file '

ask at --pid "$pid" "$trace"
is 'at: who is gone has no address space' "$status" 2
exit_call=$("$O/vmm-trace" blocked --json "$trace" | perl -MJSON::PP -0777 -ne '
    print map { $_->{by_call} } (grep { ($_->{on_pid} // 0) == '"$pid"' && $_->{reason} eq "wait" } @{decode_json($_)->{waits}})[0]')
last=$("$O/vmm-trace" call --json "$trace" "$exit_call" | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{from_event}')
ask at --pid "$pid" "$trace" "#$last"
like 'before its exit it had code' "$out" '^ +0x400000-|^ +0x401000-.* r-x user'
like 'and a stack' "$out" '^ *0x7[0-9a-f]{11}-.* rw- user'
begin=$("$O/vmm-trace" call --json "$trace" "$exec_call" | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{to_event}')
ask diff --pid "$pid" --at "#$begin" --at "#$last" "$trace"
like 'diff: it touched pages since its exec' "$out" '^ +0x.* - +r-x user'
ask diff --pid "$pid" --pid "$pid" --at "#$last" "$trace"
like 'and nothing differs from itself' "$out" '^0 entries differ$'
ask diff "$trace" "$trace"
unlike 'a trace does not differ from itself' "$out" ' [+-][0-9]+$'

ask tree "$trace"
like 'tree: an applet of BusyBox is named by its arguments' "$out" '^ +sh > sleep 9\[[0-9]+\] +fork .* still there$'

ask summary --json "$trace"
is 'summary in JSON: every write in calls, faults and apart is in the sum' "$(perl -MJSON::PP -0777 -ne '
    $s = decode_json($_);
    for my $r (@{$s->{calls}}) { $in += $_ for map { values %$_ } values %{$r->{writes}} }
    $all += $_ for values %{$s->{all}{user}}, values %{$s->{all}{kernel}};
    print $in > 0.95 * $all && $in <= $all ? "yes" : "no: $in of $all"' <<< "$out")" yes

# A machine that runs: live comes to its end with it.
timeout -k 5 $((60 * slow)) "$O/vmm" -q -t "$work/running" "$KERNEL" -- sh -c 'sleep 9 & for i in 1 2 3 4 5 6 7 8; do ls > /dev/null; sleep 0.2; done
    poweroff -f' > /dev/null 2>&1 &
machine=$!
for ((i = 0; i < 100 * slow; i++)); do [ -s "$work/running/cpu0" ] && break; sleep 0.1; done
ask live --delay 200ms --times 100 "$work/running"
is 'live' "$status" 0
like 'live: it runs' "$out" ': running, '
like 'live: and has stopped' "$out" ': has stopped, '
like 'live: who waits, and how long' "$out" '^sleep\[[0-9]+\] .* nanosleep for [0-9.]+m?s$'
wait "$machine"
is 'the machine was not disturbed' "$?" 0
done_testing
