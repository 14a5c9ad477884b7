#!/bin/bash
# limit: 400
# `vmm-trace at` of a moment is memory as it was then, entry for entry: the VMM walks the page tables in guest
# memory while processes fork, share tables, use huge pages, mprotect and munmap, and writes down what it finds.
. tests/vm/lib.sh
need_kvm
limit=120

# compare DUMP TRACE: "MOMENTS SPACES ENTRIES HUGE"; or what differs first.
compare()
{
    perl -MJSON::PP -e '
        my ($dump, $trace) = @ARGV;
        my %seen = (moments => 0, spaces => 0, entries => 0, huge => 0);
        sub at { my $j = `$ENV{O}/vmm-trace at --json @_`; exit 3 if $?; decode_json($j) }
        # Accessed and Dirty are set by the processor, at any moment.
        sub entry { sprintf("%#x %s %#x", hex($_[0]), $_[1], hex($_[2]) & ~0x60) }
        sub moment {
            my ($event, $spaces) = @_;
            my @told = grep { $_ } map { $_->{mm} } @{at($trace, "\x27#$event\x27")->{spaces}};
            my @found = grep { $_ } sort { $a <=> $b } keys %$spaces;
            "@told" eq "@found" or die "event $event: spaces @told are told, @found found\n";
            for my $mm (sort { $a <=> $b } keys %$spaces) {
                my @told = map { entry($_->{va}, $_->{level}, $_->{entry}) }
                    @{at($trace, "\x27#$event\x27", "--mm", $mm)->{entries}};
                my @found = @{$spaces->{$mm}};
                for (0 .. ($#told > $#found ? $#told : $#found)) {
                    my ($t, $f) = ($told[$_] // "nothing", $found[$_] // "nothing");
                    $t eq $f or die "event $event, space $mm: $t is told, $f found\n";
                }
                $seen{spaces}++;
                $seen{entries} += @found;
                $seen{huge} += grep { $mm && / PMD / } @found;
            }
            $seen{moments}++;
        }
        open my $in, "<", $dump or die "$dump: $!\n";
        my ($event, $spaces, $mm);
        while (<$in>) {
            if (/^moment (\d+)$/) { moment($event, $spaces) if $event; ($event, $spaces) = ($1, {}) }
            elsif (/^space (\d+) /) { $mm = $1; $spaces->{$mm} = [] }
            elsif (/^(\S+) (\S+) (\S+)$/) { push @{$spaces->{$mm}}, entry($1, $2, $3) }
            else { die "$dump: $_" }
        }
        moment($event, $spaces) if $event;
        print join(" ", map { $seen{$_} } qw(moments spaces entries huge)), "\n";
    ' "$1" "$2" 2>&1
}

busy='forkdemo > /dev/null; /prey > /dev/null; /prey shared & /prey huge & forkdemo > /dev/null; wait'
at=()
for n in 1 5 9 14 20 40 80 120 $(seq 150 10 430); do at+=(--dump-at="event=tlb_flush:$n"); done
for how in '0 1' '3 1' '3 3'; do
    read -r ring cpus <<< "$how"
    name=$ring-$cpus
    vm -q --kernel-ring=$ring -c $cpus -t "$work/$name" --audit=dirty --dump-tables="$work/$name.dump" "${at[@]}" \
        --add "$O/tests/vm/prey:/prey" -- sh -c "$busy"
    is "ring $ring, $cpus vCPUs: status" "$status" 0
    compared=$(compare "$work/$name.dump" "$work/$name")
    like '... at says what is in memory' "$compared" '^[0-9 ]+$' || continue
    read -r moments spaces entries huge <<< "$compared"
    ok "... at $moments moments" [ "$moments" -ge 10 ]
    ok "... in $spaces address spaces, $entries entries" [ "$entries" -gt $((moments * 500)) ]
    ok "... $huge of them huge pages" [ "${huge:-0}" -gt 0 ]
    ok '... and tables were shared' [ "$("$O/vmm-trace" print --reason table_share "$work/$name" | wc -l)" -gt 0 ]
done
# The last one's dump, with one entry changed by one bit.
perl -pe 's/(0x[0-9a-f]+)$/sprintf("%#x", hex($1) ^ 2)/e if / PTE / && $n++ == 700' "$work/3-3.dump" > "$work/changed"
like 'it is seen' "$(compare "$work/changed" "$work/3-3")" ' is told, .* found$'
perl -ne 'print if !(/ PTE / && $n++ == 700)' "$work/3-3.dump" > "$work/dropped"
like 'an entry that is missing is seen' "$(compare "$work/dropped" "$work/3-3")" ' is told, .* found$'

vm -q -t "$work/end" --audit=dirty --dump-tables="$work/end.dump" -- sh -c 'ls > /dev/null'
is 'without --dump-at: once' "$(grep -c ^moment "$work/end.dump")" 1
like '... at the end' "$(compare "$work/end.dump" "$work/end")" '^1 [0-9 ]+$'
vm -q -t "$work/vain" --audit=dirty --dump-tables="$work/vain.dump" --dump-at='#1000000000' -- true
like 'a moment that never comes is told' "$err" '^vmm: dump: 1 of 1 moments have never come$'
vm -t "$work/no" --audit=final --dump-tables="$work/no.dump" -- true
like 'it needs --audit=dirty' "$status $err" '^125 vmm: --dump-tables looks when --audit=dirty does; add it$'
vm -t "$work/no" --audit=dirty --dump-at=1 -- true
like 'a moment needs a file' "$status $err" '^125 vmm: --dump-at says when --dump-tables FILE writes; add it$'
vm -t "$work/no" --audit=dirty --dump-tables="$work/no.dump" --trace-start=1 -- true
like 'and events are those of a whole trace' "$status $err" '^125 vmm: --dump-tables counts the events of a whole trace'
vm -t "$work/no" --audit=dirty --dump-tables=/nowhere/at/all -- true
like 'a file that cannot be' "$status $err" '^125 vmm: /nowhere/at/all: No such file or directory$'
done_testing
