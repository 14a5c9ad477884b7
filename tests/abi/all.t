#!/usr/bin/perl
# limit: 900
# all.t - runs the programs and scripts of tests/abi on this Linux and in the
# guest, and compares what they print and how they end.  Linux is the judge.
#
# In the guest many run in one machine, one after the other, each in an empty
# directory and with a time limit.  If the machine dies or falls silent, that is
# the failure of the program that ran, and the others go on in a new machine.
# Programs start alike on both sides: as a session leader with the same
# environment, descriptors, names of programs and directory, no signal ignored
# or blocked.
#
# ABI_ONLY=abi/NAME runs one, or those of several patterns (abi/pthread_* abi/glibc/spawn);
# ABI_CPUS=N gives the machines so many CPUs; HOST=kvm or qemu says where (default: kvm where
# there is /dev/kvm); KERNEL, which kernel runs (default: $O/guest.elf; guest-locks.elf
# beside it checks its locks); ABI_MACHINES says how many machines share the work.  The
# outputs stay in $O/tests/abi/out/HOST/NAME.{linux,guest}, and in "seconds" how long
# each took in the guest.  A line that begins with "# " is shown and not compared: why a
# side could not do all; if Linux could not (it says nothing else, or "not compared"), the guest's part need only
# find no fault.  A program with "not on qemu: REASON" in a comment is skipped there;
# ABI_HOST=nested is another such name.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use File::Copy qw(copy);
use Fcntl 'LOCK_EX';
use IO::Handle;
use POSIX qw(setsid);

use constant SLOW => $ENV{SLOW} // 1;
use constant { PROGRAM_SECONDS => 120 * SLOW, SILENT_SECONDS => 150 * SLOW, RESTARTS => 12 };
use constant { SYS_rt_sigaction => 13, SYS_rt_sigprocmask => 14, SIG_SETMASK => 2, SIGNALS => 64 };

my $O = $ENV{O} // 'build';
my $host = $ENV{HOST} || (-w '/dev/kvm' ? 'kvm' : 'qemu');
chomp(my $cwd = `pwd`);
$O = "$cwd/$O" unless $O =~ m{^/};
my $where = $ENV{ABI_HOST} // $host;
my $kernel = $ENV{KERNEL} || "$O/guest.elf";
my $dir = "$O/tests/abi";
my $cpus = $ENV{ABI_CPUS} // 1;
my $out = "$dir/out/$host" . ($cpus > 1 ? "-$cpus" : '');
chomp(my $busybox = `bash -c "type -P busybox"`);
my $scratch = "/tmp/forkscope-abi.$$";
my ($pack, $work) = ("$scratch/t", "$scratch/work");    # the same names on both sides
$| = 1;

# Names are as for make test T=abi/NAME, without "abi/".
sub names
{
    my @names = (glob('tests/abi/*.c'), glob('tests/abi/glibc/*.c'), glob('tests/abi/sh/*.sh'));
    s{^tests/abi/(.*)\.\w+$}{$1} for @names;
    # Huge pages are made of memory that was not in use as small ones (docs/linux.md): who wants them comes first.
    @names = ((grep { /collapse|huge/ } @names), (grep { !/collapse|huge/ } @names));
    return @names unless $ENV{ABI_ONLY};
    my @only = map { s{^abi/}{}r =~ s{\*}{[^/]*}gr } split ' ', $ENV{ABI_ONLY};
    return grep { my $name = $_; grep { $name =~ m{^$_(/|$)} } @only } @names;
}

sub command { my ($name) = @_; $name =~ m{^sh/} ? "sh $pack/$name.sh" : "$pack/$name" }

sub spew
{
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
}

sub slurp { my ($path) = @_; local (@ARGV, $/) = ($path); -e $path ? <> // '' : '' }

sub pack_up
{
    make_path("$pack/sh", "$pack/glibc");
    for (@_) {
        my ($from, $to) = m{^sh/} ? ("tests/abi/$_.sh", "$pack/$_.sh") : ("$dir/$_", "$pack/$_");
        copy($from, $to) or die "$from: $!";
        chmod 0755, $to;
    }
    copy('tests/abi/batch.sh', "$pack/batch.sh") or die "batch.sh: $!";
}

# What started this may have left signals ignored or blocked (32 and 33, too, which
# libc's sigaction refuses) and descriptors open.
sub start_clean
{
    my $default = "\0" x 32;
    syscall(SYS_rt_sigaction, $_, $default, 0, 8) for 1 .. SIGNALS;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, $default, 0, 8);
    POSIX::close($_) for 3 .. 255;
    umask 022;
    setsid();
}

sub on_linux
{
    my ($name, $path) = @_;
    remove_tree($work);
    make_path($work);
    open my $lock, '>>', "$dir/linux.lock" or die "linux.lock: $!";     # names, keys and sums are the machine's,
    flock $lock, LOCK_EX;                                               # and qemu.t runs the same beside us
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        chdir $work and open(STDIN, '<', '/dev/null') and open(STDOUT, '>', "$scratch/out") and
            open(STDERR, '>&', \*STDOUT) or die $work;
        %ENV = (HOME => '/root', PATH => $path);
        start_clean();
        { exec $busybox, 'timeout', '-s', 'KILL', PROGRAM_SECONDS, split / /, command($name) };
        POSIX::_exit(125);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    kill 'KILL', -$pid;         # what it left behind
    spew("$out/$name.linux", slurp("$scratch/out") . "\n=== status $status\n");
}

sub machine
{
    my ($number) = @_;
    my @batch = ("$pack/batch.sh", "$pack/list", $work, PROGRAM_SECONDS);
    if ($host eq 'kvm') {
        return ("$O/vmm", '-m', '512M', '-c', $cpus, '--add', "$pack:$pack", '--add',
                "$scratch/list.$number:$pack/list", $kernel, '--', 'sh', @batch);
    }
    my $root = "$scratch/root.$number";
    make_path("$root$scratch");
    system("cp -a $pack $root$scratch/ && cp $scratch/list.$number $root$pack/list &&" .
           " $O/mkroot -o $root.img -l $O/root.list $root") == 0 or die 'mkroot';
    return ('qemu-system-x86_64', '-M', 'microvm,x-option-roms=off,isa-serial=on', '-cpu', 'max',
            '-accel', 'tcg', '-smp', $cpus, '-m', '512M', '-nodefaults', '-no-user-config', '-display', 'none',
            '-serial', 'stdio', '-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04',
            '-kernel', $kernel, '-initrd', "$root.img", '-append',
            "init=/bin/run -- sh @batch");
}

# One machine, until it is done with @$todo, dies or falls silent.  Results go
# to files and %$done; the return value says how the machine ended.
sub run_machine
{
    my ($number, $todo, $done) = @_;
    spew("$scratch/list.$number", join '', map { "$_ " . command($_) . "\n" } @$todo);
    my @command = machine($number);
    my $pid = open(my $from, '-|') // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>>', "$out/stderr.$number";
        { exec @command };
        POSIX::_exit(125);
    }
    open my $log, '>>', "$out/console.$number" or die;
    $log->autoflush(1);
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
        last unless sysread($from, my $text, 65536);
        print $log $text;
        $buffer .= $text;
    }
    close $from;
    $end ||= 'ended with status ' . ($? >> 8);
    print $log "\n=== machine $end\n";
    $buffer =~ s/\r\n/\n/g;
    open my $seconds, '>>', "$out/seconds" or die;
    while ($buffer =~ /^=== begin (\S+) (\S+)\n(.*?)\n=== end \1 (\d+) (\S+)\n/gms) {
        spew("$out/$1.guest", "$3\n=== status $4\n");
        printf $seconds "%6.2f %s\n", $5 - $2, $1;
        $done->{$1} = 1;
    }
    return $end;
}

sub in_guest
{
    my ($number, @todo) = @_;
    my %done;
    for (0 .. RESTARTS) {
        my $end = run_machine($number, \@todo, \%done);
        @todo = grep { !$done{$_} } @todo;
        return unless @todo;
        spew("$out/" . shift(@todo) . '.guest', "the machine $end here\n");
    }
    spew("$out/$_.guest", "not run: too many machines died\n") for @todo;
}

sub in_background
{
    my ($work) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $work->();
    POSIX::_exit(0);
}

sub show_difference
{
    my ($name) = @_;
    my @diff = `diff -u $out/$name.linux $out/$name.guest`;
    splice @diff, 40, @diff, "...\n" if @diff > 40;
    print map { "#   $_" } @diff;
}

my @names = names();
remove_tree($out);
make_path("$out/sh", "$out/glibc", $scratch);
pack_up(@names);
my $applets = "$scratch/applets";
make_path($applets);
symlink $busybox, "$applets/$_" for map { chomp; $_ } `$busybox --list`;

my $machines = $ENV{ABI_MACHINES} // 2;
my %not = map { slurp("tests/abi/$_.c") =~ m{/\* not on (?:\w+, )*$where\b.*?: (.*) \*/} ? ($_ => $1) : () } @names;
print '1..', 2 * @names - keys %not, "\n# guest on $host with $cpus CPU", $cpus > 1 ? 's' : '', "\n";
my @workers = in_background(sub { on_linux($_, $applets) for grep { !$not{$_} } @names });
for my $number (0 .. $machines - 1) {
    my @share = @names[grep { $_ % $machines == $number && !$not{$names[$_]} } 0 .. $#names];
    push @workers, in_background(sub { in_guest($number, @share) }) if @share;
}
waitpid $_, 0 for @workers;

my $count = 0;
for my $name (@names) {
    my ($linux, $guest) = map { slurp("$out/$name.$_") } qw(linux guest);
    print "# $name: $_\n" for ($linux . $guest) =~ /^# (.*)/mg;
    my $told = $linux =~ /^# /m;
    my $less = $linux =~ /^# .*not compared/m;
    s/^# .*\n//mg for $linux, $guest;
    $less ||= $told && $linux =~ /\A\s*=== status 0\n\z/;
    if ($not{$name}) {
        print "ok ", ++$count, " - abi/$name # SKIP $not{$name}\n";
        next;
    }
    my $bad = $linux !~ /=== status 0\n\z/;
    print $bad ? 'not ' : '', 'ok ', ++$count, " - abi/$name on Linux\n";
    print map { "#   $_\n" } grep { defined } (split /\n/, $linux)[0 .. 9] if $bad;
    my $same = $guest eq $linux && $linux ne '';
    if ($less && !$same && $guest =~ /=== status 0\n\z/ && $guest !~ /^FAIL/m) {
        print 'ok ', ++$count, " - abi/$name in the guest # SKIP by itself: this Linux lacks a part of it\n";
        next;
    }
    print $same ? '' : 'not ', 'ok ', ++$count, " - abi/$name in the guest\n";
    show_difference($name) unless $same;
}
print map { "# $_" } map { split /^/ } map { slurp($_) } glob "$out/stderr.*";
remove_tree($scratch);
