# Verdict.pm - figures against a baseline, and the forms in which the result is told.
#
# A row is { name, base, now, limit, verdict }, the verdict one of
#   ok      as the baseline, within the slack        better  below it by more than that
#   worse   above the limit: the gate fails          new     the baseline has no such figure
#   gone    the baseline has it, and it was not measured, though its host was: fails, too
# and, where it cannot be told, which is no pass either:
#   none    nothing was compared                     undecided  it may be chance
package Verdict;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use FindBin;
use lib $FindBin::Bin;
use Figures qw(slack);

our @EXPORT_OK = qw(compare failures compared table tap junit write_json read_json read_baseline in_order);

sub limit
{
    my ($name, $base) = @_;
    my ($percent, $at_least) = slack($name);
    my $room = $base * $percent / 100;
    return $base + ($room > $at_least ? $room : $at_least);
}

# Kinds as below, then as the boot goes.
my %KIND = (instructions => 0, interpreted => 1, exits => 2, hypercalls => 3, pte_writes => 4, faults => 5, size => 6, rss => 7);

sub in_order
{
    my @stages = Figures::stages();
    my %stage = map { $stages[$_] => sprintf '%02d', $_ } 0 .. $#stages;
    my %key = map {
        my ($kind, @rest) = split m{/};
        $_ => join '/', $KIND{$kind} // 9, map { $stage{$_} // $_ } @rest;
    } @_;
    return sort { $key{$a} cmp $key{$b} } @_;
}

# Of what host is a figure?  Sizes are of none.
sub host { my (undef, $host) = split m{/}, $_[0]; $_[0] =~ m{^size/} ? '' : $host }

sub compare
{
    my ($now, $base, $hosts) = @_;
    my %here = map { $_ => 1 } '', @$hosts;
    my %all = (%$now, map { $_ => 1 } grep { $here{host($_)} } keys %$base);
    return map {
        my ($old, $new) = ($base->{$_}, $now->{$_});
        my %row = (name => $_, base => $old, now => $new);
        if (!defined $old || !defined $new) {
            $row{verdict} = defined $old ? 'gone' : 'new';
        } else {
            $row{limit} = limit($_, $old);
            $row{verdict} = $new > $row{limit} ? 'worse' : $new < 2 * $old - $row{limit} ? 'better' : 'ok';
        }
        \%row;
    } in_order(keys %all);
}

sub failures { grep { $_->{verdict} =~ /^(?:worse|gone|none|undecided)$/ } @_ }

# { host => number of figures that both sides have }
sub compared
{
    my %of;
    $of{host($_->{name})}++ for grep { defined $_->{base} && defined $_->{now} } @_;
    return \%of;
}

sub change
{
    my ($row) = @_;
    return '' unless defined $row->{base} && defined $row->{now} && $row->{base} != $row->{now};
    return sprintf '%+d', $row->{now} - $row->{base} if $row->{base} == 0;
    return sprintf '%+.2f %%', 100 * ($row->{now} / $row->{base} - 1);
}

# What is as it was takes one line together, unless all is asked for.
sub table
{
    my ($rows, $all) = @_;
    my @shown = grep { $all || $_->{verdict} ne 'ok' || $_->{name} =~ m{/(?:shell_prompt|end)|^size|^rss} } @$rows;
    my $text = sprintf "%-52s %12s %12s %10s  %s\n", 'figure', 'baseline', 'now', 'change', 'verdict';
    $text .= sprintf "%-52s %12s %12s %10s  %s\n", $_->{name}, $_->{base} // '-', $_->{now} // '-',
        change($_), $_->{verdict} for @shown;
    my $rest = @$rows - @shown;
    $text .= "and $rest more, all ok (--all shows them)\n" if $rest > 0;
    return $text;
}

sub sentence
{
    my ($row) = @_;
    return sprintf '%s is %s, was %s (at most %s)', map { $_ // 'missing' } @$row{qw(name now base limit)};
}

sub tap
{
    my ($rows) = @_;
    my ($text, $n) = ('', 0);
    for my $row (@$rows) {
        my $bad = failures($row);
        $text .= ($bad ? 'not ok ' : 'ok ') . ++$n . " - $row->{name}\n";
        $text .= '#   ' . sentence($row) . "\n" if $bad;
    }
    return "1..$n\n$text";
}

sub xml { my $text = "$_[0]"; $text =~ s/([&<>"])/'&#' . ord($1) . ';'/ge; return $text }

sub junit
{
    my ($rows, $where) = @_;
    my $text = sprintf qq{<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="boot" hostname="%s" } .
        qq{tests="%d" failures="%d">\n}, xml($where), scalar @$rows, scalar failures(@$rows);
    for my $row (@$rows) {
        my ($kind, $name) = split m{/}, $row->{name}, 2;
        $text .= sprintf '  <testcase classname="boot.%s" name="%s"', xml($kind), xml($name);
        $text .= failures($row) ? sprintf qq{><failure message="%s"/></testcase>\n}, xml(sentence($row)) : "/>\n";
    }
    return "$text</testsuite>\n";
}

sub write_json
{
    my ($path, $value) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file JSON::PP->new->canonical->pretty->encode($value);
    close $file or die "$path: $!\n";
}

sub read_json
{
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    return decode_json(do { local $/; <$file> });
}

# A baseline is { figures => { name => number, ... }, made_by => { ... } }.  Dies where it is none: what
# is not a number would be taken for 0, or for a figure that is new.
sub read_baseline
{
    my ($path) = @_;
    my $base = eval { read_json($path) } // die "$path: no JSON: $@";
    my $figures = ref $base eq 'HASH' ? $base->{figures} : undef;
    ref $figures eq 'HASH' && %$figures or die "$path holds no figures, so nothing was compared; --accept writes them\n";
    for (sort keys %$figures) {
        my $value = $figures->{$_};
        die "$path: $_ is not a number, so nothing was compared\n"
            unless defined $value && !ref $value && $value =~ /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
    }
    $base->{made_by} = {} unless ref $base->{made_by} eq 'HASH';
    return $base;
}

1;
