# Figures.pm - what a boot costs, in figures that are the same in every run.
#
# Instructions come from QEMU with -icount and the plugin count.so; exits, hypercalls,
# page-table writes and faults from the VMM's boot report, on /dev/kvm, and where that interprets the
# kernel, the instructions that it interpreted; sizes from the ELF file; the VMM's memory from /proc.  Each figure has a name whose parts say what, where
# (the emulator, or the flavour of KVM) and up to which stage, counted from reset:
#     instructions/qemu/shell_prompt/kernel     exits/pvm/shell_prompt
package Figures;
use strict;
use warnings;
no warnings 'portable';        # addresses have 64 bits
use Exporter 'import';
use File::Temp qw(tempdir);
use File::Basename qw(dirname);
use FindBin;
use JSON::PP;
use POSIX qw(mkfifo);
use lib $FindBin::Bin;
use Boot qw(boot);

our @EXPORT_OK = qw(figures slack unit);

# How far above the baseline a figure may lie: per cent, and in absolute terms, for small ones.
sub slack
{
    my ($name) = @_;
    return (1, 200) if $name =~ m{^(?:instructions|interpreted)/};
    return (1, 0) if $name =~ m{^size/};
    return (25, 0) if $name =~ m{^rss/};      # what of a file is mapped depends on the host's cache
    return (0, 0);
}

sub unit { $_[0] =~ m{^(?:size|rss)/} ? 'bytes' : '' }

my @STAGES;         # names of the stages by number: shared/boot_stages.h
sub stages
{
    return @STAGES if @STAGES;
    open my $file, '<', dirname(__FILE__) . "/../../shared/boot_stages.h" or die "boot_stages.h: $!";
    /^\s*X\((\d+), (\w+)\)/ and $STAGES[$1] = $2 while <$file>;
    return @STAGES;
}

# --- instructions ------------------------------------------------------------------

# Address and size of a symbol, as "ADDR+BYTES" in hexadecimal; undef if there is none.
sub symbol
{
    my ($kernel, $name) = @_;
    for (`nm -S '$kernel' 2>/dev/null`) {
        return "$1+$2" if /^(\w+) (\w+) \w \Q$name\E$/;
        return "$1+0" if /^(\w+) \w \Q$name\E$/;
    }
    return undef;
}

sub plugin_options
{
    my ($boot) = @_;
    my ($array, $function) = map { symbol($boot->{kernel}, $_) } 'boot_stages_reached', 'boot_stage';
    my $options = $array && $function ? ",marks=$array,marker=$function" : '';
    for my $mark (@{$boot->{marks}}) {
        my ($name, $symbol) = split /=/, $mark, 2;
        my $at = symbol($boot->{kernel}, $symbol // $name) // die "no symbol $symbol in $boot->{kernel}\n";
        $options .= ",mark=$name\@" . $at =~ s/\+.*//r;
    }
    return $options;
}

sub qemu_command
{
    my ($boot, @more) = @_;
    my @initrd = $boot->{initrd} ? ('-initrd', $boot->{initrd}) : ();
    return ('qemu-system-x86_64', '-M', 'microvm,x-option-roms=off,isa-serial=on', '-cpu', 'max',
            '-accel', 'tcg', '-icount', 'shift=0,sleep=off', '-seed', 1, '-rtc',
            'base=2024-01-01T00:00:00,clock=vm', '-m', $boot->{memory}, '-nodefaults',
            '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot',
            '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04', '-kernel', $boot->{kernel}, @initrd,
            '-append', $boot->{append_qemu}, @more);
}

sub instructions
{
    my ($boot) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $plugin = "$boot->{build}/tests/boot/count.so,out=$dir/counts" . plugin_options($boot);
    boot([qemu_command($boot, '-plugin', $plugin)], until => $boot->{until}, limit => 300);
    open my $counts, '<', "$dir/counts" or die "the plugin wrote nothing: $!\n";
    my ($figures, @names) = ({}, stages());
    while (<$counts>) {
        my ($name, $entry, $kernel, $user) = split;
        # What runs after the end that was waited for depends on when it was noticed.
        next if $name eq 'end' && defined $boot->{until} && !$boot->{end};
        my $ours = $name =~ /^\d+$/;
        $name = $names[$name] if $ours;
        $figures->{"instructions/qemu/$name/kernel"} = $kernel;
        $figures->{"instructions/qemu/$name/user"} = $user;
        # All of our stages lie behind the first instruction in the upper half.
        $figures->{"instructions/qemu/$name/entry"} = $entry if !$ours || $name eq 'kernel_entry';
    }
    return $figures;
}

# --- exits, page-table writes, memory -------------------------------------------------

# Resident bytes of a VMM besides guest RAM: one run of mappings of just that size, on a 2 MiB border.
sub rss_beside
{
    my ($pid, $ram) = @_;
    my @maps;
    open my $smaps, '<', "/proc/$pid/smaps" or return undef;
    while (<$smaps>) {
        if (/^([0-9a-f]+)-([0-9a-f]+) /) {
            push @maps, { from => hex $1, to => hex $2, rss => 0 };
        } elsif (/^Rss:\s+(\d+) kB/) {
            $maps[-1]{rss} = $1 * 1024;
        }
    }
    my $all = 0;
    $all += $_->{rss} for @maps;
    for my $first (grep { $maps[$_]{from} % 0x200000 == 0 } 0 .. $#maps) {
        my ($end, $guest) = ($maps[$first]{from}, 0);
        for my $map (@maps[$first .. $#maps]) {
            last if $map->{from} != $end;
            ($end, $guest) = ($map->{to}, $guest + $map->{rss});
            return $all - $guest if $end - $maps[$first]{from} == $ram;
        }
    }
    return undef;
}

sub bytes
{
    my ($number, $unit) = $_[0] =~ /^(\d+)([KMG]?)$/i or die "not a size: $_[0]\n";
    return $number * { '' => 1, K => 1 << 10, M => 1 << 20, G => 1 << 30 }->{uc $unit};
}

sub vmm_command
{
    my ($boot, @options) = @_;
    my @initrd = $boot->{initrd} ? ('-i', $boot->{initrd}) : ();
    my @append = $boot->{append} ? ('-a', $boot->{append}) : ();
    return ($boot->{vmm}, '-m', $boot->{memory}, @initrd, @append, @options, $boot->{kernel},
            $boot->{words} ? ('--', @{$boot->{words}}) : ());
}

sub counts_once
{
    my ($boot, @options) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my $rss;
    my $ended = boot([vmm_command($boot, @options, '--boot-report', "$dir/report.json")], until => $boot->{until},
                     at_end => sub { $rss = rss_beside($_[0], bytes($boot->{memory})) });
    open my $file, '<', "$dir/report.json" or die "no boot report: $ended->{errors}";
    my $report = decode_json(do { local $/; <$file> });
    my ($figures, $host) = ({}, $report->{host});
    my $guest;
    for my $stage (@{$report->{stages}}) {
        $guest ||= $stage->{stage} eq 'first_run';
        next unless $guest;
        $figures->{"$_/$host/$stage->{stage}"} = $stage->{$_} for qw(exits hypercalls pte_writes faults);
        # In ring 3 few are, and as many as there were interrupts.
        $figures->{"interpreted/$host/$stage->{stage}"} = $stage->{interpreted}
            if $stage->{interpreted} && $host !~ /-ring3$/;
    }
    $figures->{"rss/$host/vmm"} = $rss if defined $rss;
    return ($figures, $host);
}

# Where ring 0 is interpreted the kernel leaves the interpreter when an interrupt waits in the midst of a
# long call, and processes overlap otherwise from boot to boot, where the host is busy.  So the least of three
# boots counts.
sub counts
{
    my ($boot, @options) = @_;
    my ($figures, $host) = counts_once($boot, @options);
    for (2 .. 3) {
        my ($more) = counts_once($boot, @options);
        for my $name (grep { $more->{$_} < $figures->{$_} } keys %$more) {
            $figures->{$name} = $more->{$name};
        }
    }
    return ($figures, $host);
}

# --- sizes ----------------------------------------------------------------------------

sub sizes
{
    my ($boot) = @_;
    my ($file, $image) = (0, $boot->{initrd} ? -s $boot->{initrd} : 0);
    for (`readelf -lW '$boot->{kernel}'`) {
        $file += hex $1 if /^\s*LOAD\s+\S+\s+\S+\s+\S+\s+(\S+)/;
    }
    for (`readelf -SW '$boot->{kernel}'`) {
        next unless /\.rootimg\s+\S+\s+\S+\s+\S+\s+(\S+)/;
        $file -= hex $1;
        $image ||= hex $1;
    }
    return { 'size/kernel' => $file, 'size/image' => $image };
}

# figures(\%boot): (\%figures, \@hosts, \@notes).  Where there is no /dev/kvm, or no QEMU, a note says so.
sub figures
{
    my ($boot) = @_;
    my (%figures, @hosts, @notes);
    %figures = %{sizes($boot)};
    if (system('command -v qemu-system-x86_64 > /dev/null') == 0) {
        %figures = (%figures, %{instructions($boot)});
        push @hosts, 'qemu';
    } else {
        push @notes, 'no instructions: qemu-system-x86_64 is not installed';
    }
    if (-w '/dev/kvm') {
        my ($counts, $host) = counts($boot);
        %figures = (%figures, %$counts);
        push @hosts, $host;
        if ($host =~ /-ring3$/) { # the kernel in ring 0 as well
            ($counts, $host) = counts($boot, '--kernel-ring=0');
            %figures = (%figures, %$counts);
            push @hosts, $host;
        }
    } else {
        push @notes, 'no exits, faults and page-table writes: there is no /dev/kvm';
    }
    return (\%figures, \@hosts, \@notes);
}

1;
