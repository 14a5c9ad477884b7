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
    ' sh\[[0-9]+\] .* wait +any of [a-z]+\[[0-9]+\], [a-z]+\[[0-9]+\] +end of [a-z]+\[[0-9]+\] in call [0-9]+ exit_group$'
like 'who waits for a pipe is woken by who writes' "$out" ' pipe_read +- +[a-z]+\[[0-9]+\]'
like 'one sleeps when the machine stops' "$out" ' nanosleep +- +still blocked when the machine stopped$'
like 'and init waits for its children' "$out" \
    ' run\[1\] .* wait +any of .*still blocked when the machine stopped$'
is 'nobody else' "$(grep -c 'still blocked' <<< "$out")" "$("$O/vmm-trace" blocked --json "$trace" |
    perl -MJSON::PP -0777 -ne 'print scalar grep { !$_->{ended} } @{decode_json($_)->{waits}}')"
done_testing
