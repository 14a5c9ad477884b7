#!/usr/bin/perl
# limit: 900
# all.t - runs the programs and scripts of tests/abi on this Linux and in the
# guest, and compares what they print and how they end.  Linux is the judge.
#
# In the guest many run in one machine, one after the other, each in an empty
# directory and with a time limit.  If the machine dies or falls silent, that is
# the failure of the program that ran, and the others go on in a new machine.
#
# ABI_ONLY=abi/NAME runs one; ABI_HOST=kvm or qemu says where (default: kvm where
# there is /dev/kvm).  The outputs stay in $O/tests/abi/out/NAME.{linux,guest}.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use File::Copy qw(copy);
use POSIX qw(setsid);

use constant { PROGRAM_SECONDS => 40, SILENT_SECONDS => 60, MACHINES => 12 };

my $O = $ENV{O} // 'build';
my $host = $ENV{ABI_HOST} // (-w '/dev/kvm' ? 'kvm' : 'qemu');
my $dir = "$O/tests/abi";
chomp(my $cwd = `pwd`);
$O = "$cwd/$O" unless $O =~ m{^/};
chomp(my $busybox = `sh -c "command -v busybox"`);
my $scratch = "/tmp/forkscope-abi.$$";
$| = 1;

# Names are as for make test T=abi/NAME, without "abi/".
sub names
{
    my @names = (glob('tests/abi/*.c'), glob('tests/abi/glibc/*.c'), glob('tests/abi/sh/*.sh'));
    s{^tests/abi/(.*)\.\w+$}{$1} for @names;
    return @names unless $ENV{ABI_ONLY};
    (my $only = $ENV{ABI_ONLY}) =~ s{^abi/}{};
    return grep { $_ eq $only || index($_, "$only/") == 0 } @names;
}

sub command { my ($root, $name) = @_; $name =~ m{^sh/} ? "sh $root/$name.sh" : "$root/$name" }

# The file system of programs: $pack is /t in the guest.
sub pack_up
{
    my ($pack, @names) = @_;
    remove_tree($pack);
    make_path("$pack/sh", "$pack/glibc");
    for (@names) {
        my ($from, $to) = m{^sh/} ? ("tests/abi/$_.sh", "$pack/$_.sh") : ("$dir/$_", "$pack/$_");
        copy($from, $to) or die "$from: $!";
        chmod 0755, $to;
    }
    copy('tests/abi/batch.sh', "$pack/batch.sh") or die "batch.sh: $!";
}

sub on_linux
{
    my ($pack, $name, $path) = @_;
    my $work = "$scratch/work";
    remove_tree($work);
    make_path($work);
    my $out = "$dir/out/$name.linux";
    my $line = command($pack, $name);
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        setsid();
        chdir $work and open(STDIN, '<', '/dev/null') and open(STDOUT, '>', "$scratch/out") and
            open(STDERR, '>&', \*STDOUT) or die $work;
        %ENV = (HOME => '/root', PATH => $path);
        exec $busybox, 'timeout', '-s', 'KILL', PROGRAM_SECONDS, split / /, $line;
        exit 125;
    }
    waitpid $pid, 0;
    my $status = $? >> 8;
    kill 'KILL', -$pid;         # what it left behind
    open my $in, '<', "$scratch/out" or die;
    read $in, my $text, 1 << 20;
    $text .= "\n=== status $status\n";
    open my $file, '>', $out or die "$out: $!";
    print $file $text;
    return $text;
}

sub machine
{
    my ($pack) = @_;
    if ($host eq 'kvm') {
        return ("$O/vmm", '-m', '512M', '--add', "$pack:/t", "$O/guest.elf", '--',
                'sh', '/t/batch.sh', PROGRAM_SECONDS);
    }
    my $root = "$scratch/root";
    system("$O/mkroot -o $scratch/root.img -l $O/root.list $root") == 0 or die 'mkroot';
    return ('qemu-system-x86_64', '-M', 'microvm,x-option-roms=off,isa-serial=on', '-cpu', 'max',
            '-accel', 'tcg', '-m', '512M', '-nodefaults', '-no-user-config', '-display', 'none',
            '-serial', 'stdio', '-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04',
            '-kernel', "$O/guest.elf", '-initrd', "$scratch/root.img", '-append',
            'init=/bin/run -- sh /t/batch.sh ' . PROGRAM_SECONDS);
}

# One machine, until it is done with @$todo, dies or falls silent.  Results go
# to %$results; the return value says how the machine ended.
sub run_machine
{
    my ($pack, $todo, $results) = @_;
    open my $list, '>', "$pack/list" or die;
    print $list "$_ ", command('/t', $_), "\n" for @$todo;
    close $list;
    my @command = machine($pack);
    my $pid = open(my $from, '-|') // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>', "$dir/out/machine.stderr";
        exec @command or exit 125;
    }
    my ($buffer, $end) = ('', '');
    while (1) {
        my $bits = '';
        vec($bits, fileno($from), 1) = 1;
        if (select($bits, undef, undef, SILENT_SECONDS) <= 0) {
            $end = 'fell silent';
            kill 'TERM', $pid;
            sleep 1;
            kill 'KILL', $pid;
            last;
        }
        last unless sysread($from, $buffer, 65536, length $buffer);
    }
    close $from;
    $end ||= 'ended with status ' . ($? >> 8);
    $buffer =~ s/\r\n/\n/g;
    open my $log, '>>', "$dir/out/machine.log" or die;
    print $log $buffer, "\n=== machine $end\n";
    while ($buffer =~ /^=== begin (\S+)\n(.*?)\n=== end \1 (\d+)\n/gms) {
        $results->{$1} = "$2\n=== status $3\n";
    }
    return $end;
}

sub in_guest
{
    my ($pack, @names) = @_;
    my (%results, %died);
    my @todo = @names;
    for (1 .. MACHINES) {
        my $end = run_machine($pack, \@todo, \%results);
        @todo = grep { !defined $results{$_} } @todo;
        last unless @todo;
        my $culprit = shift @todo;
        $results{$culprit} = "the machine $end here\n";
    }
    $results{$_} //= "not run: too many machines died\n" for @names;
    if (open my $err, '<', "$dir/out/machine.stderr") {
        print "# $_" while <$err>;
    }
    return \%results;
}

sub show_difference
{
    my ($name) = @_;
    my @diff = `diff -u $dir/out/$name.linux $dir/out/$name.guest`;
    splice @diff, 40, @diff, "...\n" if @diff > 40;
    print map { "#   $_" } @diff;
}

my @names = names();
make_path("$dir/out/sh", "$dir/out/glibc", $scratch, "$scratch/root");
unlink "$dir/out/machine.log";
my $pack = "$scratch/root/t";
pack_up($pack, @names);
my $applets = "$scratch/applets";
make_path($applets);
symlink $busybox, "$applets/$_" for map { chomp; $_ } `$busybox --list`;

print '1..', 2 * @names, "\n# guest on $host\n";
my ($number, %linux) = (0);
for my $name (@names) {
    $linux{$name} = on_linux($pack, $name, $applets);
    my $bad = $linux{$name} !~ /=== status 0\n\z/;
    print $bad ? 'not ' : '', 'ok ', ++$number, " - abi/$name on Linux\n";
    print map { "#   $_\n" } grep { defined } (split /\n/, $linux{$name})[0 .. 9] if $bad;
}
my $guest = in_guest($pack, @names);
for my $name (@names) {
    open my $file, '>', "$dir/out/$name.guest" or die;
    print $file $guest->{$name};
    close $file;
    my $same = $guest->{$name} eq $linux{$name};
    print $same ? '' : 'not ', 'ok ', ++$number, " - abi/$name in the guest\n";
    show_difference($name) unless $same;
}
remove_tree($scratch);
