# RootStart.pm - what `--root` adds to a start: trees of so many files of a size, which nobody reads, as directories and
# as tars that were unpacked before, beside a start without --root.  All by turns, `runs` rounds of them.
#
# CPU time is that of the whole vmm, to the microsecond; memory is the most that it had resident.
package RootStart;
use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use FindBin;
use Time::HiRes qw(time);
use lib "$FindBin::Bin/../tests/boot";
use Stats qw(median);

# Files, bytes of each, as a tar?
my @TREES = ([20, 16384], [200, 16384], [2000, 16384], [2000, 524288], [2000, 16384, 1], [30000, 35000], [30000, 35000, 1]);

# Contents are holes: a file's size is what matters, and nobody reads it.
sub make_tree
{
    my ($dir, $files, $bytes) = @_;
    mkdir $_ or die "$_: $!\n" for $dir, "$dir/bin";
    chomp(my $busybox = `sh -c "command -v busybox"`);
    copy($busybox, "$dir/bin/sh") && chmod 0755, "$dir/bin/sh" or die "$dir/bin/sh: $!\n";
    for my $n (0 .. $files - 2) {
        my $in = "$dir/" . int($n / 100);
        $n % 100 or mkdir $in or die "$in: $!\n";
        open my $file, '>', "$in/$n" or die "$in/$n: $!\n";
        truncate $file, $bytes or die "$in/$n: $!\n";
    }
}

# { cpu, wall, rss } of a machine's whole life, in ms and MB.  `time` says the memory: a child of this
# process had as much as this one before it became vmm.
use constant SYS_wait4 => 61;
sub once
{
    my ($o, $dir, @options) = @_;
    my @command = ('timeout', '-k', '2', '120', '/usr/bin/env', 'time', '-f', '%M', '-o', "$dir/rss", "$o/vmm", '-q', @options,
                   "$o/guest.elf", '--', 'sh', '-c', 'exit 3');
    my ($begin, $usage, $status) = (time, "\0" x 144, "\0" x 4);
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $ENV{XDG_CACHE_HOME} = "$dir/cache";
        open(STDIN, '<', '/dev/null') and open(STDERR, '>', "$dir/said") or die;
        exec @command or die "$command[0]: $!\n";
    }
    syscall(SYS_wait4, $pid, $status, 0, $usage) == $pid or die "wait4: $!\n";
    my $wall = time - $begin;
    unpack('L', $status) == 3 << 8 or die "@command: status ", unpack('L', $status), "\n", `cat $dir/said`;
    my ($us, $uus, $ss, $sus) = unpack 'q4', $usage;
    my ($kb) = `tail -n 1 $dir/rss` =~ /(\d+)/ or die "time says no memory\n";
    return { cpu => 1000 * ($us + $ss) + ($uus + $sus) / 1000, wall => 1000 * $wall, rss => $kb / 1024 };
}

# Rows { name, files, mb, cpu, wall, rss }; the first is the start without --root.
sub rows
{
    my ($o, $runs) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my @rows = ({ name => 'no --root', options => [] });
    for (@TREES) {
        my ($files, $bytes, $tar) = @$_;
        my $tree = "$dir/$files-$bytes";
        make_tree($tree, $files, $bytes) unless -e $tree;
        system('tar', '-C', $tree, '-cSf', "$tree.tar", '.') == 0 or die "no tar\n" if $tar;
        push @rows, { name => $tar ? 'tar' : 'directory', files => $files, mb => $files * $bytes / 1e6,
                      options => ['--root', $tar ? "$tree.tar" : $tree] };
    }
    once($o, $dir, @{$_->{options}}) for @rows;         # unpacks the tars, and the host knows the names
    for (1 .. $runs) {
        push @{$_->{all}}, once($o, $dir, @{$_->{options}}) for @rows;
    }
    for my $row (@rows) {
        my ($all) = delete @$row{qw(all options)};
        for my $figure (qw(cpu wall rss)) {
            $row->{$figure} = median(map { $_->{$figure} } @$all);
        }
    }
    return @rows;
}

1;
