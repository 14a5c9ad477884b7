#!/usr/bin/perl
# limit: 120
# start.t - from exec to the first KVM_RUN vmm takes at most 1.3 times as long as a bare
# program that makes the same KVM calls.  Runs are interleaved, and of each kind the fastest
# tenth decides: the others were interrupted by what else the host does.
# not on nested: the times of an emulated processor are not compared
use strict;
use warnings;
use Time::HiRes qw(time);

use constant { RUNS => 50, TRIES => 4, RATIO => 1.3 };

unless (-w '/dev/kvm' && ($ENV{HOST} // '') ne 'qemu') {
    print "1..0 # SKIP needs /dev/kvm and our vmm\n";
    exit;
}
my $O = $ENV{O} // 'build';
my $cc = $ENV{CC} // 'cc';
my $bare = "$O/tests/vm/bare_kvm";
my $guest = "$O/tests/vm/exit7";
system("mkdir -p $O/tests/vm && $cc -O2 -Wall -Wextra -Werror -pthread tests/vm/bare_kvm.c -o $bare &&
        nasm -f elf64 tests/vm/guests/exit7.asm -Itests/vm/guests/ -o $guest.o &&
        ld -z noexecstack -Ttext-segment=0x100000 -e start $guest.o -o $guest") == 0 or die;

# Microseconds until the first byte on stderr: both write it just before KVM_RUN.
sub start
{
    my ($status, @command) = @_;
    pipe(my $read, my $write) or die;
    my $from = time;
    my $pid = fork // die;
    if ($pid == 0) {
        open(STDIN, '<', '/dev/null') and open(STDERR, '>&', $write) or die;
        exec @command or exit 127;
    }
    close $write;
    sysread $read, my $byte, 1;
    my $took = time - $from;
    waitpid $pid, 0;
    die "@command: status $?" unless $? >> 8 == $status;
    return $took * 1e6;
}

sub fast { my @sorted = sort { $a <=> $b } @_; $sorted[@sorted / 10] }

my $ratio;
for (1 .. TRIES) {
    my (@bare, @vmm);
    for (1 .. RUNS) {
        push @bare, start(0, $bare);
        push @vmm, start(7, "$O/vmm", '-v', $guest);
    }
    my ($b, $v) = (fast(@bare), fast(@vmm));
    $ratio = $v / $b;
    printf "# exec to KVM_RUN, fast ones of %d: bare program %.0f us, vmm %.0f us\n", RUNS, $b, $v;
    last if $ratio <= RATIO;
}
printf "%s 1 - vmm starts in %.2f times what a bare program takes\n1..1\n",
    $ratio <= RATIO ? 'ok' : 'not ok', $ratio;
