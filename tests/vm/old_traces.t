#!/bin/bash
# limit: 60
# Traces of earlier versions, kept in tests/data under the commit that made them, stay readable.
# One is added when events have changed in any way: tar -cJf tests/data/trace-COMMIT.tar.xz trace
. tests/vm/lib.sh

for old in tests/data/trace-*.tar.xz; do
    name=$(basename "$old" .tar.xz)
    rm -rf "$work/trace"
    tar -C "$work" -xJf "$old"
    "$O/vmm-trace" print "$work/trace" > "$work/print" 2> "$work/print.err"
    is "$name: print" "$? $(cat "$work/print.err")" '0 '
    is "$name: as many events as babeltrace2 sees" "$(wc -l < "$work/print")" "$(babeltrace2 "$work/trace" | wc -l)"
    "$O/vmm-trace" lint "$work/trace" > "$work/lint"
    ok "$name: lint, by the rules of today, for which it may lack events" [ "$?" -le 1 ]
    ok "$name: it judged" [ "$(grep -c ' pass ' "$work/lint")" -gt 10 ]
    for command in summary tree blocked info at 'diff --call 1 --call 2'; do
        # shellcheck disable=SC2086 # words
        "$O/vmm-trace" $command "$work/trace" > "$work/answer"
        is "$name: $command" "$?" 0
    done
    like "$name: the tree has its programs" "$("$O/vmm-trace" tree "$work/trace")" ' vforkdemo > sleep( [^[]*)?\[5\] +vfork .* exit 0$'
    like "$name: and why they waited" "$("$O/vmm-trace" blocked "$work/trace")" ' vfork +vforkdemo\[5\] +exec: '
done
done_testing
