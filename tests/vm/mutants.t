#!/bin/bash
# limit: 300
# Lint names each edit of a real trace that breaks a rule: an event dropped, doubled or changed, at places chosen
# at random among those where it matters.  SEED=N repeats.
. tests/vm/lib.sh
need_kvm

SEED=${SEED:-$RANDOM}
echo "# SEED=$SEED"
for fork in copy share; do
    vm -q -c 2 -a mm.fork=$fork -t "$work/$fork" -- sh -c 'vforkdemo > /dev/null; forkdemo > /dev/null
        vforkdemo > /dev/null; for i in 1 2 3; do ls / | wc -l & done; wait; sleep 5 & kill $!; wait
        seq 9 | sort -r | head -1; awk "BEGIN { for (i = 0; i < 9000; i++) a[i] = i }"'
    is "a machine, mm.fork=$fork" "$status" 0
    "$O/vmm-trace" lint "$work/$fork" > "$work/lint"
    is '... its trace as it is' $? 0 || explain "$(cat "$work/lint")"
    kinds=0
    while read -r found total rest; do
        kinds=$((kinds + 1))
        # Where tables are shared, fork may have nothing to copy.
        [ $fork = share ] && [ "$total" = 0 ] && continue
        ok "... $rest" [ "$total" -gt 0 -a "$found" -eq "$total" ]
    done < <(perl tests/vm/mutants.pl "$O/vmm-trace" "$work/$fork" "$work/mutant.$fork" "$SEED" 2>&1)
    is '... kinds of edits' $kinds "$(grep -c "^    \[ ['a-z]" tests/vm/mutants.pl)"
done
done_testing
