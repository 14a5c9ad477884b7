#!/bin/bash
# limit: 300
# not on nested, qemu: it counts what this host's KVM interprets
# A trace adds at most 10 % to the instructions that KVM interprets, with the kernel in ring 0, at a boot,
# a fork, a vfork, an exec and a page fault.
. tests/vm/lib.sh
need_kvm

make --no-print-directory -s O="$O" "$O/bench/micro" || exit 1
# Interrupts cost instructions, too, on a busy host by chance: what looks dear is measured again, with care.
measure()
{
    perl -Ibench -Itests/boot -MTraceCost=interpreted,counts_interpreted,percent -e '
        my ($o, $runs) = @ARGV;
        counts_interpreted($o) or print("none\n"), exit;
        printf "%s: %.0f instructions, %.0f with a trace: %+.1f %% %s\n", $_->{name}, $_->{off}, $_->{on},
            percent($_), percent($_) <= 10 ? "fine" : "dear" for interpreted($o, $runs)' "$O" "$1" > "$work/cost"
}
measure 1
[ "$(cat "$work/cost")" = none ] && skip_all 'this host interprets no kernel'
grep -q 'dear$' "$work/cost" && measure 3

is 'operations' "$(wc -l < "$work/cost")" 6
while read -r row; do
    like "at most 10 %: $row" "$row" 'fine$'
done < "$work/cost"
done_testing
