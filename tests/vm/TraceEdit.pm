# TraceEdit.pm - takes a trace apart into its events and puts it together again, one of them gone,
# twice there or another one.  It reads the layout of events from the trace's own metadata.
package TraceEdit;
use strict;
use warnings;

use constant { HEADER => 84, CONTENT_SIZE => 48, PACKET_SIZE => 56, WINDOW => 256 * 1024 };

my %SIZE = (u8 => 1, u16 => 2, u32 => 4, u64 => 8, s32 => 4, s64 => 8, hex32 => 4, hex64 => 8, char => 1);
my %PACK = (1 => 'C', 2 => 'v', 4 => 'V', 8 => 'Q<');

sub read_file { my ($path) = @_; local $/; open(my $f, '<:raw', $path) or die "$path: $!\n"; return scalar <$f> }

# { id => { name, size, sequence, field => { name => [offset, size] } } } from the metadata, and
# the values of its lists by name.
sub layouts
{
    my ($text) = @_;
    my (%layout, %value);
    while ($text =~ /typealias enum : u8_t \{(.*?)\} := (\w+)_t;/g) {
        my ($list, $label) = ($1, $2);
        $value{$label}{$1} = $2 while $list =~ /"(\w+)" = (\d+)/g;
    }
    while ($text =~ /event \{ id = (\d+);[^"]*"(\w+)";(.*?)\n\};/sg) {
        my ($id, $name, $body) = ($1, $2, $3);
        my ($at, %field, $sequence) = (0);
        while ($body =~ /(\w+?)_t (\w+)(\[(\w+)\])?;/g) {
            my ($type, $field, $count) = ($1, $2, $4);
            my $size = $SIZE{$type} // 1;    # a list's value is a byte
            if (defined $count && $count !~ /^\d+$/) { $sequence = 1; next }
            $size *= $count if defined $count;
            $field{$field =~ s/^_//r} = [$at, $size];
            $at += $size;
        }
        $layout{$id} = { name => $name, size => $at, sequence => $sequence, field => \%field };
    }
    return (\%layout, \%value);
}

sub open_trace
{
    my ($class, $dir) = @_;
    my $self = bless { metadata => read_file("$dir/metadata") }, $class;
    ($self->{layout}, $self->{value}) = layouts($self->{metadata});
    for my $path (sort glob "$dir/cpu*") {
        my ($cpu) = $path =~ /cpu(\d+)$/;
        $self->{stream}{$cpu} = [ $self->packets(read_file($path), $cpu) ];
    }
    $self->{events} = [ map { my $cpu = $_; map { my $p = $_; map { $_ } @{ $p->{events} } } @{ $self->{stream}{$cpu} } }
        sort keys %{ $self->{stream} } ];
    return $self;
}

sub packets
{
    my ($self, $bytes, $cpu) = @_;
    my @packets;
    for (my $at = 0; $at + HEADER <= length $bytes;) {
        my ($content, $size) = map { $_ / 8 } unpack 'Q<Q<', substr $bytes, $at + CONTENT_SIZE, 16;
        my $packet = { header => substr($bytes, $at, HEADER), cpu => $cpu };
        my $end = $at + $content;
        for (my $p = $at + HEADER; $p < $end;) {
            my $e = $self->event(\$bytes, $p);
            @$e{'packet', 'index'} = ($packet, scalar @{ $packet->{events} // [] });
            push @{ $packet->{events} }, $e;
            $p += length $e->{raw};
        }
        $packet->{events} //= [];
        push @packets, $packet;
        $at += $size;
    }
    return @packets;
}

sub event
{
    my ($self, $bytes, $at) = @_;
    my $word = unpack 'V', substr $$bytes, $at, 4;
    my ($id, $header) = ($word & 31, 4);
    ($id, $header) = (unpack('V', substr $$bytes, $at + 1, 4), 13) if $id == 31;
    my $layout = $self->{layout}{$id} or die "no event of kind $id\n";
    my $fields = $at + $header + 8;
    my $size = $layout->{size};
    $size += 8 * unpack('v', substr $$bytes, $fields + $size - 2, 2) if $layout->{sequence};
    return { name => $layout->{name}, layout => $layout, at => $header + 8,
             raw => substr($$bytes, $at, $header + 8 + $size) };
}

# Also pid and mm, of the context.
sub place
{
    my ($e, $field) = @_;
    return ($e->{at} - 8, 4) if $field eq 'pid';
    return ($e->{at} - 4, 4) if $field eq 'mm';
    my $f = $e->{layout}{field}{$field} or die "no $field in $e->{name}\n";
    return ($e->{at} + $f->[0], $f->[1]);
}

sub get
{
    my ($e, $field) = @_;
    my ($at, $size) = place($e, $field);
    return unpack $PACK{$size}, substr $e->{raw}, $at, $size;
}

sub with
{
    my ($e, %new) = @_;
    my $raw = $e->{raw};
    for my $field (keys %new) {
        my ($at, $size) = place($e, $field);
        substr($raw, $at, $size) = pack $PACK{$size}, $new{$field};
    }
    return $raw;
}

# The first event of a packet has the time in full, so it stays where it is.
sub is_first { return $_[0]{index} == 0 }

# Writes the trace to $dir with these bytes in the place of the event's; '' drops it.
sub write_with
{
    my ($self, $dir, $event, $bytes) = @_;
    if (!-d $dir) {
        mkdir $dir or die "$dir: $!\n";
        write_file("$dir/metadata", $self->{metadata});
        $self->{written} = {};
    }
    my $packet = $event->{packet};
    for my $cpu (keys %{ $self->{stream} }) {
        my $mine = $cpu == $packet->{cpu};
        next if !$mine && $self->{written}{$cpu}++;
        delete $self->{written}{$cpu} if $mine;
        write_file("$dir/cpu$cpu", join '', map {
            my $p = $_;
            $p == $packet ? packed($p, $event, $bytes) : ($p->{packed} //= packed($p))
        } @{ $self->{stream}{$cpu} });
    }
}

sub packed
{
    my ($packet, $event, $bytes) = @_;
    my $content = $packet->{header} . join '', map { defined $event && $_ == $event ? $bytes : $_->{raw} } @{ $packet->{events} };
    my $size = int((length($content) + 4095) / 4096) * 4096;
    die "a packet of $size bytes\n" if $size > WINDOW;
    substr($content, CONTENT_SIZE, 16) = pack 'Q<Q<', 8 * length $content, 8 * $size;
    return $content . "\0" x ($size - length $content);
}

sub write_file { my ($path, $bytes) = @_; open(my $f, '>:raw', $path) or die "$path: $!\n"; print $f $bytes; close $f or die "$path: $!\n" }

1;
