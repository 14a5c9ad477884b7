# TraceTools.pm - what vmm-trace takes to read a long trace, beside babeltrace2, which only decodes it
# (babeltrace2 -o dummy), on the same trace, by turns: CPU time (user and system) and the most memory.
package TraceTools;
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use lib "$FindBin::Bin/../tests/boot";
use Stats qw(median);

our @EXPORT_OK = qw(make_trace measure moments);

# All of micro's operations, so often that some two million events come of it, so many times; returns how many.
sub make_trace
{
    my ($o, $dir, $times) = @_;
    my $limit = 1800 * $times;
    my $status = system("rm -rf $dir; timeout -k 2 $limit $o/vmm -q -m 512M -t $dir --add $o/bench/micro:/bin/micro $o/guest.elf " .
                        "-- sh -c 'for i in `seq $times`; do micro -m 1 -n 500; done' >/dev/null 2>$dir.said </dev/null");
    $status == 0 or die "vmm: status $status; see $dir.said\n";
    my ($events, $lost) = `$o/vmm-trace info $dir` =~ /: (\d+) events in .*, lost (\d+)$/m;
    defined $events && $lost == 0 or die "$dir: no whole trace\n";
    return $events;
}

# CPU seconds and the most resident bytes of one run: wait4(2), since times() has no microseconds, and
# a maximum over all children would be the largest one's.
use constant { SYS_wait4 => 61 };
sub once
{
    my (@command) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open(STDIN, '<', '/dev/null') and open(STDOUT, '>', '/dev/null') and open(STDERR, '>', '/dev/null') or die;
        exec @command or exit 127;
    }
    my ($status, $usage) = (pack('l', 0), "\0" x 144);
    syscall(SYS_wait4, $pid, $status, 0, $usage) == $pid or die "wait4: $!\n";
    my $code = unpack 'l', $status;
    $code == 0 or die "@command: status $code\n";
    my ($us, $uus, $ss, $sus, $rss) = unpack 'q5', $usage;
    return ($us + $ss + ($uus + $sus) / 1e6, $rss * 1024);
}

# Rows { name, seconds, bytes, ratio }: medians of `runs` rounds; the first row is babeltrace2's.
sub measure
{
    my ($o, $dir, $runs) = @_;
    my @rows = map { { name => $_->[0], command => $_->[1], time => [], bytes => 0 } }
        ['babeltrace2 -o dummy', ['babeltrace2', '-o', 'dummy', $dir]],
        map { ["vmm-trace $_", ["$o/vmm-trace", $_, $dir]] } qw(info lint summary at);
    for (1 .. $runs) {
        for my $row (@rows) {
            my ($seconds, $bytes) = once(@{$row->{command}});
            push @{$row->{time}}, $seconds;
            $row->{bytes} = $bytes if $bytes > $row->{bytes};
        }
    }
    for (@rows) {
        $_->{seconds} = median(@{$_->{time}});
        $_->{ratio} = $rows[0]{seconds} / $_->{seconds};
        delete $_->{command};
    }
    return @rows;
}

# What a question about a moment takes, at moments all over a trace: rows { name, seconds, bytes }, medians.
sub moments
{
    my ($o, $dir, $events, $runs) = @_;
    my @at = map { '#' . int($events * $_) } 0.25, 0.5, 0.75, 0.99;
    my @rows = ((map { { name => "at $_", command => ['at', $dir, $_] } } @at),
                { name => "at --mm 1 $at[3]", command => ['at', '--mm', 1, $dir, $at[3]] },
                { name => "who-wrote --at $at[3]", command => ['who-wrote', '--at', $at[3], $dir, '0x400000'] },
                { name => "diff --at $at[0] --at $at[3]", command => ['diff', '--mm', 1, '--at', $at[0], '--at', $at[3], $dir] });
    for my $row (@rows) {
        my @runs = map { [once("$o/vmm-trace", @{$row->{command}})] } 1 .. $runs;
        $row->{seconds} = median(map { $_->[0] } @runs);
        ($row->{bytes}) = sort { $b <=> $a } map { $_->[1] } @runs;
    }
    return @rows;
}

1;
