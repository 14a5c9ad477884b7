#!/bin/bash
# limit: 420
# bench-boot as a gate, on a small kernel that is not ours: a boot is no worse than itself,
# 2 % more instructions fail, as do more exits and a figure that is gone; fewer are better.
# On our kernel, wall time: a build is no slower than itself, and 10 % of delay fail.
# not on nested, qemu: it judges bench-boot, on machines of its own
. tests/vm/lib.sh

make --no-print-directory -s O="$O" "$O/tests/boot/count.so" || exit 1
command -v qemu-system-x86_64 > "$work/qemu" || skip_all 'needs qemu-system-x86_64'

# kernel NAME LOOPS: a kernel whose boot is 2 * LOOPS instructions and some more
kernel()
{
    nasm -f elf64 -DLOOPS="$2" tests/vm/guests/work.asm -Itests/vm/guests/ -o "$work/$1.o" &&
        ld -z noexecstack -Ttext-segment=0x100000 -e start "$work/$1.o" -o "$work/$1"
}

gate() { run_machine tests/boot/bench-boot --build "$O" --baseline "$work/base.json" "$@"; }
work_gate() { local kernel=$1; shift; gate --kernel "$work/$kernel" --memory 16M --until-exit --mark ready "$@"; }

kernel same 100000 && kernel slower 102000 && kernel faster 90000 || exit 1
work_gate same
is 'without a baseline it refuses' "$status" 2
work_gate same --accept
is 'a baseline is written' "$status" 0
work_gate same --json "$work/a.json" --junit "$work/a.xml" --tap "$work/a.tap"
is 'a boot is no worse than itself' "$status" 0
like 'JSON names the host' "$(cat "$work/a.json")" '"qemu"'
like 'JUnit counts no failure' "$(cat "$work/a.xml")" 'failures="0"'
unlike 'TAP has no failure' "$(cat "$work/a.tap")" 'not ok'

work_gate slower --junit "$work/b.xml" --tap "$work/b.tap"
is '2 % more instructions fail' "$status" 1
like '... and the table says where' "$out" 'instructions/qemu/ready/entry .* worse'
like '... JUnit, too' "$(cat "$work/b.xml")" '<failure message="instructions/qemu/ready/entry'
like '... and TAP' "$(cat "$work/b.tap")" '^not ok .* instructions/qemu/ready/entry'
work_gate faster
is 'fewer instructions do not fail' "$status" 0
like '... and are shown' "$out" 'instructions/qemu/ready/entry .* better'

# A baseline that has nothing to compare with passes nothing.
cp "$work/base.json" "$work/kept.json"
nothing()
{
    echo "$2" > "$work/base.json"
    work_gate same --tap "$work/n.tap" --junit "$work/n.xml"
    is "a baseline with $1: cannot tell" "$status" 2
    like '... and says so' "$out$err" 'nothing was compared'
    unlike '... no word of Perl' "$err" 'uninitialized|line [0-9]'
}
nothing 'figures of another host' '{"figures":{"exits/else/end":1},"made_by":{}}'
like '... which is no pass in TAP' "$(cat "$work/n.tap")" '^not ok .* figures/compared'
unlike '... nor in JUnit' "$(cat "$work/n.xml")" 'failures="0"'
nothing 'sizes only' '{"figures":{"size/kernel":100000}}'
nothing 'nothing' '{}'
nothing 'no figure' '{"figures":{}}'
nothing 'nulls' '{"figures":{"instructions/qemu/ready/entry":null},"made_by":null}'
nothing 'a list' '{"figures":[1]}'
echo 'no JSON' > "$work/base.json"
work_gate same
is 'a baseline that is no JSON' "$status" 2
mv "$work/kept.json" "$work/base.json"

# How many pairs decide: the root of their number counts.
pairs() { perl -Itests/boot -MStats=pairs_for -e 'print pairs_for(@ARGV) // "none"' "$@"; }
is 'p = 0.016 of 30 pairs: some more' "$(pairs 30 0.016 0.01)" 36
is 'p = 0.1: many more' "$(pairs 30 0.1 0.01)" 99
p_of() { perl -Itests/boot -MStats=permutation_p -e 'my @b = splice @ARGV, 0, @ARGV / 2; print permutation_p(\@b, \@ARGV) < 0.01 ? "decides" : "does not"' "$@"; }
is 'three slow pairs are no proof' "$(p_of 1 1 1  9 9 9)" 'does not'
tick() { perl -e 'print join " ", (15) x 20, (15) x 11, (19) x 9'; }
is 'nine of twenty ended a tick later: that decides' "$(p_of $(tick))" 'decides'
is 'p = 0.5: chance' "$(pairs 30 0.5 0.01)" none

perl -pi -e 's,"size/kernel",  "instructions/qemu/elsewhere/kernel" : 1\,\n      "size/kernel",' "$work/base.json"
work_gate same
is 'a figure that is gone fails' "$status" 1
like '... by name' "$out" 'instructions/qemu/elsewhere/kernel .* gone'
gate --kernel "$work/same" --memory 16M --until never
is 'a boot that ends too early cannot be measured' "$status" 2
like '... which is said' "$err" 'ended before the boot did'

if [ "$host" = kvm ]; then
    wall() { limit=150 gate --no-figures --until-exit --append 'init=/bin/run -- true' --base-vmm "$O/vmm" "$@"; }
    wall --pairs 100
    [ "$status" = 2 ] && wall --pairs 250       # undecided
    is 'a build is no slower than itself' "$status" 0
    wall --pairs 3 --delay 1000                # more than any noise
    is 'three pairs do not decide, however slow' "$status" 2
    like '... it says so' "$out" ': undecided$'
    like '... and how many would' "$out" 'about [0-9]+ pairs would decide'
    for pairs in 40 100 250; do                 # as many as this host's noise needs
        wall --pairs $pairs --delay 10
        [ "$status" = 2 ] || break
    done
    is '10 % of delay fail' "$status" 1
    like '... by the ratio' "$out" 'wall time on .* worse'
else
    result 0 'wall time # SKIP needs /dev/kvm and our vmm'
fi
done_testing
