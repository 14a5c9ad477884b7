# Boot.pm - one boot of a machine, watched from outside.
#
# A boot is over when its console shows what `until` matches, or else when the process
# ends.  Nothing is typed meanwhile, so that every boot of a kernel meets the same input.
package Boot;
use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempfile);
use POSIX ();
use Time::HiRes qw(time);

our @EXPORT_OK = qw(boot PROMPT);

# BusyBox's shell asks the terminal for its cursor behind the prompt.
use constant PROMPT => '[#$] (\e\[6n)?$';

# boot(\@command, until => REGEX, limit => SECONDS, at_end => sub { my ($pid) = @_ })
# gives { seconds, status, console, errors }: seconds from the start of the process to the
# end of the boot.  at_end looks at the process before it is stopped (with SIGTERM).
# Dies if the boot does not come to its end in time.
sub boot
{
    my ($command, %how) = @_;
    my $limit = $how{limit} // 60;
    pipe(my $stdin, my $keep) or die "pipe: $!";
    pipe(my $from, my $to) or die "pipe: $!";
    my ($errors) = tempfile(UNLINK => 1);
    my $start = time;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open(STDIN, '<&', $stdin) and open(STDOUT, '>&', $to) and open(STDERR, '>&', $errors) or die;
        close $_ for $stdin, $keep, $from, $to;
        { exec @$command };
        print STDERR "$command->[0]: $!\n";
        POSIX::_exit(127);
    }
    close $_ for $stdin, $to;
    my ($console, $reached) = ('', 0);
    while (!$reached) {
        my $left = $start + $limit - time;
        my $ready = '';
        vec($ready, fileno($from), 1) = 1;
        if ($left <= 0 || select($ready, undef, undef, $left) <= 0) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
            die "no end of the boot in $limit s: @$command\n" . tail($console);
        }
        last unless sysread $from, $console, 65536, length $console;
        $reached = defined $how{until} && $console =~ /$how{until}/;
    }
    my $seconds = time - $start;
    if ($reached) {
        $how{at_end}->($pid) if $how{at_end};
        kill 'TERM', $pid;
    }
    1 while sysread $from, my $rest, 65536;
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    seek $errors, 0, 0;
    my $said = do { local $/; <$errors> } // '';
    die "the machine ended before the boot did, with status $status: @$command\n" . tail("$console$said")
        if defined $how{until} && !$reached;
    return { seconds => $seconds, status => $status, console => $console, errors => $said };
}

sub tail
{
    my @lines = split /\r?\n/, $_[0];
    splice @lines, 0, @lines - 10 if @lines > 10;
    return join '', map { "    $_\n" } @lines;
}

1;
