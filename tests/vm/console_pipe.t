#!/bin/bash
# limit: 120
# A pipe works as stdin: the shell reads its commands from it, end of file ends it,
# and nothing is lost where it comes faster than it is read.
. tests/vm/lib.sh

# Our vmm keeps input until the kernel listens.  On any other line what comes before is lost, so
# there it waits for the first output.
: > "$work/out"
feed()
{
    while [ "$host" = qemu ] && [ ! -s "$work/out" ]; do sleep 0.1; done
    cat "$1"
}

printf 'echo one\necho two | tr a-z A-Z\nexit 4\n' > "$work/script"
input=<(feed "$work/script") vm -- sh
is 'status' "$status" 4
like 'output' "$out" '^TWO$'
printf 'poweroff\n' > "$work/script"
: > "$work/out"
input=<(feed "$work/script") vm
is 'poweroff from the login shell' "$status" 0
seq 1 3000 > "$work/numbers"
: > "$work/out"
input=<(feed "$work/numbers") vm -- sh -c 'echo ready; sleep 1; head -n 3000 > /tmp/numbers; md5sum /tmp/numbers'
like 'more than the terminal can hold' "$out" "^$(md5sum < "$work/numbers" | cut -d' ' -f1) "
if [ "$host" = kvm ]; then      # QEMU does not tell the guest of the end
    input=$work/numbers vm -- sh -c 'stty -echo; cat > /tmp/numbers; echo; wc -l < /tmp/numbers'
    is 'and its end' "$status" 0
    like 'all of it' "$out" '^3000$'
fi
done_testing
