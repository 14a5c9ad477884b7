# Plot.pm - figures as SVG: pairs of bars, two figures a row with their ratio; and lines over a size.
# Scales are logarithmic.
package Plot;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(pairs lines);

use constant { LEFT => 190, WIDE => 520, RIGHT => 190, ROW => 34, TOP => 66, BAR => 12 };
my @COLOUR = ('#2f6db3', '#c9782b', '#3a8f4d', '#8a5bb0', '#8c8c8c');

sub escape { my ($text) = @_; $text =~ s/([&<>"])/'&#' . ord($1) . ';'/ge; return $text }

# 1234567 -> 1.23 M
sub short
{
    my ($value) = @_;
    for (['G', 1e9], ['M', 1e6], ['k', 1e3]) {
        my ($letter, $by) = @$_;
        return sprintf '%.3g %s', $value / $by, $letter if $value >= $by;
    }
    return sprintf '%.3g', $value;
}

# pairs(title => ..., names => [A, B], rows => [[LABEL, A, B], ...], unit => ...)
sub pairs
{
    my (%p) = @_;
    my @values = map { @$_[1, 2] } @{$p{rows}};
    my ($low, $high) = (sort { $a <=> $b } @values)[0, -1];
    my $from = 10 ** int(log($low) / log(10) - ($low < 1 ? 1 : 0));
    my $decades = log($high * 1.1 / $from) / log(10);
    my $at = sub { LEFT + WIDE * log($_[0] / $from) / log(10) / $decades };
    my $height = TOP + ROW * @{$p{rows}} + 30;
    my $width = LEFT + WIDE + RIGHT;
    my $svg = qq{<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" font-family="sans-serif" } .
        qq{font-size="12">\n<rect width="$width" height="$height" fill="#fff"/>\n} .
        qq{<text x="10" y="24" font-size="15">} . escape($p{title}) . "</text>\n";
    for (0, 1) {
        my $x = LEFT + 170 * $_;
        $svg .= qq{<rect x="$x" y="40" width="14" height="10" fill="$COLOUR[$_]"/>} .
            sprintf qq{<text x="%d" y="50">%s</text>\n}, $x + 20, escape($p{names}[$_]);
    }
    my $bottom = TOP + ROW * @{$p{rows}};
    for (my $tick = $from; $tick <= $high * 1.1; $tick *= 10) {
        $svg .= sprintf qq{<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>} .
            qq{<text x="%.1f" y="%d" fill="#666" text-anchor="middle">%s</text>\n},
            $at->($tick), TOP - 4, $at->($tick), $bottom, $at->($tick), $bottom + 16, short($tick);
    }
    my $y = TOP;
    for my $row (@{$p{rows}}) {
        my ($label, @pair) = @$row;
        $svg .= sprintf qq{<text x="%d" y="%d" text-anchor="end">%s</text>\n}, LEFT - 8, $y + 18, escape($label);
        for (0, 1) {
            $svg .= sprintf qq{<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>\n}, LEFT,
                $y + 2 + $_ * (BAR + 1), $at->($pair[$_]) - LEFT, BAR, $COLOUR[$_];
        }
        $svg .= sprintf qq{<text x="%d" y="%d">%s : %s %s = %.2g</text>\n}, LEFT + WIDE + 10, $y + 18,
            short($pair[0]), short($pair[1]), $p{unit} // '', $pair[0] / $pair[1];
        $y += ROW;
    }
    return "$svg</svg>\n";
}

# lines(title => ..., x => AXIS, rows => [[NAME, {X => Y}], ...]): X of 0 stands at the left edge.
sub lines
{
    my (%p) = @_;
    my %xs = map { %{$_->[1]} } @{$p{rows}};
    my @x = sort { $a <=> $b } keys %xs;
    my @y = sort { $a <=> $b } map { values %{$_->[1]} } @{$p{rows}};
    my ($low, $high) = (10 ** int(log($y[0]) / log(10)), $y[-1] * 1.2);
    my ($wide, $tall, $left, $top) = (560, 330, 80, 50);
    my $across = sub { my $i = $_[0] ? 1 + log($_[0]) / log(2) : 0; $left + $wide * $i / (1 + log($x[-1]) / log(2)) };
    my $up = sub { $top + $tall * (1 - log($_[0] / $low) / log($high / $low)) };
    my ($width, $height) = ($left + $wide + 180, $top + $tall + 50);
    my $svg = qq{<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" font-family="sans-serif" } .
        qq{font-size="12">\n<rect width="$width" height="$height" fill="#fff"/>\n} .
        qq{<text x="10" y="24" font-size="15">} . escape($p{title}) . "</text>\n";
    for (my $tick = $low; $tick <= $high; $tick *= 10) {
        $svg .= sprintf qq{<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>} .
            qq{<text x="%d" y="%.1f" fill="#666" text-anchor="end">%s</text>\n},
            $left, $up->($tick), $left + $wide, $up->($tick), $left - 6, $up->($tick) + 4, short($tick);
    }
    $svg .= sprintf qq{<text x="%.1f" y="%d" fill="#666" text-anchor="middle">%s</text>\n}, $across->($_), $top + $tall + 18, $_
        for @x;
    $svg .= sprintf qq{<text x="%d" y="%d" fill="#666" text-anchor="middle">%s</text>\n}, $left + $wide / 2, $height - 10,
        escape($p{x});
    my @ends = sort { $a->[0] <=> $b->[0] } map { my $y = $p{rows}[$_][1]; [$up->($y->{$x[-1]} // $low), $_] } 0 .. $#{$p{rows}};
    $ends[$_][0] = $ends[$_ - 1][0] + 15 for grep { $ends[$_][0] < $ends[$_ - 1][0] + 15 } 1 .. $#ends;
    my %label = map { $_->[1] => $_->[0] } @ends;
    for my $i (0 .. $#{$p{rows}}) {
        my ($name, $y) = @{$p{rows}[$i]};
        my @at = map { sprintf '%.1f,%.1f', $across->($_), $up->($y->{$_}) } grep { exists $y->{$_} } @x;
        $svg .= qq{<polyline points="@at" fill="none" stroke="$COLOUR[$i]" stroke-width="2"/>} .
            join('', map { my ($cx, $cy) = split /,/; qq{<circle cx="$cx" cy="$cy" r="3" fill="$COLOUR[$i]"/>} } @at) .
            sprintf qq{<text x="%d" y="%.1f" fill="%s">%s</text>\n}, $left + $wide + 10, $label{$i} + 4, $COLOUR[$i], escape($name);
    }
    return "$svg</svg>\n";
}

1;
