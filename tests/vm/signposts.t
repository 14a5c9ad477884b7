#!/bin/bash
# Headers are signposts: what NAME.h declares is defined in NAME.c, or in the file that the
# nearest mark above it names at the beginning of a comment: "/* file.c", "/* room/file.c", or
# "/* guest/kernel.ld".
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

cat > "$work/signposts" <<'END'
use strict;
my (%where, %exists, %marks, @declared);

sub tags    # kinds of symbols in these files: [name, file, line]
{
    my ($kinds, @files) = @_;
    open my $tags, '-|', 'ctags', '--language-force=C', "--kinds-C=$kinds", '--fields=n', '-f', '-', @files or die;
    return map { my ($name, $file) = split /\t/; /\tline:(\d+)/ ? [$name, $file, $1] : () } grep { !/^!/ } <$tags>;
}

chomp(my @files = `find guest vmm shared -name '*.[ch]' -o -name '*.asm' -o -name '*.ld'`);
$exists{$_} = 1 for @files;
my @headers = sort grep { /\.h$/ } @files;

push @{$where{$_->[0]}}, $_->[1] for tags('fv', grep { /\.c$/ } @files);
for my $file (grep { /\.(asm|ld)$/ } @files) {
    open my $in, '<', $file or die;
    while (<$in>) {
        s/;.*// if $file =~ /\.asm$/;
        push @{$where{$_}}, $file for /^\s*global\s+(.*)/ ? split(/[\s,]+/, $1) : /(\w+) = / ? $1 : ();
    }
}

for my $header (@headers) {
    open my $in, '<', $header or die;
    my ($room, $tree) = $header =~ m{((.*?)(?:/.*)?)/};
    while (<$in>) {
        next unless m{^\s*/[*/] ((?:\w+/)*\w+\.(?:c|asm|ld))\b};
        my $named = $1;
        my $file = $named !~ m{/} ? "$room/$named" : $named =~ m{^\Q$tree\E/} ? $named : "$tree/$named";
        push @{$marks{$header}}, [$., $file];
        print "$header:$.: the mark names $file, which is not there\n" unless $exists{$file};
    }
}

for (tags('px', @headers)) {
    my ($name, $header, $line) = @$_;
    my $owner = $header =~ s/h$/c/r;
    $_->[0] <= $line and $owner = $_->[1] for @{$marks{$header}};
    my @in = @{$where{$name} // []};
    print "$header:$line: $name should be in $owner, is in ", "@in" || 'no file', "\n" unless grep { $_ eq $owner } @in;
}
END
is 'what a header declares is where it says' "$(perl "$work/signposts")" ''
done_testing
