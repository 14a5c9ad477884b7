# Machines.pm - the machines on which the same static binary is measured.
#
#   host          this Linux, as it is
#   guest_vmm     our kernel under our vmm, on /dev/kvm
#   guest_ring0   the same with the kernel in ring 0, where it would be in ring 3
#   guest_icount  our kernel in QEMU's microvm with -icount: a nanosecond is an instruction
#   linux_icount  Debian's Linux, in the same machine
#
# Each runs a shell command and gives what it wrote.  In the machines the program under
# measurement is /bin/micro.  Linux gets a root image with BusyBox, that program and an
# init that does nothing but mount /proc and /dev and run the command.
#
# The emulator counts every round of a REP as an instruction.  So that copying a page costs both
# 512 of them and not one 4096, the processor offers no fast string operations by the byte (ERMS).
package Machines;
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use lib "$FindBin::Bin/../tests/boot";
use Boot qw(boot);

our @EXPORT_OK = qw(run linux_image linux_dir shell);

use constant LIMIT => 900;      # seconds

my @MICROVM = ('qemu-system-x86_64', '-M', 'microvm,x-option-roms=off,isa-serial=on', '-cpu', 'max,erms=off,fsrm=off',
               '-accel', 'tcg',
               '-icount', 'shift=0,sleep=off', '-seed', 1, '-rtc', 'base=2024-01-01T00:00:00,clock=vm',
               '-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot',
               '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04');

sub shell { system('sh', '-ec', $_[0]) == 0 or die "failed: $_[0]\n" }

sub linux_dir
{
    my ($o) = @_;
    chomp(my $dir = `O=$o $FindBin::Bin/../tests/hosts/linux`);
    die "no Linux to compare with\n" unless -d $dir;
    return $dir;
}

# A root image for Linux, made by our packer, whose init runs the shell command.
sub linux_image
{
    my ($o, $image, $command) = @_;
    my $root = "$image.root";
    shell("rm -rf $root && mkdir -p $root/bin $root/proc $root/dev && cp \$(command -v busybox) $o/bench/micro $root/bin/");
    open my $init, '>', "$root/init" or die "$root/init: $!";
    print $init "#!/bin/busybox sh\n/bin/busybox mount -t proc proc /proc\n/bin/busybox mount -t devtmpfs dev /dev\n",
        "export PATH=/bin\n/bin/busybox --install -s /bin\n$command\npoweroff -f\n";
    close $init;
    shell("chmod 755 $root/init && $o/mkroot -o $image $root");
    return $image;
}

sub guest_image
{
    my ($o) = @_;
    shell("mkdir -p $o/bench/guest/bin && cp $o/bench/micro $o/bench/guest/bin/ && " .
          "$o/mkroot -o $o/bench/guest.img -l $o/root.list $o/bench/guest");
    return "$o/bench/guest.img";
}

my %COMMAND = (
    host => sub { my ($o, $command) = @_; ('sh', '-c', "PATH=$o/bench:\$PATH; $command") },
    guest_vmm => sub {
        my ($o, $command, $memory) = @_;
        ("$o/vmm", '-q', '-m', $memory, '--add', "$o/bench/micro:/bin/micro", "$o/guest.elf", '--', 'sh', '-c', $command)
    },
    guest_ring0 => sub {
        my ($o, $command, $memory) = @_;
        ("$o/vmm", '-q', '--kernel-ring=0', '-m', $memory, '--add', "$o/bench/micro:/bin/micro", "$o/guest.elf", '--', 'sh', '-c', $command)
    },
    guest_icount => sub {
        my ($o, $command, $memory, $words) = @_;
        (@MICROVM, '-m', $memory, '-kernel', "$o/guest.elf", '-initrd', guest_image($o),
         '-append', ($words // '') . qq{ init=/bin/run -- sh -c "$command"})
    },
    linux_icount => sub {
        my ($o, $command, $memory) = @_;
        my ($kernel) = glob linux_dir($o) . '/boot/vmlinuz-*';
        (@MICROVM, '-m', $memory, '-kernel', $kernel, '-initrd', linux_image($o, "$o/bench/linux.img", $command),
         '-append', 'console=ttyS0 quiet panic=-1 reboot=t')
    },
);

# What the command wrote there, without CR and the kernel's own lines.  $words: for the kernel's
# command line, of guest_icount.
sub run
{
    my ($machine, $o, $command, $memory, $words) = @_;
    my $ended = boot([$COMMAND{$machine}->($o, $command, $memory, $words)], limit => LIMIT);
    return $ended->{console} =~ s/\r//gr =~ s/^\[ *\d+\.\d+\].*\n//gmr;
}

1;
