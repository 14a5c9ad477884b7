#!/bin/bash
# limit: 300
# No parser and no device comes to harm by the inputs that are kept, nor by those that libFuzzer makes
# of them in two seconds, the same in each run as far as the time goes.
set -u
O=${O:-build}
make --no-print-directory -s O="$O" fuzz-targets > "$O/fuzz.make.log" 2>&1 ||
    { tail -n 20 "$O/fuzz.make.log" | sed 's/^/# /'; echo 'not ok 1 - the targets can be built'; echo 1..1; exit 1; }
n=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    [ -z "${FUZZ_ONLY-}" ] || [[ " $FUZZ_ONLY " = *" fuzz/$name "* ]] || continue
    n=$((n + 1))
    if said=$(SEED=1 tests/fuzz/run "$name" 2); then
        echo "ok $n - $name"
        echo "# ${said#ok }"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' <<< "$said"
    fi
done
echo "1..$n"
