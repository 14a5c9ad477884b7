# Stats.pm - middles, and whether two samples differ by more than chance.
package Stats;
use strict;
use warnings;
use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(median midmean permutation_p pairs_for);

sub median
{
    my @sorted = sort { $a <=> $b } @_;
    return @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

# The mean of the middle half: as deaf to outliers as figures of a busy host need, and finer than
# a median.  The end of a virtual machine waits for a grace period of the host's kernel, so its
# wall time comes in steps of the host's tick (4 ms at 250 Hz, with a boot of 15 ms): a median
# says one step or the next, and stands still or jumps where the mean moves.
sub midmean
{
    my @sorted = sort { $a <=> $b } @_;
    my $cut = int(@sorted / 4);
    my @middle = @sorted[$cut .. $#sorted - $cut];
    my $sum = 0;
    $sum += $_ for @middle;
    return $sum / @middle;
}

# One-sided permutation test for pairs: A and B of a pair ran one after the other, so what
# else the host did hit both.  Were A and B alike, each difference B - A could as well have
# the other sign; p is the share of PERMUTATIONS random choices of signs whose midmean
# of the differences is at least the one that was found.  The choices come from a generator with
# a fixed seed: the same figures give the same p.
use constant PERMUTATIONS => 10000;

sub permutation_p
{
    my ($first, $second) = @_;
    my @difference = map { $second->[$_] - $first->[$_] } 0 .. $#$first;
    my $found = midmean(@difference);
    my ($as_far, $state) = (1, 42);         # what was found is one of the choices
    for (2 .. PERMUTATIONS) {
        my @signed = map {
            $state = ($state * 1103515245 + 12345) % 2147483648;
            $state & 65536 ? $_ : -$_
        } @difference;
        $as_far++ if midmean(@signed) >= $found;
    }
    return $as_far / PERMUTATIONS;
}

# How far out in a normal distribution is this one-sided p?
sub deviations
{
    my ($p) = @_;
    my ($low, $high) = (-8, 8);
    for (1 .. 60) {
        my $middle = ($low + $high) / 2;
        if (POSIX::erfc($middle / sqrt 2) / 2 > $p) { $low = $middle } else { $high = $middle }
    }
    return $low;
}

# n pairs gave p.  How many would give `wanted`, if the difference is what it looks like?  What a
# sample is away from chance grows with the root of its size.  undef: it looks like chance.
sub pairs_for
{
    my ($n, $p, $wanted) = @_;
    my $away = deviations($p);
    return undef if $away < 0.1;
    my $needed = POSIX::ceil($n * (deviations($wanted) / $away) ** 2);
    return $needed > $n ? $needed : $n + 1;
}

1;
