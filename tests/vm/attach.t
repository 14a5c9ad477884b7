#!/bin/bash
# limit: 120
# Who attaches to a task may wait for it though it is no child of its, from before its first stop on, and hears
# of its end before its parent does: the trace says so, and lint finds nothing wrong.
. tests/vm/lib.sh
need_kvm

for cpus in 1 2; do
    for how in attach seize; do
        rm -rf "$work/trace"
        want='stopped by 19'
        [ $how = seize ] && want='ended with 7'
        vm -q -c $cpus -t "$work/trace" --audit=final --add "$O/tests/vm/attach:/attach" -- sh -c "/attach $how; echo \$?"
        is "$how, $cpus vCPUs: status" "$status" 0
        is '... the tracer and the parent hear of it' "$(sort <<< "$out" | tr '\n' ' ')" \
            "$(printf '%s\n' "$want" 'the parent: 7' 0 | sort | tr '\n' ' ')"
        is '... lint' "$("$O/vmm-trace" lint "$work/trace" 2>&1 | grep -E 'FAIL|inconclusive' -A 2)" ''
        like '... the call is there' "$("$O/vmm-trace" print --event syscall_enter "$work/trace")" 'nr=ptrace'
        like '... and who waits for a task that is no child of its' \
            "$("$O/vmm-trace" blocked "$work/trace")" ' attach\[[0-9]+\] +[0-9]+ wait4 +wait '
    done
done
done_testing
