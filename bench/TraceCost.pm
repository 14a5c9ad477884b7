# TraceCost.pm - what a trace adds to a boot and to what makes processes.
#
#   interpreted   instructions that KVM interpreted, by its own counter (vmm --stats), kernel in ring 0:
#                 exact but for what interrupts cost, so the least of some runs counts
#   cpu           CPU time of the whole vmm, medians of interleaved runs, wherever the kernel runs by itself
#   bytes         of trace that an operation leaves
#
# An operation's figure is the difference between few and many of it, divided by how many more.
package TraceCost;
use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/../tests/boot";
use Stats qw(median);

our @EXPORT_OK = qw(interpreted cpu counts_interpreted percent);

# Name here, that of micro, and how many a round of it is.
my @OPERATIONS = (['fork', 'fork_exit', 2], ['vfork', 'vfork_exit', 5], ['fork and exec', 'fork_exec', 2],
                  ['vfork and exec', 'vfork_exec', 2], ['page fault', 'page_fault', 64]);

sub percent { my ($row) = @_; return 100 * ($row->{on} / $row->{off} - 1) }

# vmm's stderr, and where the trace is.
sub machine
{
    my ($o, $traced, $options, @words) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my @trace = $traced ? ('-t', "$dir/trace") : ();
    my @command = ('timeout', '-k', '2', '120', "$o/vmm", '-q', @$options, '--add', "$o/bench/micro:/bin/micro", @trace, "$o/guest.elf",
                   '--', @words);
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open(STDIN, '<', '/dev/null') and open(STDOUT, '>', '/dev/null') and open(STDERR, '>', "$dir/said") or die;
        exec @command or die "$command[0]: $!\n";
    }
    waitpid $pid, 0;
    my $status = $?;
    open my $file, '<', "$dir/said" or die "$dir/said: $!\n";
    my $said = do { local $/; <$file> };
    $status == 0 or die "@command: status $status\n$said";
    return ($said, "$dir/trace");
}

sub once
{
    my ($o, $traced, @words) = @_;
    my ($said, $trace) = machine($o, $traced, ['--kernel-ring=0', '--stats'], @words);
    my ($bytes) = $traced ? `$o/vmm-trace info $trace` =~ /^cpu0 +\d+ +(\d+)/m : 0;
    my $n = 0;
    $n += $1 while $said =~ /instructions interpreted by KVM +(\d+)/g;
    return ($n, $bytes // die "no bytes of trace\n");
}

# Does this host interpret ring 0 and count?
sub counts_interpreted
{
    my ($n) = once($_[0], 0, 'true');
    return $n > 10000;
}

sub least
{
    my ($o, $traced, $runs, @words) = @_;
    my @all = map { [once($o, $traced, @words)] } 1 .. $runs;
    return @{(sort { $a->[0] <=> $b->[0] } @all)[0]};
}

# Rows { name, off, on, bytes }.
sub interpreted
{
    my ($o, $runs) = @_;
    my ($off) = least($o, 0, $runs, 'true');
    my ($on, $bytes) = least($o, 1, $runs, 'true');
    my @rows = ({ name => 'boot', off => $off, on => $on, bytes => $bytes });
    for (@OPERATIONS) {
        my ($name, $micro, $per_round) = @$_;
        my ($few, $many) = (1, 1 + (int(12 / $per_round) || 1));
        my @ends = map { my $traced = $_; map { [least($o, $traced, $runs, 'micro', '-m', 0, '-n', $_, $micro)] } $few, $many } 0, 1;
        my $n = ($many - $few) * $per_round;
        push @rows, { name => $name, off => ($ends[1][0] - $ends[0][0]) / $n, on => ($ends[3][0] - $ends[2][0]) / $n,
                      bytes => ($ends[3][1] - $ends[2][1]) / $n };
    }
    return @rows;
}

# CPU time of all children so far, to the microsecond, which times() has not: getrusage(2).
use constant { SYS_getrusage => 98, RUSAGE_CHILDREN => -1 };
sub children
{
    my $usage = "\0" x 144;
    syscall(SYS_getrusage, RUSAGE_CHILDREN, $usage) == 0 or die "getrusage: $!\n";
    my ($us, $uus, $ss, $sus) = unpack 'q4', $usage;
    return $us + $ss + ($uus + $sus) / 1e6;
}

sub seconds
{
    my $before = children();
    machine(@_);
    return children() - $before;
}

# Rows { name, off, on } in milliseconds: whole machines that do little else.
sub cpu
{
    my ($o, $pairs, @options) = @_;
    my @rows;
    for (['boot', 'true'], map { [$_->[0], 'micro', '-m', 0, '-n', int(300 / $_->[2]), $_->[1]] } @OPERATIONS[0 .. 3]) {
        my ($name, @words) = @$_;
        my @time = ([], []);
        for my $pair (1 .. ($name eq 'boot' ? 4 : 1) * $pairs) { # a short one
            push @{$time[$_]}, 1000 * seconds($o, $_, \@options, @words) for $pair % 2 ? (0, 1) : (1, 0);
        }
        push @rows, { name => $name, off => median(@{$time[0]}), on => median(@{$time[1]}) };
    }
    return @rows;
}

1;
