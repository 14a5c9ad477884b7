# Plot.pm - pairs of bars as an SVG: two figures a row, on a logarithmic scale, with their ratio.
package Plot;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(pairs);

use constant { LEFT => 190, WIDE => 520, RIGHT => 190, ROW => 34, TOP => 66, BAR => 12 };
my @COLOUR = ('#2f6db3', '#c9782b');

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

1;
