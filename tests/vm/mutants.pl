# mutants.pl VMM-TRACE DIR SCRATCH SEED - edits a real trace, one event at a time, and sees that lint names each edit.
# A line for each kind of edit:
#     found TOTAL named TOTAL [what was not]: KIND OF EDIT
use strict;
use warnings;
use lib 'tests/vm';
use TraceEdit;

my ($tool, $dir, $scratch, $seed) = @ARGV;
srand $seed;
my $PER_EDIT = 8;
my $t = TraceEdit->open_trace($dir);
my %reason = %{ $t->{value}{pt_reason} };
my %state = %{ $t->{value}{task_state} };
my %nr = map { $_->[0] => $_->[1] } ([clone => 56], [fork => 57], [vfork => 58], [execve => 59], [wait4 => 61], [clone3 => 435]);

sub get { return TraceEdit::get(@_) }

# What is over before the trace is: else nobody need notice.
my (%ended, %reaped, %leaves);
for my $e (@{ $t->{events} }) {
    $ended{ get($e, 'mm') } = 1 if $e->{name} eq 'mm_free';
    $reaped{ get($e, 'child') } = 1 if $e->{name} eq 'reap';
    $leaves{ get($e, 'pid') } = 1 if $e->{name} eq 'syscall_enter' && (get($e, 'nr') == 60 || get($e, 'nr') == 231);
}
sub of_ended { return $ended{ get($_[0], 'mm') } }
sub is_entry { return $_[0]{name} =~ /^pte_/ }
sub has_reason { my ($e, @names) = @_; my $r = get($e, 'reason'); return scalar grep { $r == $reason{$_} } @names }
sub next_of { my ($e) = @_; return $e->{packet}{events}[ $e->{index} + 1 ] }
sub previous_of { my ($e) = @_; return $e->{index} > 0 ? $e->{packet}{events}[ $e->{index} - 1 ] : undef }
sub is_call { my ($e, @names) = @_; my $n = get($e, 'nr'); return scalar grep { $n == $nr{$_} } @names }

# kind of event, or several => which of them, how the edit goes, what has to fail, its name
my @drop = sub { '' };
my @twice = sub { $_[0]{raw} x 2 };
sub add { my ($field, $n) = @_; return sub { TraceEdit::with($_[0], $field => get($_[0], $field) + $n) } }
sub flip { my ($field, $bits) = @_; return sub { TraceEdit::with($_[0], $field => get($_[0], $field) ^ $bits) } }
sub set { my ($field, $value) = @_; return sub { TraceEdit::with($_[0], $field => $value) } }

my @edits = (
    [ pte_write => \&of_ended, add(va => 4096), 'T6', 'a write has the next page\'s address' ],
    [ pte_write => \&of_ended, add(index => 1), 'T[26]', 'a write goes to the next slot' ],
    [ pte_write => \&of_ended, @twice, 'T1|C[14]|M3', 'a write comes twice' ],
    [ pte_write => sub { of_ended(@_) && has_reason($_[0], 'demand_zero', 'cow_break') }, @drop, 'T1|C6', 'a fault\'s write is missing' ],
    [ pte_write => sub { of_ended(@_) && has_reason($_[0], 'demand_zero', 'cow_break') }, flip(new => 0x1000), 'T1', 'a fault brings another frame' ],
    [ pte_write => sub { of_ended(@_) && has_reason($_[0], 'demand_zero') }, flip(old => 0x1000), 'T1', 'an entry was another one' ],
    [ pte_write => sub { of_ended(@_) && has_reason($_[0], 'cow_break') && is_fault(previous_of($_[0])) }, set(reason => $reason{demand_zero}), 'C4', 'a copy goes for new memory' ],
    [ pte_range_step => \&of_ended, add(va => 4096), 'T6', 'a range has the next page\'s address' ],
    [ 'pte_range_step|pte_write' => sub { of_ended(@_) && has_reason($_[0], 'fork_copy') }, flip(new => 0x1000), 'F1|T1', 'fork copies other frames' ],
    [ 'pte_range_step|pte_write' => sub { of_ended(@_) && has_reason($_[0], 'fork_copy') }, flip(new => 2), 'F[12]|T1', 'fork copies with W' ],
    [ pte_range_step => sub { of_ended(@_) && has_reason($_[0], 'exit_teardown', 'exec_teardown') }, @drop, 'M3|X1|T1', 'a teardown leaves a range' ],
    [ pte_range_old => sub { of_ended(@_) && has_reason($_[0], 'exit_teardown', 'exec_teardown') }, @drop, 'M3|X1|T1', 'a teardown leaves entries' ],
    [ signal => sub { get($_[0], 'signo') == 17 && get($_[0], 'code') <= 3 && $reaped{ get($_[0], 'pid') } }, @drop, 'X3', 'an end tells no parent' ],
    [ pte_range_old => sub { has_reason($_[0], 'exit_teardown') && $leaves{ get($_[0], 'pid') } }, set(reason => $reason{munmap}), 'T9', 'an exit unmaps' ],
    [ mm_create => sub { get($_[0], 'from_mm') != 0 }, add(from_mm => 1), 'F7', 'fork copies another address space' ],
    [ pte_range_old => sub { has_reason($_[0], 'exit_teardown') }, set(reason => $reason{exec_teardown}), 'T9', 'exec\'s teardown at an exit' ],
    [ table_alloc => \&of_ended, @drop, 'T5', 'a table comes from nowhere' ],
    [ table_alloc => \&of_ended, add(va => 1 << 21), 'T6', 'a table for another place' ],
    [ table_free => \&of_ended, @drop, 'X1|T8', 'a table stays' ],
    [ mm_free => sub { 1 }, @drop, 'X1', 'an address space leaks' ],
    [ mm_free => sub { 1 }, @twice, 'T8', 'an address space ends twice' ],
    [ mm_create => \&of_ended, @drop, 'T8', 'an address space comes from nowhere' ],
    [ page_fault => sub { answers(next_of($_[0]), 'cow_break', 'mkwrite') }, @drop, 'C1', 'a copy without a fault' ],
    [ page_fault => sub { answers(next_of($_[0]), 'demand_zero') && !goes_on_from($_[0]) }, @drop, 'C4', 'new memory without a fault' ],
    [ page_fault => sub { answers(next_of($_[0]), 'demand_zero') }, add(va => 1 << 21), 'C4', 'a fault somewhere else' ],
    [ tlb_flush => sub { replaced(previous_of($_[0])) && goes_on($_[0]) }, @drop, 'C3', 'no flush where a page was replaced' ],
    [ tlb_flush => sub { replaced(previous_of($_[0])) && goes_on($_[0]) }, set(cpus => 0), 'C3', 'a flush on no CPU' ],
    [ cr3_load => sub { get($_[0], 'mm') != 0 }, add(root_pfn => 1), 'T8', 'another root in CR3' ],
    [ switch => \&is_followed, @drop, 'T7', 'a switch is missing' ],
    [ clone => sub { $reaped{ get($_[0], 'child') } }, @drop, 'V11|X2', 'a task comes from nowhere' ],
    [ clone => sub { 1 }, add(child_tgid => 1), 'T9', 'a task in another process' ],
    [ vfork_release => sub { 1 }, @drop, 'V4', 'a vfork is not released' ],
    [ vfork_release => sub { 1 }, @twice, 'V4', 'a vfork is released twice' ],
    [ exec => sub { get($_[0], 'old_mm') != 0 }, @twice, 'T9', 'exec commits twice' ],
    [ exit => sub { $reaped{ get($_[0], 'tgid') } }, @drop, 'X2', 'a process ends without saying so' ],
    [ exit => sub { $reaped{ get($_[0], 'tgid') } }, @twice, 'X2', 'a process ends twice' ],
    [ exit => sub { $reaped{ get($_[0], 'tgid') } }, flip(status => 256), 'X2', 'a process ends with another status' ],
    [ reap => sub { 1 }, @drop, 'X2', 'a process vanishes' ],
    [ reap => sub { 1 }, add(child => 1), 'X2', 'another one is reaped' ],
    [ task_state => sub { get($_[0], 'next') == $state{zombie} && $reaped{ get($_[0], 'task') } }, @drop, 'X2', 'a process is no zombie' ],
    [ task_state => sub { get($_[0], 'prev') == $state{blocked} }, @drop, 'X3', 'a wake-up is missing' ],
    [ task_state => sub { get($_[0], 'prev') == $state{blocked} }, add(reason => 1), 'X3', 'a wake-up from another sleep' ],
    [ pte_write => sub { has_reason($_[0], 'table_link', 'table_unlink') }, set(reason => $reason{mmap}), 'T10', 'a table is linked or unlinked by mmap' ],
    [ pte_write => sub { has_reason($_[0], 'demand_zero', 'cow_break') && get($_[0], 'new') & 2 }, flip(new => 0x40), 'T10', 'a page that may be written is not dirty' ],
    [ 'pte_write|pte_range_step' => sub { has_reason($_[0], 'demand_file') }, flip(new => 0x20), 'T10', 'a page comes, and was not used' ],
    [ 'pte_write|pte_range_step' => sub { has_reason($_[0], 'exit_teardown') && (get($_[0], 'old') & 0x43) == 1 && get($_[0], 'level') == 1 }, flip(old => 0x40), 'M8', 'what may not be written was' ],
    [ pte_write => sub { has_reason($_[0], 'table_link') && get($_[0], 'level') > 1 }, set(mm => 0), 'T5', 'a program\'s table is written as the kernel\'s' ],
    [ exec_args => sub { get($_[0], 'pid') > 1 }, @drop, 'T9', 'an exec without arguments' ],
    [ exec_args => sub { 1 }, @twice, 'T9', 'an exec says twice how it was called' ],
    [ clone => sub { 1 }, flip(flags => 0x200), 'T9', 'a clone with a flag that nobody asked for' ],
    [ clone => sub { 1 }, set(exit_signal => 10), 'T9', 'a clone with another signal' ],
    [ page_fault => sub { get($_[0], 'error') & 4 }, flip(error => 1), 'C7', 'the page was there, or was not' ],
    [ page_fault => sub { get($_[0], 'error') & 4 }, flip(error => 4), 'C7', 'a program\'s fault is the kernel\'s' ],
    [ page_fault => sub { 1 }, flip(error => 8), 'C7', 'a fault for a reserved bit' ],
    [ page_fault => sub { get($_[0], 'error') == 7 }, flip(error => 2), 'C[167]', 'a write is told as a read of what is there' ],
    [ page_fault => sub { get($_[0], 'error') & 16 }, flip(error => 16), 'C7', 'code is fetched as data' ],
    [ page_fault => sub { get($_[0], 'error') & 4 }, flip(rip => 1 << 44), 'C7', 'an instruction where there is none' ],
    [ task_state => sub { get($_[0], 'prev') == $state{blocked} && get($_[0], 'by_pid') != 0 }, set(by_pid => 0), 'X3', 'a wake-up by nobody' ],
    [ task_state => sub { get($_[0], 'prev') == $state{blocked} }, add(on_pid => 1), 'X3', 'a wake-up that waits' ],
    [ task_state => sub { get($_[0], 'next') == $state{running} }, add(by_pid => 1), 'X3', 'a task is woken to run' ],
    [ task_state => sub { get($_[0], 'next') == $state{blocked} && get($_[0], 'mm') != 0 }, add(mm => 1), 'T7', 'a sleep in another address space' ],
    [ 'signal|switch|vfork_release' => sub { get($_[0], 'mm') != 0 }, add(mm => 1), 'T7', 'a signal, switch or release in another address space' ],
    [ syscall_exit => sub { is_call($_[0], qw(fork vfork clone clone3)) && is_number(get($_[0], 'ret')) }, add(ret => 1), 'V11', 'fork returns another number' ],
    [ syscall_exit => sub { is_call($_[0], 'wait4') && is_number(get($_[0], 'ret')) }, add(ret => 1), 'X2', 'wait4 returns another number' ],
    [ syscall_exit => sub { is_call($_[0], 'execve') && get($_[0], 'ret') == 0 }, set(ret => 2**64 - 2), 'E1|V6', 'exec fails, and has not' ],
    [ syscall_enter => sub { is_call($_[0], qw(fork vfork clone clone3)) }, @drop, 'T9', 'a call ends that has not begun' ],
);

sub is_number { return $_[0] > 0 && $_[0] < 2**31 } # and no error
sub is_fault { return defined $_[0] && $_[0]{name} eq 'page_fault' }
sub answers { my ($e, @names) = @_; return defined $e && $e->{name} eq 'pte_write' && has_reason($e, @names) }
# A fault brings the pages behind it, too, on whatever CPU its task runs then: where any such page ended.
my %behind;
for my $e (grep { is_entry($_) && has_reason($_, 'demand_zero') } @{ $t->{events} }) {
    my $n = $e->{name} eq 'pte_write' ? 1 : get($e, $e->{name} eq 'pte_range_step' ? 'n' : 'len');
    $behind{ get($e, 'pid'), (get($e, 'va') >> 12) + $n } = 1;
}
sub goes_on_from { my ($e) = @_; return $behind{ get($e, 'pid'), get($e, 'va') >> 12 } }
# Something comes after it on its CPU, in another task's name: else nobody can notice.
sub is_followed { my $n = next_of($_[0]); return defined $n && get($n, 'pid') != get($_[0], 'prev_pid') }
# By another frame, where there was one: then the old one may be in a TLB.
sub replaced
{
    my ($e) = @_;
    return answers($e, 'cow_break') && get($e, 'old') & 1 && get($e, 'new') & 1 && (get($e, 'old') ^ get($e, 'new')) >> 12 & 2**40 - 1;
}

# To user mode, before its CPU loads a root or flushes all anyway.
sub goes_on
{
    my ($e) = @_;
    for (my $n = next_of($e); defined $n; $n = next_of($n)) {
        return 0 if $n->{name} eq 'cr3_load' || $n->{name} eq 'tlb_flush' && get($n, 'end') == 0;
        return 1 if get($n, 'pid') == get($e, 'pid') && ($n->{name} eq 'syscall_enter' || is_fault($n) && get($n, 'error') & 4);
    }
    return 0;
}

sub failures { my $out = `$tool lint $scratch 2>&1`; return $out =~ /^(\w+) +FAIL/mg }

for my $edit (@edits) {
    my ($kind, $which, $how, $checks, $name) = @$edit;
    my @some = grep { $_->{name} =~ /^(?:$kind)$/ && !TraceEdit::is_first($_) && $which->($_) } @{ $t->{events} };
    my ($found, $total, @other) = (0, 0);
    while (@some && $total < $PER_EDIT) {
        my $e = splice @some, int rand @some, 1;
        $t->write_with($scratch, $e, $how->($e));
        my @failed = failures();
        $total++;
        if (grep { /^(?:$checks)$/ } @failed) { $found++ } else { push @other, '[' . join(' ', @failed) . ']' }
    }
    print "$found $total @other: $name ($checks)\n";
}
